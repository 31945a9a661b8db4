"""How a side makes its futures, and how it settles them."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

from crossawait_tests import Awaitable, Gate, Runtime


class Kind(Protocol):
    """A way to have futures."""

    classes: tuple[type[Any], ...]

    def make(self, loop: asyncio.AbstractEventLoop, variety: str) -> Any:
        """Make a pending one."""

    def make_given(self, loop: asyncio.AbstractEventLoop, variety: str, value: object) -> Any:
        """Make one that has its value."""

    def give(self, future: Any, value: object) -> object:
        """Settle one with a value; return what the call returns."""

    def fail(self, future: Any, error: Any) -> object:
        """Settle one with an exception."""


class MadeInPython:
    """A class whose futures are made and settled from Python."""

    def __init__(self, future: type[Any]) -> None:
        self._varieties = {
            "plain": future,
            "subclass": type("Subclass", (future,), {"__doc__": "Somebody's own."}),
        }
        self.classes = tuple(self._varieties.values())

    def make(self, loop: asyncio.AbstractEventLoop, variety: str) -> Any:
        return self._varieties[variety](loop=loop)

    def make_given(self, loop: asyncio.AbstractEventLoop, variety: str, value: object) -> Any:
        future = self.make(loop, variety)
        future.set_result(value)
        return future

    def give(self, future: Any, value: object) -> object:
        return future.set_result(value)

    def fail(self, future: Any, error: Any) -> object:
        return future.set_exception(error)


class SettledOnce(MadeInPython):
    """The same, and whoever comes too late goes away: as those who settle Rust futures do."""

    def __init__(self, future: type[Any]) -> None:
        super().__init__(future)
        self.settled = 0

    def make(self, loop: asyncio.AbstractEventLoop, _variety: str) -> Any:
        return super().make(loop, "plain")

    def give(self, future: Any, value: object) -> object:
        if not future.done():
            self.settled += 1
            future.set_result(value)
        return None

    def fail(self, future: Any, error: Any) -> object:
        if not future.done():
            self.settled += 1
            future.set_exception(error)
        return None


# Where the Rust future is polled first.
PLACEMENTS = ("spawn", "poll_first", "lazy")


class RustBacked:
    """Awaitables that settle on a runtime's thread, once a gate has been opened."""

    classes = (Awaitable,)

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.settled = 0

    def make(self, _loop: asyncio.AbstractEventLoop, variety: str) -> Any:
        return self._over(Gate(), variety)

    def make_given(self, _loop: asyncio.AbstractEventLoop, variety: str, value: object) -> Any:
        gate = Gate()
        gate.give(value)
        return self._wait_until_settled(self._over(gate, variety).detach())

    def give(self, future: Any, value: object) -> object:
        if not future.done():
            self._begun(future).give(value, elsewhere=future.number % 2 == 1)
            self._wait_until_settled(future)
        return None

    def fail(self, future: Any, error: Any) -> object:
        if not future.done():
            self._begun(future).fail(error, elsewhere=future.number % 2 == 1)
            self._wait_until_settled(future)
        return None

    def _over(self, gate: Gate, placement: Any) -> Any:
        future: Any = self._runtime.awaitable(gate, placement)
        future.gate = gate
        return future

    def _begun(self, future: Any) -> Gate:
        # Nobody may have asked for a lazy one yet, and what has not begun does not end.
        gate: Gate = future.detach().gate
        return gate

    def _wait_until_settled(self, future: Any) -> Any:
        """Hold the loop up until the outcome is there. The message that it is follows through the loop."""
        self.settled += 1
        while not future.done():
            time.sleep(0.00001)
        return future
