"""What is timed of the other direction, in which Rust calls Python, and of streams in both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from bridges import OURS, PEERS, bridge
from measure import Sample, Subject

OWN_TASK = "asyncio create_task"
OWN_GENERATOR = "asynchronous generator"

CALLERS = 100

Call = Callable[[], Coroutine[Any, Any, object]]
Caller = Callable[[Call, int], Awaitable[object]]
"""Has a function called and awaited, so many times in turn."""


async def nothing() -> None:
    """What is called."""


async def call_tasks(function: Call, times: int) -> None:
    """What a call costs asyncio without any thread: a task for each, awaited by another task."""
    for _ in range(times):
        await asyncio.create_task(function())


def call_together(caller: Caller, callers: int, times: int) -> Sample:
    """So many callers at once, each calling in turn."""

    async def sample() -> float:
        start = time.perf_counter()
        await asyncio.gather(*[caller(nothing, times) for _ in range(callers)])
        return time.perf_counter() - start

    return sample


def call_subjects(callers: int, times: int) -> list[Subject]:
    """Every bridge's tasks calling, and asyncio's."""
    by_name: dict[str, Caller] = {name: bridge(name).call for name in (*OURS, *PEERS)}
    by_name[OWN_TASK] = call_tasks
    return [
        Subject(name, call_together(caller, callers, times), callers * times)
        for name, caller in by_name.items()
    ]


async def own_numbers(end: int) -> AsyncIterator[int]:
    """The numbers below `end`."""
    for number in range(end):
        yield number


def iterate(numbers: Callable[[int], AsyncIterator[int]], count: int) -> Sample:
    """`async for` over so many numbers; they have to be complete."""

    async def sample() -> float:
        expected = 0
        start = time.perf_counter()
        async for number in numbers(count):
            assert number == expected
            expected += 1
        seconds = time.perf_counter() - start
        assert expected == count
        return seconds

    return sample


def stream_out_subjects(count: int, one_by_one: int) -> list[Subject]:
    """Rust streams; the peers cross for each item, so fewer of them make a sample long enough."""
    subjects = [Subject(OWN_GENERATOR, iterate(own_numbers, count), count)]
    subjects += [Subject(name, iterate(bridge(name).numbers, count), count) for name in OURS]
    return subjects + [Subject(name, iterate(bridge(name).numbers, one_by_one), one_by_one) for name in PEERS]


async def add_up(numbers: AsyncIterator[int]) -> int:
    """What the runtimes' tasks do, without any."""
    total = 0
    async for number in numbers:
        total += number
    return total


def hand_over(taker: Callable[[AsyncIterator[int]], Awaitable[int]], count: int) -> Sample:
    """A generator of so many numbers, which somebody adds up."""

    async def sample() -> float:
        start = time.perf_counter()
        total = await taker(own_numbers(count))
        seconds = time.perf_counter() - start
        assert total == count * (count - 1) // 2
        return seconds

    return sample


def stream_in_subjects(count: int, one_by_one: int) -> list[Subject]:
    """Python generators; fewer items for the peers, as above."""
    subjects = [Subject(OWN_GENERATOR, hand_over(add_up, count), count)]
    subjects += [Subject(name, hand_over(bridge(name).add_up, count), count) for name in OURS]
    return subjects + [
        Subject(name, hand_over(bridge(name).add_up, one_by_one), one_by_one) for name in PEERS
    ]
