"""`metrics`: the arithmetic of tasks, blocking calls, wakes and batches."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest

import crossawait
from event_loops import asyncio_only
from sockets import LOCALHOST
from starting import Start
from tasks import cancel, ended, gather, pending, until


async def test_tasks_are_counted_when_they_start_and_when_they_settle(start: Start) -> None:
    runtime = start()
    metrics = runtime.metrics()
    assert (metrics.tasks_spawned, metrics.tasks_settled, metrics.tasks_pending) == (0, 0, 0)
    sleeps = [await pending(runtime.sleep(60)) for _ in range(7)]
    await gather(*[runtime.yield_now() for _ in range(100)])
    metrics = runtime.metrics()
    assert (metrics.tasks_spawned, metrics.tasks_settled, metrics.tasks_pending) == (107, 100, 7)
    for task in sleeps[:3]:
        await cancel(task)
    metrics = runtime.metrics()
    assert (metrics.tasks_spawned, metrics.tasks_settled, metrics.tasks_pending) == (107, 103, 4)
    await runtime.aclose()
    for task in sleeps[3:]:
        await ended(task)
    metrics = runtime.metrics()
    assert (metrics.tasks_settled, metrics.tasks_pending) == (metrics.tasks_spawned, 0)


async def test_what_is_ready_at_once_is_never_spawned(start: Start) -> None:
    runtime = start()
    async with await runtime.listen(LOCALHOST, 0) as listener:
        assert listener.address
    assert runtime.metrics().tasks_spawned == 0


async def test_a_failed_task_has_settled(start: Start) -> None:
    runtime = start()
    with pytest.raises(OSError, match="Connection refused"):
        await runtime.connect(LOCALHOST, 1)
    assert runtime.metrics().tasks_pending == 0


async def test_blocking_calls_are_counted_apart(start: Start) -> None:
    runtime = start()
    assert runtime.metrics().blocking_calls == 0
    await gather(*[runtime.run_blocking(int) for _ in range(10)])
    metrics = runtime.metrics()
    assert metrics.blocking_calls == 10
    assert metrics.tasks_pending == 0


async def test_a_batch_of_completions_costs_one_wake_at_most(runtime: crossawait.Runtime) -> None:
    before = runtime.metrics()
    await gather(*[runtime.yield_now() for _ in range(5000)])
    after = runtime.metrics()
    wakes, batches = after.wakes - before.wakes, after.batches - before.batches
    completions = after.completions - before.completions
    assert 1 <= wakes <= batches + 1
    assert 1 <= completions <= 5000
    assert completions > wakes


async def test_one_at_a_time_costs_one_wake_each_at_most(runtime: crossawait.Runtime) -> None:
    before = runtime.metrics()
    for _ in range(200):
        await runtime.yield_now()
    after = runtime.metrics()
    assert after.wakes - before.wakes <= 200
    assert after.wakes - before.wakes <= after.batches - before.batches + 1


# On trio, as with its own coroutines, only a task may take the first step.
@asyncio_only
async def test_a_completion_that_nobody_waits_for_wakes_nobody(runtime: crossawait.Runtime) -> None:
    await runtime.yield_now()
    before = runtime.metrics()
    coroutines = [runtime.yield_now() for _ in range(100)]
    for coroutine in coroutines:
        # Some are over before anybody could wait.
        with contextlib.suppress(StopIteration):
            coroutine.send(None)
    await until(lambda: runtime.metrics().tasks_settled - before.tasks_settled >= 100)
    assert runtime.metrics().wakes == before.wakes
    for coroutine in coroutines:
        coroutine.close()


async def test_completions_per_wake_is_a_ratio(runtime: crossawait.Runtime) -> None:
    await runtime.yield_now()
    metrics = runtime.metrics()
    assert metrics.completions_per_wake == metrics.completions / metrics.wakes
    assert dataclasses.replace(metrics, wakes=0).completions_per_wake == 0.0


def test_metrics_are_a_frozen_value(runtime: crossawait.Runtime) -> None:
    metrics = runtime.metrics()
    assert type(metrics) is crossawait.Metrics
    assert metrics.runtime == runtime.name
    assert metrics.worker_threads >= 1
    assert metrics == runtime.metrics()
    with pytest.raises(dataclasses.FrozenInstanceError):
        metrics.wakes = 0  # type: ignore[misc]
