"""Catching a task at a certain point of its way, by looking and not by waiting a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def pending(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Make a task of one of the library's coroutines and let it run until it waits."""
    task = asyncio.ensure_future(coroutine)
    inner: Any = coroutine
    while not inner.cr_suspended:
        assert not task.done(), "there was nothing to wait for"
        await asyncio.sleep(0)
    return task


def wait_until_settled(*tasks: asyncio.Task[Any]) -> None:
    """Hold the loop up until what one of the tasks waits for has come: none has been told of it then."""
    coroutines: list[Any] = [task.get_coro() for task in tasks]
    wait_until(lambda: any(coroutine.cr_await.done() for coroutine in coroutines))


def wait_until(condition: Callable[[], object]) -> None:
    """Hold the thread up until another one has made the condition true."""
    while not condition():
        time.sleep(0.0005)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until the condition is true."""
    while not condition():  # noqa: ASYNC110 - it is the runtime's threads that make it true
        await asyncio.sleep(0.0005)


async def ended(task: asyncio.Task[Any]) -> BaseException | None:
    """Wait for a task's end, and return what it raised."""
    await asyncio.wait([task])
    return asyncio.CancelledError() if task.cancelled() else task.exception()


async def gives_none(awaitable: Awaitable[object]) -> bool:
    """Await it, and tell whether the value is None, as that of a function without one has to be."""
    return await awaitable is None
