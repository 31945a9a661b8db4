"""What the state machines have in common: a step is done on both sides, compared, counted and remembered.

Hypothesis chooses the steps. What led to a disagreement is shortened here: steps are plain data that can be
done again on a fresh pair of sides, and leaving out one after the other is quicker than Hypothesis's general
way, and bounded.
"""

from __future__ import annotations

import contextlib
import gc
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeVar

from hypothesis import seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from oracle.lockstep import Disagreement, Lockstep, Place, collect_young
from oracle.modes import Mode
from oracle.side import Action
from oracle.steps import EXAMPLES, RUN, Counts, plan

T = TypeVar("T")

# How often a disagreement is looked for again, to shorten the way to it.
MOST_REPLAYS = 400


# What the arguments of an example's steps are chosen with: Hypothesis chooses the rules, one at a time, and
# this once.
seeds = st.integers(0, 2**63 - 1)


class Step(Protocol):
    """Something that is done on both sides."""

    def on(self, lockstep: Lockstep) -> None:
        """Do it, and compare."""


@dataclass(frozen=True)
class Perform:
    """Do something: outside the loop, in a callback or in a task, and perhaps in one of the contexts."""

    place: Place
    actions: tuple[Action, ...]

    def on(self, lockstep: Lockstep) -> None:
        lockstep.perform(self.actions, self.place)
        lockstep.compare()


@dataclass(frozen=True)
class Tick:
    """Let the loop go round."""

    times: int

    def on(self, lockstep: Lockstep) -> None:
        for _ in range(self.times):
            lockstep.tick()
        lockstep.compare()


@dataclass(frozen=True)
class Collect:
    """Collect garbage."""

    def on(self, lockstep: Lockstep) -> None:
        lockstep.collect()


class Record:
    """The example that runs: its two sides, what they have done, and what they have disagreed about."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.examples = 0
        self.steps: list[Step] = []
        self.found: Disagreement | None = None
        self.lockstep: Lockstep | None = None

    def begin(self, make: Callable[[], Lockstep]) -> Lockstep:
        """Begin an example, after the one before has come to its end."""
        self.end()
        self.lockstep = make()
        self.examples += 1
        self.steps.clear()
        return self.lockstep

    def end(self) -> None:
        """End an example."""
        ending, self.lockstep = self.lockstep, None
        if ending is not None:
            with self.recording():
                ending.close()

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Remember a disagreement."""
        try:
            yield
        except Disagreement as found:
            self.found = found
            raise


class Machine(RuleBasedStateMachine):
    """Does on two sides what Hypothesis thinks of."""

    name: str

    def __init__(self, make: Callable[[], Lockstep], record: Record) -> None:
        super().__init__()
        # There is no `teardown`: Hypothesis calls it while it handles an exception of its own, which would be
        # to be seen.
        self.lockstep = record.begin(make)
        self.chance = Random()
        self._record = record

    def begin(self, drawn: int) -> None:
        """Begin an example. Most of Hypothesis's are variations of few; no two of these are alike."""
        self.chance.seed(drawn + self._record.examples)

    def one_of(self, *groups: Sequence[T]) -> T:
        """Choose a group, and one of it."""
        return self.chance.choice(self.chance.choice(groups))

    def do(self, step: Step) -> None:
        """Do a step, and count it."""
        self._record.steps.append(step)
        with self._record.recording():
            step.on(self.lockstep)
        self._record.counts[self.name, self.lockstep.mode.name] += 1

    def perform(self, place: Place, *actions: Action) -> None:
        """Do something in one step."""
        self.do(Perform(place, actions))


def run(
    machine: type[Machine],
    mode: Mode,
    make: Callable[[], Lockstep],
    *,
    examples: int | None = None,
    counts: Counts = RUN,
    replays: int = MOST_REPLAYS,
) -> None:
    """Run a machine as long as is planned; raise what the two sides disagree about, shortened."""
    record = Record(counts)

    def start() -> Machine:
        if record.found is not None:
            # Hypothesis tries it again, which is done here.
            raise record.found
        return machine(make, record)

    if EXAMPLES is None:
        # The same sequences each time, and others in each mode.
        start = seed(zlib.crc32(f"{machine.name} {mode.name}".encode()))(start)
    with _collecting_by_hand():
        try:
            run_state_machine_as_test(start, settings=plan(machine.name, mode, examples))  # type: ignore[no-untyped-call]
            record.end()
        except BaseException:
            if record.found is None:
                raise
            record.end()
        if record.found is not None:
            steps = shorten(record.steps, lambda steps: disagreement(steps, make) is not None, replays)
            raise Disagreement(_program(steps, disagreement(steps, make) or record.found))


def _program(steps: Sequence[Step], found: Disagreement) -> str:
    return "\n".join(["after these steps:", *(f"  {step}" for step in steps), str(found)])


def disagreement(steps: Sequence[Step], make: Callable[[], Lockstep]) -> Disagreement | None:
    """Do steps on a fresh pair of sides; return what the two disagree about."""
    lockstep = make()
    try:
        with contextlib.closing(lockstep):
            for step in steps:
                step.on(lockstep)
    except Disagreement as found:
        return found
    except Exception:  # noqa: BLE001 - a step may be impossible without one that was left out
        return None
    return None


def shorten(steps: Sequence[Step], fails: Callable[[Sequence[Step]], bool], replays: int) -> Sequence[Step]:
    """Leave out as many steps as possible, halves first and single ones last; no more than so many tries."""
    size = len(steps) // 2
    while size and replays:
        start = 0
        while start < len(steps) and replays:
            rest = [*steps[:start], *steps[start + size :]]
            replays -= 1
            if fails(rest):
                steps = rest
            else:
                start += size
        size //= 2
    return steps


@contextlib.contextmanager
def _collecting_by_hand() -> Iterator[None]:
    """Collect garbage only when a step says so: when something goes is part of what is compared."""
    collect_young()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
