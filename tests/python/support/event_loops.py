"""The event loops that every asynchronous test runs on, and how one is run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

# No test needs that long: what takes longer hangs, and is ended so that the others can go on.
HANGS = 30.0


class Run(Protocol):
    """Runs a coroutine to its end on a fresh event loop."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T: ...


def _debugging() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_debug(True)
    return loop


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "asyncio-debug": _debugging,
}

if sys.platform != "win32":
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop


def run(kind: str, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run `coroutine` on a fresh loop of that kind; whatever the loop complains of is a failure."""
    loop = LOOPS[kind]()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    try:
        result = loop.run_until_complete(asyncio.wait_for(coroutine, HANGS))
    finally:
        loop.run_until_complete(_end_all_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    assert complaints == []
    return result


async def _end_all_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
