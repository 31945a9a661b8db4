"""`interval`: ticks at a fixed distance, numbered, the missed ones skipped."""

from __future__ import annotations

import math
import time

import pytest

from crossawait import Runtime
from tasks import cancel_late, cancelled, pending, wait_until_settled


async def test_ticks_are_numbered_and_not_too_early(runtime: Runtime) -> None:
    start = time.monotonic()
    ticks: list[int] = []
    async for tick in runtime.interval(0.02):
        ticks.append(tick)
        assert time.monotonic() - start >= 0.02 * (tick + 1)
        if tick == 4:
            break
    assert ticks == [0, 1, 2, 3, 4]


async def test_an_interval_is_its_own_iterator(runtime: Runtime) -> None:
    interval = runtime.interval(0.001)
    assert interval.__aiter__() is interval
    assert [await interval.__anext__() for _ in range(3)] == [0, 1, 2]


async def test_missed_ticks_are_skipped_and_not_made_up_for(runtime: Runtime) -> None:
    period = 0.05
    missed = 5
    start = time.monotonic()
    interval = runtime.interval(period)
    assert await interval.__anext__() == 0
    time.sleep(period * (missed + 1))  # noqa: ASYNC251 - the loop is meant to be late
    for number in range(1, 4):
        assert await interval.__anext__() == number
        if number > 1:
            # Without skipping the ticks that were missed would all be there at once.
            assert (time.monotonic() - start) / period >= number + missed


async def test_a_cancelled_wait_takes_no_tick(runtime: Runtime) -> None:
    # On a busy machine the tick may come first.
    for period in (0.02, 0.2, 2.0, 20.0):
        interval = runtime.interval(period)
        task = await pending(interval.__anext__())
        task.cancel()
        if await cancelled(task):
            assert await interval.__anext__() == 0
            return
    pytest.fail("no cancellation came before its tick")


async def test_a_wait_that_is_cancelled_when_the_tick_has_come_takes_none_either(runtime: Runtime) -> None:
    for _ in range(10):
        interval = runtime.interval(0.01)
        task = await pending(interval.__anext__())
        wait_until_settled(task)
        first = 0 if await cancel_late(task) else 1 + task.result()
        assert [await interval.__anext__() for _ in range(2)] == [first, first + 1]


@pytest.mark.parametrize("seconds", [0, 0.0, -1, math.nan])
def test_a_period_has_to_be_positive(runtime: Runtime, seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        runtime.interval(seconds)


def test_a_period_has_to_fit_a_clock(runtime: Runtime) -> None:
    with pytest.raises(OverflowError):
        runtime.interval(math.inf)


@pytest.mark.parametrize("seconds", ["1", None])
def test_a_period_is_a_number(runtime: Runtime, seconds: float) -> None:
    with pytest.raises(TypeError):
        runtime.interval(seconds)


async def test_the_shortest_period_overflows_nothing(runtime: Runtime) -> None:
    interval = runtime.interval(1e-9)
    assert [await interval.__anext__() for _ in range(5)] == [0, 1, 2, 3, 4]


async def test_a_wait_that_is_awaited_later_than_it_was_made_comes_no_earlier(runtime: Runtime) -> None:
    period = 0.2
    start = time.monotonic()
    interval = runtime.interval(period)
    time.sleep(period)  # noqa: ASYNC251 - a tick is due when both are made
    first, second = interval.__anext__(), interval.__anext__()
    assert [await first, await second] == [0, 1]
    assert time.monotonic() - start >= 2 * period
