"""The event loops that are compared, and how tasks are started, awaited and cancelled on each."""

from __future__ import annotations

import abc
import asyncio
import importlib
import importlib.util
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

Call = Callable[[], Coroutine[Any, Any, object]]
"""What makes the coroutine of one task."""

RUST = "rust"
"""Stands in for a loop where a runtime is used without any, to show what is left to gain."""

LOOPS = ("asyncio", "uvloop", "rloop", "trio")
"""In the order in which they are reported."""


def installed() -> list[str]:
    """Return the names of the loops that this interpreter has; none is imported."""
    return [name for name in LOOPS if importlib.util.find_spec(name) is not None]


class Tasks(abc.ABC):
    """The tasks of a running loop. As a context it ends what was spawned."""

    async def __aenter__(self) -> Self:
        return self

    @abc.abstractmethod
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    @abc.abstractmethod
    def spawn(self, call: Call) -> None:
        """Start a task that runs until the context ends, if it does not end before."""

    @abc.abstractmethod
    async def together(self, calls: Iterable[Call]) -> None:
        """Run a task for each, all at once, and wait for the last."""

    @abc.abstractmethod
    async def cancel(self, calls: Iterable[Call]) -> None:
        """Start a task for each, cancel all of them once they wait, and see the last one end."""

    @abc.abstractmethod
    async def turn(self) -> None:
        """Let the other tasks have their turn."""

    @abc.abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Sleep on the loop's own timers."""


class AsyncioTasks(Tasks):
    """Tasks of asyncio, on whichever loop runs it."""

    def __init__(self) -> None:
        self._spawned: set[asyncio.Task[object]] = set()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._spawned:
            task.cancel()
        await asyncio.gather(*self._spawned, return_exceptions=True)

    def spawn(self, call: Call) -> None:
        """Start a task."""
        task = asyncio.get_running_loop().create_task(call())
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)

    async def together(self, calls: Iterable[Call]) -> None:
        """Gather."""
        await asyncio.gather(*(call() for call in calls))

    async def cancel(self, calls: Iterable[Call]) -> None:
        """Gather what was cancelled."""
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(call()) for call in calls]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def turn(self) -> None:
        """Sleep for no time."""
        await asyncio.sleep(0)

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)


class TrioTasks(Tasks):
    """Tasks of trio, in a nursery."""

    def __init__(self) -> None:
        self._trio: Any = importlib.import_module("trio")
        self._nursery: Any = None

    async def __aenter__(self) -> Self:
        self._manager: Any = self._trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._nursery.cancel_scope.cancel()
        await self._manager.__aexit__(exc_type, exc_value, traceback)

    def spawn(self, call: Call) -> None:
        """Start a task in the nursery."""
        self._nursery.start_soon(call)

    async def together(self, calls: Iterable[Call]) -> None:
        """Have a nursery of their own."""
        async with self._trio.open_nursery() as nursery:
            for call in calls:
                nursery.start_soon(call)

    async def cancel(self, calls: Iterable[Call]) -> None:
        """Cancel the nursery of their own."""
        async with self._trio.open_nursery() as nursery:
            for call in calls:
                nursery.start_soon(call)
            await self._trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()

    async def turn(self) -> None:
        """Pass a checkpoint."""
        await self._trio.lowlevel.checkpoint()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await self._trio.sleep(seconds)


def where(name: str) -> str:
    """Return the loop as words have it."""
    return "in Rust alone" if name == RUST else f"on {name}"


def tasks(name: str) -> Tasks:
    """Return the tasks of the loop of that name, which has to run."""
    return TrioTasks() if name == "trio" else AsyncioTasks()


def run(name: str, main: Call) -> None:
    """Run ``main`` on a fresh loop of that name, in this thread, and close the loop.

    What happens in Rust alone is still waited for, and on asyncio.
    """
    if name == "trio":
        importlib.import_module("trio").run(main)
        return
    module = asyncio if name in ("asyncio", RUST) else importlib.import_module(name)
    loop: asyncio.AbstractEventLoop = module.new_event_loop()
    try:
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
