"""What is timed of the future itself: awaiting one that has settled, and telling callbacks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from bridges import OURS, PEERS, bridge, extension
from measure import Sample, Subject

ASYNCIO = "asyncio.Future"
MADE = "crossawait Awaitable(), made in Python"

Make = Callable[[], "asyncio.Future[None]"]


def makers() -> dict[str, Make]:
    """Pending futures that Python settles: asyncio's, and ours."""
    loop = asyncio.get_running_loop()
    awaitable: Any = extension().Awaitable
    return {MADE: lambda: awaitable(loop=loop), ASYNCIO: lambda: asyncio.Future(loop=loop)}


def await_again(make: Callable[[], Any], count: int) -> Sample:
    """The same future, which has its result, awaited again and again."""

    async def sample() -> float:
        future = make()
        await asyncio.wait([future])
        start = time.perf_counter()
        for _ in range(count):
            await future
        return time.perf_counter() - start

    return sample


def settled(make: Make) -> Make:
    """The futures of `make` with a result."""

    def made() -> asyncio.Future[None]:
        future = make()
        future.set_result(None)
        return future

    return made


def settled_subjects(count: int) -> list[Subject]:
    """Settled by a runtime, or from Python."""
    makes: dict[str, Callable[[], Any]] = {name: bridge(name).noop for name in OURS}
    makes |= {name: settled(make) for name, make in makers().items()}
    return [Subject(name, await_again(make, count), count) for name, make in makes.items()]


def tell(make: Callable[[], Any], count: int) -> Sample:
    """`count` futures that settle by themselves, each with a callback; until the last one has been called."""

    async def sample() -> float:
        called = asyncio.Event()
        left = count

        def callback(_future: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                called.set()

        start = time.perf_counter()
        futures = [make() for _ in range(count)]
        for future in futures:
            future.add_done_callback(callback)
        await called.wait()
        return time.perf_counter() - start

    return sample


def callback_subjects(own_future: Callable[[], Any], own_name: str, count: int) -> list[Subject]:
    """Settled by a runtime; asyncio's own by a callback of the loop."""
    calls: dict[str, Callable[[], Any]] = {name: bridge(name).noop for name in (*OURS, *PEERS)}
    calls[own_name] = own_future
    return [Subject(name, tell(call, count), count) for name, call in calls.items()]


def tell_from_python(make: Make, count: int) -> Sample:
    """`add_done_callback`, `set_result` and the call, for futures that are there already."""

    async def sample() -> float:
        def callback(_future: object) -> None: ...

        futures = [make() for _ in range(count)]
        start = time.perf_counter()
        for future in futures:
            future.add_done_callback(callback)
        for future in futures:
            future.set_result(None)
        await asyncio.sleep(0)
        return time.perf_counter() - start

    return sample


def made_subjects(count: int) -> list[Subject]:
    """Settled from Python, on the loop's own thread."""
    return [Subject(name, tell_from_python(make, count), count) for name, make in makers().items()]
