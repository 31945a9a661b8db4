"""A task that calls Python lingers for a quick answer, and keeps nobody else waiting."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest
from anyio.lowlevel import checkpoint
from crossawait_tests import Gate, Runtime, await_until, call, most_calls_between_turns

from event_loops import every_loop
from tasks import gather, spawn

pytestmark = every_loop


@pytest.fixture(scope="module")
def one_thread() -> Iterator[Runtime]:
    """A runtime whose tasks share a thread."""
    runtime = Runtime(worker_threads=1)
    yield runtime
    runtime.shutdown()


async def nothing() -> None: ...


async def test_calls_leave_the_thread_to_others_now_and_then(one_thread: Runtime) -> None:
    """After 32 in a row; but a task that was woken may be preferred to one that gave way."""
    assert await most_calls_between_turns(one_thread, nothing, 5_000) < 100


async def test_calls_that_take_long_leave_the_thread_to_others(one_thread: Runtime) -> None:
    async def wait() -> None:
        begun.set()
        await anyio.Event().wait()

    for _ in range(20):
        begun, gate = anyio.Event(), Gate()
        waiting = spawn(await_until(one_thread, wait, gate))
        await begun.wait()
        await one_thread.nothing()
        await call(one_thread, nothing, times=5)
        gate.give(elsewhere=True)
        assert await waiting is None


@pytest.mark.parametrize("callers", [1, 2, 4, 5, 20])
async def test_every_call_is_answered_whatever_the_crowd(rust: Runtime, callers: int) -> None:
    counted = 0

    async def count() -> None:
        nonlocal counted
        counted += 1
        # Quick answers and slow ones, so that callers learn both.
        if counted % 50 == 0:
            await checkpoint()

    times = 2_000 // callers
    await gather(*(call(rust, count, times=times) for _ in range(callers)))
    assert counted == callers * times
