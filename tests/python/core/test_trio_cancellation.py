"""Trio cancels what waits for ours: through the abort function, and so that no outcome is lost."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import pytest
import trio
import trio.testing
from crossawait_tests import Awaitable, Gate, Runtime

from child_process import printed
from tasks import spawn, wait_until

pytestmark = pytest.mark.loops("trio")


class Waiter:
    """A task that waits for something, in a scope of its own."""

    def __init__(self, awaitable: Any) -> None:
        self.scope = trio.CancelScope()
        self.ended = trio.Event()
        self.result: Any = None
        spawn(self._wait(awaitable))

    async def _wait(self, awaitable: Any) -> None:
        try:
            with self.scope:
                self.result = await awaitable
        finally:
            self.ended.set()


@pytest.mark.parametrize("face", ["awaitable", "coroutine"])
async def test_a_scope_that_is_cancelled_drops_the_future_on_its_runtime(
    rust: Runtime, gate: Gate, face: str
) -> None:
    waiter = Waiter(getattr(rust, face)(gate))
    await trio.testing.wait_all_tasks_blocked()
    gate.wait_polled()
    waiter.scope.cancel()
    await waiter.ended.wait()
    assert waiter.scope.cancelled_caught
    gate.wait_dropped()
    assert (gate.drops, gate.dropped_here) == (1, [False])


async def test_what_is_cancelled_already_does_not_wait(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    with trio.CancelScope() as scope:
        scope.cancel()
        await awaitable
    assert scope.cancelled_caught
    assert awaitable.cancelled()
    gate.wait_dropped()


async def test_move_on_after(rust: Runtime, gate: Gate) -> None:
    with trio.move_on_after(0.001) as scope:
        await rust.coroutine(gate)
    assert scope.cancelled_caught
    gate.wait_dropped()


async def test_fail_after(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    with pytest.raises(trio.TooSlowError), trio.fail_after(0.001):
        await awaitable
    assert awaitable.cancelled()
    gate.wait_dropped()


async def test_in_time(rust: Runtime, gate: Gate) -> None:
    gate.give("value", elsewhere=True)
    with trio.fail_after(60):
        assert await rust.awaitable(gate) == "value"


async def test_a_shield_holds(rust: Runtime, gate: Gate) -> None:
    results: list[object] = []

    async def wait() -> None:
        with trio.CancelScope(shield=True):
            results.append(await rust.awaitable(gate))
        await trio.lowlevel.checkpoint()
        results.append("not cancelled")

    scope = trio.CancelScope()

    async def in_scope() -> None:
        with scope:
            await wait()

    async with trio.open_nursery() as inner:
        inner.start_soon(in_scope)
        await trio.testing.wait_all_tasks_blocked()
        scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert results == []
        gate.give("value", elsewhere=True)
    assert results == ["value"]
    assert scope.cancelled_caught


async def test_one_of_several_waiters_is_cancelled(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    waiters = [Waiter(awaitable) for _ in range(3)]
    await trio.testing.wait_all_tasks_blocked()
    waiters[1].scope.cancel()
    await waiters[1].ended.wait()
    assert not awaitable.done()
    gate.give("value", elsewhere=True)
    for waiter in waiters:
        await waiter.ended.wait()
    assert [waiter.result for waiter in waiters] == ["value", None, "value"]
    assert [waiter.scope.cancelled_caught for waiter in waiters] == [False, True, False]


async def test_the_last_waiter_takes_the_future_along(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    waiters = [Waiter(awaitable) for _ in range(3)]
    await trio.testing.wait_all_tasks_blocked()
    for waiter in waiters:
        assert not awaitable.done()
        waiter.scope.cancel()
        await waiter.ended.wait()
    assert awaitable.cancelled()
    gate.wait_dropped()


async def test_a_cancellation_after_the_outcome_comes_too_late(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    waiter = Waiter(awaitable)
    await trio.testing.wait_all_tasks_blocked()
    gate.give("value")
    # Settled, and nothing of the loop's has run since: the task does not know yet.
    wait_until(awaitable.done)
    waiter.scope.cancel()
    await waiter.ended.wait()
    assert (waiter.result, waiter.scope.cancelled_caught) == ("value", False)


async def test_an_outcome_after_the_cancellation_comes_too_late(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    waiter = Waiter(awaitable)
    await trio.testing.wait_all_tasks_blocked()
    waiter.scope.cancel()
    assert awaitable.cancelled()
    gate.give("value")
    await waiter.ended.wait()
    assert (waiter.result, waiter.scope.cancelled_caught) == (None, True)
    gate.wait_dropped()
    assert gate.drops == 1


async def test_cancellation_raced_against_completion(rust: Runtime) -> None:
    for number in range(200):
        gate = Gate()
        awaitable = rust.awaitable(gate)
        waiter = Waiter(awaitable)
        await trio.testing.wait_all_tasks_blocked()
        gate.give(number, elsewhere=True)
        if number % 2:
            await trio.lowlevel.checkpoint()
        waiter.scope.cancel()
        await waiter.ended.wait()
        # The one or the other. (An outcome that comes while the task is being cancelled is given up.)
        if waiter.scope.cancelled_caught:
            assert waiter.result is None
        else:
            assert (waiter.result, awaitable.cancelled()) == (number, False)
        gate.wait_dropped()
        assert gate.drops == 1


async def test_a_task_that_catches_the_cancellation_cleans_up_with_ours(rust: Runtime) -> None:
    first, second = Gate(), Gate()

    async def stubborn() -> object:
        try:
            return await rust.awaitable(first)
        except trio.Cancelled:
            with trio.CancelScope(shield=True):
                cleaned_up.append(await rust.coroutine(second))
            raise

    class Stubborn:
        def __await__(self) -> Any:
            return stubborn().__await__()

    cleaned_up: list[object] = []
    waiter = Waiter(Stubborn())
    await trio.testing.wait_all_tasks_blocked()
    waiter.scope.cancel()
    second.give("cleaned up", elsewhere=True)
    await waiter.ended.wait()
    assert (cleaned_up, waiter.scope.cancelled_caught) == (["cleaned up"], True)
    first.wait_dropped()


async def test_the_cancellation_of_a_nursery_ends_all(rust: Runtime) -> None:
    gates = [Gate() for _ in range(100)]
    async with trio.open_nursery() as nursery:
        for gate in gates:
            nursery.start_soon(rust.coroutine, gate)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    for gate in gates:
        gate.wait_dropped()
    assert {gate.drops for gate in gates} == {1}


async def test_what_was_cancelled_can_be_awaited_no_more(rust: Runtime, gate: Gate) -> None:
    awaitable: Awaitable[Any] = rust.awaitable(gate)
    with trio.move_on_after(0):
        await awaitable
    # Nobody cancels now: trio's own error would have no scope to go to.
    with pytest.raises(asyncio.CancelledError):
        await awaitable
    gate.wait_dropped()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a way to signal a process")
def test_interrupted_from_the_keyboard() -> None:
    code = f"""
        import os, threading
        import trio
        from crossawait_tests import Gate, Runtime

        runtime, gate = Runtime(), Gate()

        def interrupt():
            gate.wait_polled()
            os.kill(os.getpid(), {signal.SIGINT.value})

        async def main():
            awaitables.append(runtime.awaitable(gate, "lazy"))
            await awaitables[0]

        awaitables = []
        threading.Thread(target=interrupt).start()
        try:
            trio.run(main)
        except KeyboardInterrupt:
            print("interrupted", awaitables[0].cancelled())
        gate.wait_dropped()
        gates = [Gate(), Gate()]
        gates[1].give("once more")
        print(trio.run(runtime.coroutine, gates[1]))
    """
    assert printed(code) == "interrupted True\nonce more"
