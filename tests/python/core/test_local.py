"""Futures that stay on their thread: the event loop polls and drops them there."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from crossawait_tests import Gate, Runtime, local, local_awaitable

import crossawait
from event_loops import every_loop
from tasks import cancel, pending, until


@every_loop
async def test_it_is_polled_where_it_was_made(rust: Runtime, gate: Gate) -> None:
    second = Gate()
    task = await pending(local(rust, gate, second))
    gate.give(elsewhere=True)
    await until(lambda: second.polls)
    second.give(elsewhere=True)
    await until(task.done)
    for each in (gate, second):
        assert all(each.polled_here)
        assert each.dropped_here == [True]


async def test_its_value(rust: Runtime, gate: Gate) -> None:
    second = Gate()
    gate.give()
    second.give(elsewhere=True)
    assert await local(rust, gate, second) == 2


async def test_its_error(rust: Runtime, gate: Gate) -> None:
    gate.fail(LookupError("missing"), elsewhere=True)
    with pytest.raises(LookupError, match="missing"):
        await local_awaitable(rust, gate)


@every_loop
async def test_a_cancelled_one_is_dropped_where_it_was_made(rust: Runtime, gate: Gate) -> None:
    await cancel(await pending(local(rust, gate, Gate())))
    await until(lambda: gate.drops)
    assert gate.dropped_here == [True]


async def test_one_that_nobody_awaits_is_dropped_where_it_was_made(rust: Runtime, gate: Gate) -> None:
    awaitable = local_awaitable(rust, gate)
    assert gate.polls == 1
    thread = threading.Thread(target=awaitable.cancel)
    thread.start()
    thread.join()
    del awaitable
    gc.collect()
    await until(lambda: gate.drops)
    assert gate.dropped_here == [True]


async def test_many_wake_ups_at_once(rust: Runtime) -> None:
    gates = [Gate() for _ in range(200)]
    awaitables = [local_awaitable(rust, gate) for gate in gates]
    for number, gate in enumerate(gates):
        gate.give(number, elsewhere=True)
    assert await asyncio.gather(*awaitables) == list(range(200))
    assert all(all(gate.polled_here) for gate in gates)


def test_without_a_loop_there_is_nobody_to_poll_it(rust: Runtime, gate: Gate) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        local_awaitable(rust, gate)


def test_a_loop_that_is_closed_leaves_it_alone(rust: Runtime, gate: Gate) -> None:
    async def begin() -> object:
        return local_awaitable(rust, gate)

    kept = asyncio.run(begin())
    gate.give(elsewhere=True)
    del kept
    gc.collect()
    assert all(gate.polled_here)


def test_one_that_nothing_wakes_goes_with_its_loop(gate: Gate) -> None:
    rust = Runtime()
    loop = asyncio.new_event_loop()

    async def begin() -> Any:
        return local_awaitable(rust, gate)

    awaitable = loop.run_until_complete(begin())
    assert not gate.drops
    loop.close()
    assert gate.dropped_here == [True]
    # It tells whoever asks, as all do whose runtime lets them fall.
    with pytest.raises(crossawait.RuntimeClosedError):
        awaitable.result()


def test_a_loop_that_another_thread_runs_does_not_poll_it(rust: Runtime, gate: Gate) -> None:
    loop = asyncio.new_event_loop()

    async def begin() -> Any:
        return local_awaitable(rust, gate)

    async def go_on() -> int:
        gate.give(elsewhere=True)
        with pytest.raises(crossawait.RustPanic, match="its own thread"):
            await awaitable
        # It cannot be dropped here either, and is not sent round for that.
        batches = rust.metrics()["batches"]
        for _ in range(100):
            await asyncio.sleep(0)
        return rust.metrics()["batches"] - batches

    thread = threading.Thread(target=lambda: began.append(loop.run_until_complete(begin())))
    began: list[Any] = []
    thread.start()
    thread.join()
    (awaitable,) = began
    assert loop.run_until_complete(go_on()) < 10
    loop.close()
    assert gate.drops == 0


async def test_a_wait_on_the_thread_of_its_loop_is_refused(rust: Runtime, gate: Gate) -> None:
    awaitable = local_awaitable(rust, gate)
    gate.give(7, elsewhere=True)
    with pytest.raises(RuntimeError, match="await it instead"):
        awaitable.wait()
    assert await awaitable == 7
    assert awaitable.wait() == 7


async def test_a_wait_on_another_thread(rust: Runtime, gate: Gate) -> None:
    awaitable = local_awaitable(rust, gate)
    waiting = asyncio.ensure_future(asyncio.to_thread(awaitable.wait))
    gate.give(7, elsewhere=True)
    assert await waiting == 7
