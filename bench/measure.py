"""Times contestants against each other: interleaved, with a rotating order, summed up by medians.

A shared machine slows down and speeds up again within seconds. Run one after the other, whoever came at the
wrong moment would lose; run round by round, everybody meets the same weather, and the median drops the worst.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from library import Neighbours, noise

Sample = Callable[[], Awaitable[float]]
"""Does one sample's work and returns the seconds it took."""

# Long enough for a contestant's threads to finish what they do after their last result was delivered, so that
# nobody is timed with another's tail running on the second core.
PAUSE = 0.005

# A round is disturbed when other processes kept more than this many cores busy. On two cores, a compiler on
# one of them makes everything that wakes another thread several times slower.
QUIET = 0.1

# So many times the asked-for rounds are taken at most, on a machine that does not come to rest.
PATIENCE = 3


@dataclass(frozen=True)
class Subject:
    """One contestant's share of a workload: what to run, and how many operations one run holds."""

    name: str
    sample: Sample
    operations: int


class Counters(NamedTuple):
    """What crossawait's event-loop queues of this process have done so far."""

    wakes: int
    batches: int
    completions: int

    def since(self, earlier: Counters) -> Counters:
        """What was added after `earlier`."""
        return Counters(*(now - then for now, then in zip(self, earlier, strict=True)))

    def plus(self, other: Counters) -> Counters:
        """Both together."""
        return Counters(*(one + another for one, another in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Timing:
    """What one contestant showed in one workload."""

    operations: int
    samples: list[float]
    """Nanoseconds per operation, one number a round."""
    counted: Counters
    """What these samples did to the counters, all together."""

    @property
    def estimate(self) -> noise.Estimate:
        """The median, and the interval in which the true one lies."""
        return noise.median(self.samples)

    @property
    def median(self) -> float:
        """The middle sample."""
        return self.estimate.median


@dataclass(frozen=True)
class Round:
    """One sample of each contestant, and how much other processes disturbed them."""

    samples: dict[str, float]
    counted: dict[str, Counters]
    others: float
    """Cores that other processes kept busy meanwhile."""


@dataclass(frozen=True)
class Comparison:
    """A workload's timings, from the quietest of the rounds that were taken."""

    timings: dict[str, Timing]
    rounds: int
    taken: int
    others: float
    """Cores that other processes kept busy, on average over the rounds that count."""


async def sample_of(subject: Subject) -> float:
    """One sample in nanoseconds per operation, begun with nothing left to collect or to finish."""
    gc.collect()
    await asyncio.sleep(PAUSE)
    return await subject.sample() / subject.operations * 1e9


async def round_of(subjects: Sequence[Subject], counters: Callable[[], Counters]) -> Round:
    """One sample of each, in this order.

    The collector stays on, as it is in the programs this stands for: whatever a contestant makes it do is
    part of what the contestant costs.
    """
    neighbours = Neighbours()
    samples, counted = {}, {}
    for subject in subjects:
        before = counters()
        samples[subject.name] = await sample_of(subject)
        counted[subject.name] = counters().since(before)
    return Round(samples, counted, neighbours.cores())


async def interleave(
    subjects: Sequence[Subject], rounds: int, counters: Callable[[], Counters], tick: Callable[[str], None]
) -> Comparison:
    """Times every subject once a round until enough rounds were quiet, or too many were not.

    Whether a round counts is decided by what other processes did during it, for all contestants alike, and
    never by its result. A first round warms up threads, pools and caches and is thrown away.
    """
    await round_of(subjects, counters)
    tick("w")
    taken: list[Round] = []
    while sum(one.others < QUIET for one in taken) < rounds and len(taken) < PATIENCE * rounds:
        first = len(taken) % len(subjects)
        taken.append(await round_of([*subjects[first:], *subjects[:first]], counters))
        quiet = taken[-1].others < QUIET
        tick("." if quiet else "x")
        if not quiet:
            await asyncio.sleep(1)
    chosen = sorted(taken, key=lambda one: one.others)[:rounds]
    timings = {
        subject.name: Timing(
            subject.operations,
            [one.samples[subject.name] for one in chosen],
            reduce(Counters.plus, [one.counted[subject.name] for one in chosen]),
        )
        for subject in subjects
    }
    return Comparison(timings, rounds, len(taken), statistics.mean(one.others for one in chosen))
