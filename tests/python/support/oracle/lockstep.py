"""The two sides on one loop, doing the same, and compared after every step.

Since each action is done on the one side and right after on the other, and everything that follows is
scheduled on the same loop, the two stay in step: whatever happens on one side happens on the other in the
same iteration and in the same order. So the logs are compared whole, and where a disagreement is found, it is
the last step that led to it.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import itertools
import re
import sys
from collections.abc import Sequence
from typing import Any

from oracle.describing import SIDES, describe_error, describe_future, plain_text
from oracle.kinds import Kind
from oracle.modes import Mode
from oracle.side import Action, Side

# More iterations than any chain of wake-ups is long: what is not over after these waits for something.
REST = 20


# In the words for a handle, what describes a future is cut to a length, so the length of its class's name
# shows. uvloop does not describe it, and since 3.13 asyncio does in debug mode only.
_ARGUMENT = re.compile(r"\((?:\)|<(?:Future|Subclass)\b)[^\n]*")


# How much is shown around a difference.
BEFORE, AFTER = 3, 4

# "outside" the loop, in a "callback" of it, in an exception's "handler" there or in a "task"; in the context
# with this number, or in one of its own.
Place = tuple[str, int | None]


class Disagreement(AssertionError):  # noqa: N818 - no error of either side
    """The two sides differ."""


class Lockstep:
    """Two sides on one loop."""

    side: type[Side] = Side
    describe_future = staticmethod(describe_future)
    # Whether what is not collected yet goes at the same time, too.
    lifetimes = True
    # What a report may or may not have.
    unreported: frozenset[str] = frozenset()

    def __init__(self, mode: Mode, expected: Kind, actual: Kind) -> None:
        self.mode = mode
        self.loop = mode.make_loop()
        self.loop.set_exception_handler(self._report)
        self.iteration = 0
        self.strays: list[str] = []
        self.agree = True
        # What each has beside what all have is known to those who use it.
        self.sides: list[Any] = [
            self.side(name, kind, self) for name, kind in zip(SIDES, (expected, actual), strict=True)
        ]

    def now(self) -> int:
        """Return the number of the iteration."""
        return self.iteration

    def tick(self) -> None:
        """Let the loop go round once."""
        self.iteration += 1
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    def perform(self, actions: Sequence[Action], place: Place) -> None:
        """Do something on both sides."""
        where, context = place
        for side in self.sides:
            # A fresh one, so that what is set in it is forgotten after the step.
            surroundings = contextvars.Context() if context is None else side.contexts[context]
            if where == "outside":
                surroundings.run(side.perform_all, actions, "step")
            elif where == "callback":
                self.loop.call_soon(side.perform_all, actions, "step", context=surroundings)
            elif where == "handler":
                self.loop.call_soon(side.perform_while_handling, actions, "step", context=surroundings)
            else:
                coroutine = side.perform_in_a_task(actions, "step")
                surroundings.run(
                    functools.partial(self.loop.create_task, coroutine, name=f"{side.name}:step")
                )
        if where != "outside":
            self.tick()

    def compare(self, collected: bool = False) -> None:
        """Compare everything that has happened since the last time, and everything that there is."""
        expected, actual = self.sides
        self.agree = False
        if self.strays:
            raise Disagreement(f"neither side is told of in {self.strays}")
        if expected.log != actual.log:
            raise Disagreement(_difference("events", expected.log, actual.log))
        expected.log.clear()
        actual.log.clear()
        lifetimes = collected or self.lifetimes
        states = [side.look() | (side.look_back() if lifetimes else {}) for side in self.sides]
        if states[0] != states[1]:
            raise Disagreement(_difference("state", *(list(state.items()) for state in states)))
        self.agree = True

    def collect(self) -> None:
        """Collect garbage, and compare what that brings about, in whichever order."""
        collect_young()
        for side in self.sides:
            side.log.sort(key=repr)
        self.compare(collected=True)

    def close(self) -> None:
        """Let what is due happen, let go of everything, end the loop; compare, unless known not to agree."""
        try:
            self.finish()
            if self.agree:
                self.compare()
            for side in self.sides:
                side.drop_all()
            if self.agree and self.lifetimes:
                self.compare()
            if self.agree:
                self.collect()
        finally:
            if not self.agree:
                for side in self.sides:
                    side.drop_all()
                collect_young()
            self.loop.close()

    def finish(self) -> None:
        """Let what is due happen."""
        for _ in range(REST):
            self.tick()

    def _report(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        future = context.get("future")
        report = (
            "loop",
            "reports",
            _ARGUMENT.sub("", plain_text(context["message"])),
            None if error is None else describe_error(error),
            sorted(context.keys() - self.unreported),
            None if future is None else (future.done(), future.cancelled(), future._log_traceback),
            self.now(),
        )
        side = self._side_of(context)
        if side is not None:
            side.log.append(report)
        else:
            # Nobody hears what an exception handler raises.
            self.strays.append(repr(context))

    def _side_of(self, context: dict[str, Any]) -> Any:
        """Tell which side a report is about, if it does."""
        for key in ("exception", "future"):
            owner = getattr(context.get(key), "owner", None)
            if owner is not None:
                return self.sides[SIDES.index(owner)]
        text = repr(context)
        for name, side in zip(SIDES, self.sides, strict=True):
            if f"{name}:" in text:
                return side
        for side in self.sides:
            if type(context.get("future")) in side.kind.classes:
                return side
        return None


def _difference(what: str, expected: list[Any], actual: list[Any]) -> str:
    """Show where two lists differ first, with what came before that and after."""
    pairs = list(itertools.zip_longest(expected, actual, fillvalue="nothing"))
    first = next(place for place, (one, other) in enumerate(pairs) if one != other)
    lines = [f"{what} differ"]
    for one, other in pairs[max(first - BEFORE, 0) : first + AFTER]:
        lines += [f"  both      {one}"] if one == other else [f"  expected  {one}", f"  actual    {other}"]
    return "\n".join(lines)


def collect_young() -> None:
    """Collect what has been made since the last collection, and survived at most one."""
    # From 3.14 on, a generation is no longer collected whole.
    gc.collect(1 if sys.version_info < (3, 14) else 2)
