"""Trio awaits ours natively: as it awaits what is its own, and without a loop of asyncio's anywhere."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import threading
from typing import Any

import pytest
import trio
import trio.testing
from crossawait_tests import Awaitable, Gate, Runtime
from trio.lowlevel import checkpoint

from tasks import soon, spawn, wait_until

pytestmark = pytest.mark.loops("trio")


async def settled(rust: Runtime, value: object) -> Awaitable[Any]:
    """Return an awaitable that has settled with a value."""
    gate = Gate()
    awaitable = rust.awaitable(gate)
    gate.give(value)
    wait_until(awaitable.done)
    return awaitable


@pytest.mark.parametrize("face", ["awaitable", "coroutine"])
async def test_it_waits_for_a_value(rust: Runtime, gate: Gate, face: str) -> None:
    value = object()
    soon(lambda: gate.give(value, elsewhere=True))
    assert await getattr(rust, face)(gate) is value
    assert (gate.polls <= 3, gate.drops) == (True, 1)


async def test_what_has_settled_is_there_at_once(rust: Runtime) -> None:
    others: list[str] = []

    async def other() -> None:
        others.append("ran")

    awaitable = await settled(rust, "value")
    spawn(other())
    assert [await awaitable for _ in range(3)] == ["value"] * 3
    assert others == []


async def test_it_is_awaited_again_after_it_was_waited_for(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    soon(lambda: gate.give("value", elsewhere=True))
    assert [await awaitable for _ in range(3)] == ["value"] * 3


async def test_several_tasks_wait_for_one(rust: Runtime, gate: Gate) -> None:
    results: list[object] = []

    async def wait() -> None:
        results.append(await awaitable)

    awaitable = rust.awaitable(gate)
    value = object()
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        gate.give(value, elsewhere=True)
    assert len(results) == 5
    assert all(result is value for result in results)


async def test_one_task_awaits_many_one_after_another(rust: Runtime) -> None:
    for number in range(50):
        gate = Gate()
        soon(functools.partial(gate.give, number, elsewhere=True))
        assert await rust.awaitable(gate) == number


async def test_a_nursery_starts_what_returns_a_coroutine(rust: Runtime) -> None:
    gates = [Gate() for _ in range(1000)]
    async with trio.open_nursery() as nursery:
        for gate in gates:
            nursery.start_soon(rust.coroutine, gate)
        await trio.testing.wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1000
        for gate in gates:
            gate.give()
    assert {gate.drops for gate in gates} == {1}


async def test_a_nursery_raises_what_a_coroutine_raises_and_cancels_the_others(rust: Runtime) -> None:
    gates = [Gate(), Gate()]

    async def two() -> None:
        async with trio.open_nursery() as nursery:
            for gate in gates:
                nursery.start_soon(rust.coroutine, gate)
            await trio.testing.wait_all_tasks_blocked()
            gates[0].fail(error, elsewhere=True)

    error = LookupError("missing")
    with pytest.RaisesGroup(LookupError) as caught:
        await two()
    assert caught.value.exceptions == (error,)
    gates[1].wait_dropped()


@pytest.mark.parametrize("placement", ["spawn", "poll_first"])
def test_a_run_of_nothing_but_a_coroutine(rust: Runtime, gate: Gate, placement: Any) -> None:
    gate.give("value")
    assert trio.run(rust.coroutine, gate, placement) == "value"


def test_a_run_of_nothing_but_a_coroutine_that_waits(rust: Runtime, gate: Gate) -> None:
    def give() -> None:
        gate.wait_polled()
        gate.give("value")

    thread = threading.Thread(target=give)
    thread.start()
    assert trio.run(rust.coroutine, gate) == "value"
    thread.join()


async def test_worker_threads_use_it_both_ways(rust: Runtime) -> None:
    gates = [Gate(), Gate()]

    def work() -> list[Any]:
        gates[0].give("waited for", elsewhere=True)
        gates[1].give("awaited", elsewhere=True)
        return [rust.awaitable(gates[0]).wait(), trio.from_thread.run(rust.coroutine, gates[1])]

    assert await trio.to_thread.run_sync(work) == ["waited for", "awaited"]


async def test_the_iterator_is_one_of_trios_kind(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    iterator: Any = awaitable.__await__()
    assert iterator is not awaitable
    assert all(hasattr(iterator, name) for name in ("__next__", "send", "throw", "close"))
    iterator.close()
    # Nobody has awaited it.
    assert not awaitable.done()
    gate.give("value", elsewhere=True)
    assert await awaitable == "value"


async def test_a_tasks_stack_shows_what_it_waits_for(rust: Runtime, gate: Gate) -> None:
    async def read() -> None:
        await rust.coroutine(gate, name="Stream.read")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        (task,) = nursery.child_tasks
        names = [frame.f_code.co_name for frame, _ in task.iter_await_frames()]
        gate.give()
    assert names[:3] == ["read", "read", "wait"]


async def test_what_asyncio_asks_for_is_refused(rust: Runtime, gate: Gate) -> None:
    awaitable: Any = rust.awaitable(gate)
    for ask in (awaitable.get_loop, lambda: awaitable.add_done_callback(print)):
        with pytest.raises(RuntimeError, match="trio"):
            ask()
    assert inspect.isawaitable(awaitable)
    gate.give("value", elsewhere=True)
    assert await awaitable == "value"


async def test_one_made_in_python_belongs_to_its_loop() -> None:
    loop = asyncio.new_event_loop()
    try:
        awaitable: Awaitable[str] = Awaitable(loop=loop)
        with pytest.raises(RuntimeError, match="different event loop"):
            await awaitable
        awaitable.set_result("value")
        # No loop is needed any more.
        assert await awaitable == "value"
    finally:
        loop.close()


async def test_an_awaitable_that_somebody_cancels(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    soon(lambda: awaitable.cancel("enough"))
    # It was not trio that cancelled.
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await awaitable
    await checkpoint()
    gate.wait_dropped()


async def test_a_lazy_one_starts_when_it_is_awaited(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate, "lazy")
    await checkpoint()
    assert gate.polls == 0
    soon(lambda: gate.give("value", elsewhere=True))
    assert await awaitable == "value"


async def test_a_destructor_that_raises_in_the_drain(
    rust: Runtime, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a system task raises would end the run."""

    class Troublesome:
        def __call__(self) -> str:
            return "value"

        def __del__(self) -> None:
            raise LookupError("in a destructor")

    reported: list[Any] = []
    told = trio.Event()

    def report(unraisable: Any) -> None:
        reported.append(unraisable.exc_value)
        told.set()

    monkeypatch.setattr(sys, "unraisablehook", report)
    assert await rust.call_blocking(Troublesome()) == "value"
    await told.wait()
    assert [str(error) for error in reported] == ["in a destructor"]
    reported.clear()
    soon(lambda: gate.give("still going", elsewhere=True))
    assert await rust.awaitable(gate) == "still going"
