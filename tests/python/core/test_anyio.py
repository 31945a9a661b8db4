"""What anyio does with tasks, on asyncio's loop and on trio's: groups, scopes, threads."""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest
from anyio.lowlevel import checkpoint
from crossawait_tests import Gate, Runtime

from tasks import awaited_by, soon, wait_until

pytestmark = pytest.mark.loops("anyio", "trio")


class Waiter:
    """A task that waits for something, in a scope of its own."""

    def __init__(self, group: anyio.abc.TaskGroup, awaitable: Any) -> None:
        self.scope = anyio.CancelScope()
        self.waits = anyio.Event()
        self.result: Any = None
        self.handle = group.start_soon(self._wait, awaitable)

    async def _wait(self, awaitable: Any) -> None:
        with self.scope:
            self.waits.set()
            self.result = await awaitable


async def waiting(group: anyio.abc.TaskGroup, awaitable: Any) -> Waiter:
    """Return a task that has come to wait."""
    waiter = Waiter(group, awaitable)
    await waiter.waits.wait()
    await checkpoint()
    return waiter


async def test_a_group_starts_what_returns_a_coroutine(rust: Runtime) -> None:
    gates = [Gate() for _ in range(100)]
    async with anyio.create_task_group() as group:
        handles = [group.start_soon(rust.coroutine, gate) for gate in gates]
        for number, gate in enumerate(gates):
            gate.give(number, elsewhere=True)
    assert [handle.return_value for handle in handles] == list(range(100))


async def test_a_group_takes_coroutines(rust: Runtime) -> None:
    gates = [Gate(), Gate()]
    async with anyio.create_task_group() as group:
        first, second = (group.create_task(rust.coroutine(gate)) for gate in gates)
        for number, gate in enumerate(gates):
            gate.give(number, elsewhere=True)
        assert [await second, await first] == [1, 0]


async def test_gather(rust: Runtime) -> None:
    gates = [Gate() for _ in range(10)]
    for number, gate in enumerate(gates):
        soon(functools.partial(gate.give, number, elsewhere=True))
    assert await anyio.gather(*map(rust.coroutine, gates)) == tuple(range(10))


async def test_a_group_raises_what_one_raises_and_cancels_the_others(rust: Runtime) -> None:
    gates = [Gate(), Gate()]

    async def two() -> None:
        async with anyio.create_task_group() as group:
            for gate in gates:
                await waiting(group, rust.awaitable(gate))
            gates[0].fail(error, elsewhere=True)

    error = LookupError("missing")
    with pytest.RaisesGroup(LookupError) as caught:
        await two()
    assert caught.value.exceptions == (error,)
    gates[1].wait_dropped()


async def test_move_on_after(rust: Runtime, gate: Gate) -> None:
    with anyio.move_on_after(0.001) as scope:
        await rust.coroutine(gate)
    assert scope.cancelled_caught
    gate.wait_dropped()


async def test_fail_after(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    with pytest.raises(TimeoutError), anyio.fail_after(0.001):
        await awaitable
    assert awaitable.cancelled()
    gate.wait_dropped()


async def test_in_time(rust: Runtime, gate: Gate) -> None:
    soon(lambda: gate.give("value", elsewhere=True))
    with anyio.fail_after(60):
        assert await rust.awaitable(gate) == "value"


@pytest.mark.parametrize("face", ["awaitable", "coroutine"])
async def test_a_scope_that_is_cancelled(rust: Runtime, gate: Gate, face: str) -> None:
    async with anyio.create_task_group() as group:
        waiter = await waiting(group, getattr(rust, face)(gate))
        waiter.scope.cancel()
        await waiter.handle.wait()
        assert waiter.scope.cancelled_caught
    gate.wait_dropped()
    assert gate.drops == 1


@pytest.mark.parametrize("face", ["awaitable", "coroutine"])
async def test_an_outcome_that_came_before_the_cancellation_is_not_lost(
    rust: Runtime, gate: Gate, face: str
) -> None:
    """It has come, and the task has not taken its step: to anyio, as to trio, such a task waits no more."""
    async with anyio.create_task_group() as group:
        awaitable = getattr(rust, face)(gate)
        waiter = await waiting(group, awaitable)
        awaited = awaitable if face == "awaitable" else awaited_by(awaitable)
        gate.give("value")
        wait_until(awaited.done)
        waiter.scope.cancel()
        await waiter.handle.wait()
    assert (waiter.result, waiter.scope.cancelled_caught) == ("value", False)


async def test_cancellation_raced_against_completion(rust: Runtime) -> None:
    async with anyio.create_task_group() as group:
        for number in range(200):
            gate = Gate()
            awaitable = rust.awaitable(gate)
            waiter = await waiting(group, awaitable)
            gate.give(number, elsewhere=True)
            if number % 2:
                await checkpoint()
            waiter.scope.cancel()
            await waiter.handle.wait()
            # The one or the other. (An outcome that comes while the task is being cancelled is given up.)
            if waiter.scope.cancelled_caught:
                assert waiter.result is None
            else:
                assert (waiter.result, awaitable.cancelled()) == (number, False)
            gate.wait_dropped()
            assert gate.drops == 1


async def test_a_shield_holds(rust: Runtime, gate: Gate) -> None:
    results: list[object] = []
    waits = anyio.Event()

    async def shielded() -> None:
        with anyio.CancelScope(shield=True):
            waits.set()
            results.append(await rust.coroutine(gate))

    async with anyio.create_task_group() as group:
        group.start_soon(shielded)
        await waits.wait()
        group.cancel_scope.cancel()
        soon(lambda: gate.give("value", elsewhere=True))
    assert results == ["value"]


async def test_a_task_that_catches_the_cancellation_cleans_up_with_ours(rust: Runtime) -> None:
    first, second = Gate(), Gate()
    cleaned_up: list[object] = []

    async def stubborn() -> None:
        try:
            await rust.awaitable(first)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                cleaned_up.append(await rust.coroutine(second))
            raise

    class Stubborn:
        def __await__(self) -> Any:
            return stubborn().__await__()

    async with anyio.create_task_group() as group:
        handle = (await waiting(group, Stubborn())).handle
        handle.cancel()
        soon(lambda: second.give("cleaned up", elsewhere=True))
    assert cleaned_up == ["cleaned up"]
    first.wait_dropped()


async def test_worker_threads_use_it_both_ways(rust: Runtime) -> None:
    gates = [Gate(), Gate()]

    def work() -> list[Any]:
        gates[0].give("waited for", elsewhere=True)
        gates[1].give("awaited", elsewhere=True)
        return [rust.awaitable(gates[0]).wait(), anyio.from_thread.run(rust.coroutine, gates[1])]

    assert await anyio.to_thread.run_sync(work) == ["waited for", "awaited"]


def test_a_portal_runs_coroutines(rust: Runtime) -> None:
    for backend in ("asyncio", "trio"):
        with anyio.from_thread.start_blocking_portal(backend) as portal:
            gates = [Gate(), Gate()]
            futures = [portal.start_task_soon(rust.coroutine, gate) for gate in gates]
            gates[0].give("value")
            assert futures[0].result() == "value"
            futures[1].cancel()
            gates[1].wait_dropped()


@pytest.mark.loops("anyio")
@pytest.mark.skipif(sys.version_info < (3, 11), reason="cancellations are counted since 3.11")
async def test_no_cancellation_is_left_over(rust: Runtime, gate: Gate) -> None:
    task: Any = asyncio.current_task()
    before = task.cancelling()
    with anyio.move_on_after(0.001):
        await rust.awaitable(gate)
    assert task.cancelling() == before
    await asyncio.sleep(0)
