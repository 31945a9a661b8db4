"""Cancelling from Python, and what it does to the Rust future."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from crossawait_tests import Awaitable, Gate, Runtime


async def start(awaitable: Any) -> asyncio.Task[Any]:
    """Return a task that waits for it."""

    async def wait() -> object:
        return await awaitable

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


async def test_cancelling_the_task_drops_the_future_on_its_runtime(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    task = await start(awaitable)
    gate.wait_polled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert awaitable.cancelled()
    gate.wait_dropped()
    assert gate.dropped_here == [False]
    assert gate.polls == 1


async def test_cancelling_the_awaitable_settles_at_once(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    task = await start(awaitable)
    assert awaitable.cancel() is True
    assert awaitable.done()
    assert awaitable.cancelled()
    assert awaitable._state == "CANCELLED"
    assert awaitable.cancel() is False
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(asyncio.CancelledError):
        awaitable.exception()


async def test_the_message_gets_through(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    awaitable.cancel("enough")
    assert awaitable._cancel_message == "enough"
    with pytest.raises(asyncio.CancelledError) as caught:
        awaitable.result()
    assert caught.value.args == ("enough",)
    with pytest.raises(asyncio.CancelledError) as caught:
        await awaitable
    assert caught.value.args == ("enough",)
    assert awaitable._make_cancelled_error().args == ("enough",)


async def test_a_refused_cancellation_leaves_the_message_alone(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    gate.give("value")
    await awaitable
    assert awaitable.cancel("too late") is False
    assert awaitable._cancel_message is None
    assert awaitable.result() == "value"


async def test_cancelling_what_was_never_started(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate, "lazy")
    assert awaitable.cancel()
    assert (gate.polls, gate.drops) == (0, 1)
    with pytest.raises(asyncio.CancelledError):
        await awaitable


async def test_cancelling_from_another_thread(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    task = await start(awaitable)
    thread = threading.Thread(target=awaitable.cancel)
    thread.start()
    await asyncio.wait([task])
    thread.join()
    assert task.cancelled()


async def test_a_task_that_catches_the_cancellation_goes_on(rust: Runtime) -> None:
    first, second = Gate(), Gate()

    async def stubborn() -> object:
        try:
            await rust.awaitable(first)
        except asyncio.CancelledError:
            return await rust.awaitable(second)
        raise AssertionError

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel()
    second.give("second", elsewhere=True)
    assert await task == "second"
    first.wait_dropped()


async def test_cancelling_raced_against_completion(rust: Runtime) -> None:
    outcomes = set()
    for number in range(200):
        gate = Gate()
        awaitable = rust.awaitable(gate)
        task = await start(awaitable)
        gate.give(number, elsewhere=True)
        if number % 2:
            await asyncio.sleep(0)
        cancelled = awaitable.cancel()
        await asyncio.wait([task])
        # The one or the other, and everybody agrees which.
        assert task.cancelled() is awaitable.cancelled() is cancelled
        if not cancelled:
            assert task.result() == number
        outcomes.add(cancelled)
        gate.wait_dropped()
        assert gate.drops == 1


async def test_task_cancelled_after_settling_but_before_its_step(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    task = await start(awaitable)
    gate.give("value")
    awaitable.wait()
    # Settled, and the drain has not run: the awaitable refuses, so the task is cancelled by its own flag.
    assert awaitable.done()
    assert awaitable.cancel() is False
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert awaitable.result() == "value"


async def test_dropping_what_nobody_awaited_cancels(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    gate.wait_polled()
    del awaitable
    gate.wait_dropped()
    assert (gate.wakes, gate.dropped_here) == (0, [False])


async def test_dropping_what_is_detached_does_not(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    assert awaitable.detach() is awaitable
    gate.wait_polled()
    del awaitable
    gate.give("value")
    gate.wait_dropped()
    assert (gate.polls, gate.wakes) == (2, 1)


async def test_detaching_starts_what_is_lazy(rust: Runtime, gate: Gate) -> None:
    rust.awaitable(gate, "lazy").detach()
    gate.wait_polled()
    gate.give("value")
    gate.wait_dropped()


async def test_a_waiter_whose_only_reference_is_the_task(rust: Runtime, gate: Gate) -> None:
    # The task is held by nobody but the awaitable it waits for, and that by nobody but the library.
    done: list[object] = []

    async def wait(awaitable: Awaitable[Any]) -> None:
        done.append(await awaitable)
        finished.set()

    finished = asyncio.Event()
    await start_and_forget(wait(rust.awaitable(gate)))
    gc.collect()
    gate.give("value", elsewhere=True)
    await finished.wait()
    assert done == ["value"]


async def start_and_forget(coroutine: Any) -> None:
    asyncio.get_running_loop().create_task(coroutine)
    del coroutine
    await asyncio.sleep(0)
