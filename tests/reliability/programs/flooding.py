"""Floods a loop, and looks how late a timer of ten milliseconds comes meanwhile."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import os
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from measuring import memory, percentile, quietly, tell, told, wait_until

import crossawait

TIMER = 0.010
PRODUCERS = 16

if TYPE_CHECKING:
    from typing_extensions import Self

name, operations, (way,) = told()


class Timer:
    """A timer that goes off again and again, and how late it did."""

    def __init__(self) -> None:
        self._late: list[float] = []
        # Steps since the last tick, and the most that there were: a busy machine changes that less than time.
        self._steps = 0
        self._most = 0
        self._task: asyncio.Task[None] | None = None

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TIMER
            await asyncio.sleep(TIMER)
            self._late.append(loop.time() - due)
            self._most = max(self._most, self._steps)
            self._steps = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.ensure_future(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])

    def step(self, seconds: float) -> None:
        """What a slow callback does."""
        self._steps += 1
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            pass

    async def restarted(self) -> None:
        """Leaves out that the loop was held up until now."""
        await self.__aexit__()
        await self.__aenter__()

    def figures(self) -> dict[str, float]:
        assert self._late
        latest, p99 = max(self._late) * 1000, percentile(self._late, 99) * 1000
        return {"latest_tick": latest, "p99_tick": p99, "steps_between_ticks": self._most}


async def pending() -> dict[str, float]:
    """So many awaitables are pending at once; then they all come, as fast as the runtime can."""
    arrived = 0

    def arrive(_: object) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == operations:
            all_arrived.set()

    all_arrived = asyncio.Event()
    waiting: list[Any] = []
    with crossawait.Runtime(name) as runtime:
        # Long enough for all of them to be made before the first comes, on a slow machine too.
        when = time.monotonic() + 2 + operations / 20_000
        gc.collect()
        # It goes through a million objects again and again, and holds the loop up for most of a second.
        # That is Python's doing, and the same with any million objects.
        gc.disable()
        before = memory()
        async with Timer() as timer:
            for number in range(operations):
                coroutine = runtime.sleep(when - time.monotonic())
                coroutine.send(None).add_done_callback(arrive)
                waiting.append(coroutine)
                if number % 500 == 0:
                    await asyncio.sleep(0)
            assert runtime.metrics().tasks_pending == operations
            assert arrived == 0
            taken = memory() - before
            await all_arrived.wait()
        assert runtime.metrics().tasks_pending == 0
        for coroutine in waiting:
            coroutine.close()
    return {**timer.figures(), "pending_at_once": operations, "bytes_each": taken * (1 << 20) / operations}


async def flood(step: float) -> dict[str, float]:
    """Sixteen worker threads complete what there is while each step of the loop is slow."""
    left = operations
    producers = None if name == "async-std" else PRODUCERS
    with crossawait.Runtime(name, worker_threads=producers) as runtime:
        before = memory()

        async def work() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                # Longer than it takes to wait for it: what has come already is not waited for, and no flood.
                await runtime.sleep(0.001)
                timer.step(step)

        async with Timer() as timer:
            working = []
            for _ in range(1000):
                # One by one: a thousand first steps in one iteration are asyncio's to make.
                working.append(asyncio.ensure_future(work()))
                await asyncio.sleep(0)
            await asyncio.gather(*working)
        assert runtime.metrics().tasks_pending == 0
        return {**timer.figures(), "growth": memory() - before}


def all_done(awaitables: list[Any]) -> bool:
    return all(awaitable.done() for awaitable in awaitables)


async def burst(step: float) -> dict[str, float]:
    """All have come before the loop looks: one drain would take them all, if it were not bounded."""
    extension: Any = importlib.import_module("crossawait_tests")
    runtime = extension.Runtime(name, worker_threads=PRODUCERS)
    async with Timer() as timer:
        for _ in range(max(1, operations // 1000)):
            gates = [extension.Gate() for _ in range(1000)]
            awaitables = [runtime.awaitable(gate) for gate in gates]

            async def wait(awaitable: Any) -> None:
                await awaitable
                timer.step(step)

            tasks = [asyncio.ensure_future(wait(awaitable)) for awaitable in awaitables]
            await asyncio.sleep(0)
            for gate in gates:
                gate.give()
            # While this thread stands still here.
            wait_until(functools.partial(all_done, awaitables), "an awaitable never settled")
            await timer.restarted()
            await asyncio.gather(*tasks)
    runtime.shutdown()
    return timer.figures()


WAYS: dict[str, Callable[[], Coroutine[Any, Any, dict[str, float]]]] = {
    "pending": pending,
    "flood, quick steps": lambda: flood(0.00002),
    "flood, slow steps": lambda: flood(0.002),
    "burst, slow steps": lambda: burst(0.004),
}


def main() -> None:
    if name == "async-std" and way != "pending":
        # It reads this when it starts, and has no option for it. What is pending at once is completed by as
        # many threads as there are processors, as elsewhere: sixteen busy ones leave the loop's no turn.
        os.environ["ASYNC_STD_THREAD_COUNT"] = str(PRODUCERS)
    loop = asyncio.new_event_loop()
    complaints = quietly(loop)
    figures = loop.run_until_complete(WAYS[way]())
    loop.close()
    assert not complaints, complaints[:3]
    tell(**figures)


main()
