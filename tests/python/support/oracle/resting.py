"""Two sides of which one is settled by another thread: compared whenever the loop has come to rest.

What a runtime's thread settles is told by a message through the loop's descriptor. It may be read an
iteration later than what asyncio schedules itself, and the drain that reads it calls an only waiter at once,
which is an iteration earlier. So here iterations do not count. The order does, except between the waiters of
several futures that have settled at once.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from typing import Any

from oracle.actions import DropIdle, DropTask, Fail, Give
from oracle.coroutine_side import CoroutineSide
from oracle.describing import describe_settled_elsewhere, plain_text
from oracle.lockstep import REST, Lockstep, Place, collect_young
from oracle.side import Action


class AtRest(Lockstep):
    """Two sides, and a loop that runs until nothing is left to do."""

    describe_future = staticmethod(describe_settled_elsewhere)
    # A handle that has failed is a cycle, and keeps its future alive until that is collected; the drain needs
    # no handles.
    lifetimes = False
    # Where a Rust future was made is not tracked.
    unreported = frozenset({"source_traceback"})

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._settled = [0, 0]
        self._asked = 0
        self._dropped = False

    def now(self) -> int:
        return 0

    def perform(self, actions: Sequence[Action], place: Place) -> None:
        super().perform(actions, place)
        self._asked = sum(isinstance(action, (Give, Fail)) for action in actions)
        self._dropped = any(isinstance(action, (DropIdle, DropTask)) for action in actions)
        self.rest()

    def rest(self) -> None:
        """Let the loop run until all waiters have been told, and whatever came of that has come."""
        while True:
            self.loop.run_until_complete(_go_round(REST))
            if not any(side.is_on_its_way() for side in self.sides):
                break

    def compare(self, collected: bool = False) -> None:
        settled = [side.kind.settled for side in self.sides]
        together = max(now - before for now, before in zip(settled, self._settled, strict=True))
        self._settled = settled
        scheduled = self.mode.strict or self.mode.name == "debug"
        # In order is what all came from here, and either one thing led to the next or all went through
        # `call_soon`.
        if together > self._asked or (together > 1 and not scheduled):
            for side in self.sides:
                side.log.sort(key=_actor)
        if self._dropped and not self.lifetimes:
            self._dropped = False
            collect_young()
            for side in self.sides:
                side.log.sort(key=repr)
            collected = True
        super().compare(collected)

    def finish(self) -> None:
        """Settle what is pending: the library keeps alive who waits for it, on asyncio's side nobody does."""
        for number in range(len(self.sides[0].futures)):
            for side in self.sides:
                side.kind.give(list(side.futures.values())[number], None)
            self._asked = 1
            self.rest()
            if self.agree:
                self.compare()


def _actor(event: tuple[Any, ...]) -> str:
    """Return what events are sorted by if the order of actors is open. Each one's own stay as they are."""
    # What the loop reports comes from all of them.
    return repr(event) if event[0] == "loop" else str(event[0])


async def _go_round(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


class WithCoroutines(AtRest):
    """Two sides that have coroutines, and note the warnings of those that were never awaited."""

    side = CoroutineSide
    lifetimes = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("always")
        warnings.showwarning = self._warn  # type: ignore[assignment]

    def finish(self) -> None:
        for number in range(len(self.sides[0].placements)):
            for side in self.sides:
                side.open(number, "give", None)
            self._asked = 1
            self.rest()
            if self.agree:
                self.compare()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._warnings.__exit__(None, None, None)

    def _warn(self, message: Warning | str, category: type[Warning], *_: Any) -> None:
        # In debug mode more lines tell where a native one was made.
        text = str(message).splitlines()[0]
        for side in self.sides:
            if f"{side.name}:" in text:
                side.note("interpreter", "warns", category.__name__, plain_text(text))
                return
        self.strays.append(text)
