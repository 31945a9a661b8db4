"""The event loops that every asynchronous test runs on, and how one is run."""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar, cast

import anyio
import pytest
import trio

from tasks import in_group

T = TypeVar("T")

# No test needs that long: what takes longer hangs, and is ended so that the others can go on.
HANGS = 30.0


class Run(Protocol):
    """Runs a coroutine to its end on a fresh event loop."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T: ...


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, as Windows' proactor loop cannot."""

    # asyncio's own pipe for wake-ups is watched through the method with the underscore, and goes on to be.
    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override]
        raise NotImplementedError


def _debugging() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_debug(True)
    return loop


# Loops with asyncio's methods, and how to make one.
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "asyncio-debug": _debugging,
    "without-readers": WithoutReaders,
    # The same loop as "asyncio": what is different is an environment variable, see the fixture `loop_kind`.
    "strict": asyncio.new_event_loop,
}

if sys.version_info >= (3, 12):

    def _eager() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        return loop

    LOOPS["asyncio-eager"] = _eager

# Compiled, and not there for every interpreter; where `requirements-dev.txt` has one, a test insists on it.
COMPILED = ("uvloop", "rloop")

if importlib.util.find_spec("uvloop"):
    LOOPS["uvloop"] = importlib.import_module("uvloop").new_event_loop

if importlib.util.find_spec("rloop"):

    def _rloop() -> asyncio.AbstractEventLoop:
        loop: Any = importlib.import_module("rloop").new_event_loop()
        # asyncio's handlers get the loop and the context, those of rloop 0.5 the context alone.
        set_handler = loop.set_exception_handler
        loop.set_exception_handler = lambda handler: set_handler(functools.partial(handler, loop))
        return cast("asyncio.AbstractEventLoop", loop)

    LOOPS["rloop"] = _rloop

# "anyio" is anyio's way of running tasks, on asyncio's loop. On trio's there is no difference to tell.
KINDS = (*LOOPS, "anyio", "trio")

# Marks tests that run on all kinds, where a folder's tests do not by themselves.
every_loop = pytest.mark.loops(*KINDS)

# Marks tests of what only loops like asyncio's have.
asyncio_only = pytest.mark.loops(*LOOPS)

# Marks tests of what rloop 0.5 cannot do. It has no Unix sockets. Interrupts do not end it. It frees no
# loop, also when closed. And when a run ends it closes its two descriptors twice: they may be another
# thread's by then.
not_on_rloop = pytest.mark.not_loops("rloop")


def run(kind: str, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run `coroutine` on a fresh loop of that kind; whatever the loop complains of is a failure."""
    if kind == "trio":
        return trio.run(in_group, _in_time(coroutine))
    complaints: list[dict[str, Any]] = []
    if kind == "anyio":
        result = anyio.run(_heard, coroutine, complaints)
    else:
        result = _run_on(LOOPS[kind](), coroutine, complaints)
    assert not complaints, complaints
    return result


async def _in_time(coroutine: Coroutine[Any, Any, T]) -> T:
    with anyio.fail_after(HANGS):
        return await coroutine


async def _heard(coroutine: Coroutine[Any, Any, T], complaints: list[dict[str, Any]]) -> T:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    return await in_group(_in_time(coroutine))


def _run_on(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T], complaints: list[dict[str, Any]]
) -> T:
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    try:
        return loop.run_until_complete(_and_clean_up(asyncio.wait_for(coroutine, HANGS)))
    finally:
        loop.close()


async def _and_clean_up(coroutine: Coroutine[Any, Any, T]) -> T:
    loop = asyncio.get_running_loop()
    try:
        return await coroutine
    finally:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await loop.shutdown_asyncgens()
        await loop.shutdown_default_executor()
