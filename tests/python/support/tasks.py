"""Tasks on any loop, and catching one at a certain point of its way, by looking and not by waiting a while.

On asyncio's loops tasks are asyncio's own. On trio, and where anyio runs the test, they are anyio's, in a
group around the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextvars import ContextVar
from typing import Any, Generic, Protocol, TypeVar

import anyio
import anyio.abc
import anyio.lowlevel
import outcome

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_group: ContextVar[anyio.abc.TaskGroup | None] = ContextVar("_group", default=None)


class Task(Protocol[T_co]):
    """What tests use of `asyncio.Task`."""

    def cancel(self) -> object: ...
    def done(self) -> bool: ...
    def result(self) -> T_co: ...
    def get_coro(self) -> Any: ...
    def __await__(self) -> Generator[Any, Any, T_co]: ...


class _GroupTask(Generic[T]):
    """A task of a group; an exception it raises is for whoever asks, and leaves the group alone."""

    def __init__(self, group: anyio.abc.TaskGroup, coroutine: Coroutine[Any, Any, T]) -> None:
        # None once it has ended.
        self._coroutine: Coroutine[Any, Any, T] | None = coroutine
        # What is true if nothing else comes about. Not trio's error: its traceback has the frames of whoever
        # cancelled. For the same reason the scope is not that of anyio's handle, which would keep the error.
        self._outcome: outcome.Outcome[T] = outcome.Error(asyncio.CancelledError())
        self._scope = anyio.CancelScope()
        self._handle = group.create_task(self._run(coroutine))

    async def _run(self, coroutine: Coroutine[Any, Any, T]) -> None:
        try:
            with self._scope:
                self._outcome = outcome.Value(await coroutine)
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as error:  # noqa: BLE001 - it is kept
            self._outcome = outcome.Error(error)
        finally:
            self._coroutine = None
            # The error's traceback has this frame.
            del self, coroutine

    def cancel(self) -> None:
        self._scope.cancel()

    def done(self) -> bool:
        return self._coroutine is None

    def result(self) -> T:
        assert self.done()
        return self._outcome.unwrap()

    def get_coro(self) -> Coroutine[Any, Any, T]:
        assert self._coroutine is not None
        return self._coroutine

    async def ended(self) -> BaseException | None:
        await self._handle.wait()
        return self._outcome.error if isinstance(self._outcome, outcome.Error) else None

    def __await__(self) -> Generator[Any, Any, T]:
        yield from self._handle.wait().__await__()
        return self.result()


async def in_group(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await it with a group around it that takes the tasks it starts, and ends those it leaves behind."""
    async with anyio.create_task_group() as group:
        _group.set(group)
        # What it raises goes past the group, which would wrap it up.
        result = await outcome.acapture(lambda: coroutine)
        group.cancel_scope.cancel()
    return result.unwrap()


def spawn(coroutine: Coroutine[Any, Any, T]) -> Task[T]:
    """Start a task for it."""
    group = _group.get()
    if group is None:
        return asyncio.ensure_future(coroutine)
    return _GroupTask(group, coroutine)


async def gather(*coroutines: Coroutine[Any, Any, T]) -> Sequence[T]:
    """Run them all at once, and return what they return."""
    if _group.get() is None:
        return await asyncio.gather(*coroutines)
    return await anyio.gather(*coroutines)


def soon(function: Callable[[], object]) -> None:
    """Call a function when the running task has come to wait for something."""
    if _group.get() is None:
        asyncio.get_running_loop().call_soon(function)
        return

    async def call() -> None:
        function()

    spawn(call())


async def pending(coroutine: Coroutine[Any, Any, T]) -> Task[T]:
    """Make a task of one of the library's coroutines and let it run until it waits."""
    task = spawn(coroutine)
    inner: Any = coroutine
    while not inner.cr_suspended:
        assert not task.done(), "there was nothing to wait for"
        await anyio.lowlevel.checkpoint()
    return task


async def ended(task: Task[Any]) -> BaseException | None:
    """Wait for a task's end, and return what it raised: if it was cancelled, asyncio's error on any loop."""
    if isinstance(task, _GroupTask):
        return await task.ended()
    assert isinstance(task, asyncio.Task)
    await asyncio.wait([task])
    return asyncio.CancelledError() if task.cancelled() else task.exception()


async def cancelled(task: Task[Any]) -> bool:
    """Wait for a task's end, and tell whether that was a cancellation."""
    return isinstance(await ended(task), asyncio.CancelledError)


async def cancel(task: Task[Any]) -> None:
    """Cancel a task that waits, and see it end so."""
    task.cancel()
    assert await cancelled(task)


async def cancel_late(task: Task[Any]) -> bool:
    """Cancel a task to which the outcome has come that it does not know of yet, and tell whether it ended so.

    On asyncio's loops it does. With anyio and trio it may be the outcome that counts, and is not lost.
    """
    task.cancel()
    was_cancelled = await cancelled(task)
    assert was_cancelled or _group.get() is not None
    return was_cancelled


def wait_until_settled(*tasks: Task[Any]) -> None:
    """Hold the loop up until what one of the tasks waits for has come: none has been told of it then."""
    awaitables = [awaited_by(task.get_coro()) for task in tasks]
    wait_until(lambda: any(awaitable.done() for awaitable in awaitables))


def let_runtime_poll(awaitable: Any) -> None:
    """Stand the loop still for a moment, which leaves what it polls itself to the runtime from then on."""
    with contextlib.suppress(TimeoutError):
        awaitable.wait(0)


def awaited_by(coroutine: Any) -> Any:
    """Return the awaitable that one of the library's coroutines waits for."""
    awaited = coroutine.cr_await
    if inspect.iscoroutine(awaited):
        # On trio it waits by means of a coroutine of trio's kind, which leads to it.
        behind = gc.get_referents(inspect.getcoroutinelocals(awaited)["waiter"])
        (awaited,) = (each for each in behind if asyncio.isfuture(each))
    return awaited


def wait_until(condition: Callable[[], object]) -> None:
    """Hold the thread up until another one has made the condition true."""
    while not condition():
        time.sleep(0.0005)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until the condition is true."""
    while not condition():  # noqa: ASYNC110 - it is the runtime's threads that make it true
        await anyio.sleep(0.0005)


async def gives_none(awaitable: Awaitable[object]) -> bool:
    """Await it, and tell whether the value is None, as that of a function without one has to be."""
    return await awaitable is None


async def within(seconds: float, coroutine: Coroutine[Any, Any, T]) -> T:
    """Await it for so long, and raise TimeoutError then."""
    if _group.get() is None:
        try:
            return await asyncio.wait_for(coroutine, seconds)
        except asyncio.TimeoutError as error:
            raise TimeoutError from error
    try:
        with anyio.fail_after(seconds):
            return await coroutine
    finally:
        # The error's traceback has this frame, and from anyio it is part of a cycle.
        del coroutine
