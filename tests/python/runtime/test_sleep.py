"""`sleep` and `yield_now`: time on the runtime's own timers, and the smallest crossing."""

from __future__ import annotations

import math
import time
from pathlib import Path

import anyio
import pytest

from crossawait import Runtime
from tasks import cancel, gather, gives_none, pending, spawn, until


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


async def test_a_sleep_takes_the_time_asked_for(runtime: Runtime) -> None:
    begun = time.monotonic()
    assert await gives_none(runtime.sleep(0.05))
    assert time.monotonic() - begun >= 0.05


async def test_the_shorter_of_two_sleeps_ends_first(runtime: Runtime) -> None:
    order: list[float] = []

    async def sleep(seconds: float) -> None:
        await runtime.sleep(seconds)
        order.append(seconds)

    await gather(sleep(0.5), sleep(0.01))
    assert order == [0.01, 0.5]


@pytest.mark.parametrize("seconds", [0, 0.0, -0.0, -1, -math.inf, 1e-9, False])
async def test_nothing_or_less_is_over_at_once(runtime: Runtime, seconds: float) -> None:
    assert await gives_none(runtime.sleep(seconds))


def test_seconds_that_are_no_number_are_refused_before_anything_runs(runtime: Runtime) -> None:
    with pytest.raises(ValueError, match="NaN"):
        runtime.sleep(math.nan)


@pytest.mark.parametrize("seconds", [math.inf, 1e300])
def test_more_seconds_than_a_clock_has_are_refused(runtime: Runtime, seconds: float) -> None:
    with pytest.raises(OverflowError, match="too many seconds"):
        runtime.sleep(seconds)


@pytest.mark.parametrize("seconds", ["1", None, 1j, [1]])
def test_seconds_of_another_type_are_refused(runtime: Runtime, seconds: float) -> None:
    with pytest.raises(TypeError):
        runtime.sleep(seconds)


async def test_a_cancelled_sleep_is_given_up_on_the_runtime_too(runtime: Runtime) -> None:
    await until(lambda: runtime.metrics().tasks_pending == 0)
    task = await pending(runtime.sleep(1000))
    assert runtime.metrics().tasks_pending == 1
    await cancel(task)
    assert runtime.metrics().tasks_pending == 0


async def test_a_thousand_sleeps_need_no_further_thread(runtime: Runtime) -> None:
    await runtime.sleep(0.001)
    before = threads()
    tasks = [spawn(runtime.sleep(0.05)) for _ in range(1000)]
    await runtime.sleep(0.01)
    assert threads() <= before
    for task in tasks:
        assert await gives_none(task)


async def test_a_yield_lets_other_tasks_go_on(runtime: Runtime) -> None:
    going = anyio.Event()

    async def other() -> None:
        going.set()

    task = spawn(other())
    while not going.is_set():
        assert await gives_none(runtime.yield_now())
    await task


async def test_a_yield_always_crosses(runtime: Runtime) -> None:
    before = runtime.metrics().tasks_spawned
    await gather(*[runtime.yield_now() for _ in range(1000)])
    assert runtime.metrics().tasks_spawned - before == 1000
