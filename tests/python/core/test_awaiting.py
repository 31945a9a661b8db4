"""Awaitables in everything that asyncio does with futures."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from crossawait_tests import Awaitable, Gate, Runtime

from tasks import wait_until


async def opened(rust: Runtime, value: object) -> Awaitable[Any]:
    """Return an awaitable that has settled with a value."""
    gate = Gate()
    awaitable = rust.awaitable(gate)
    gate.give(value)
    await asyncio.wait([awaitable])
    return awaitable


async def waiting(awaitable: Awaitable[Any]) -> asyncio.Task[Any]:
    """Return a task that waits for it."""

    async def wait() -> object:
        return await awaitable

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


async def test_await_before_it_settles(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    task = await waiting(awaitable)
    assert not task.done()
    gate.give("value", elsewhere=True)
    assert await task == "value"
    assert gate.polls <= 2
    assert gate.drops == 1


async def test_await_after_it_settled(rust: Runtime, gate: Gate) -> None:
    async def wait() -> object:
        return await awaitable

    awaitable = rust.awaitable(gate)
    gate.give("value")
    wait_until(awaitable.done)
    completions = rust.metrics()["completions"]
    # It is there: the first step is the last, and nobody has to tell the loop.
    with pytest.raises(StopIteration) as stopped:
        wait().send(None)
    assert stopped.value.value == "value"
    assert await awaitable == "value"
    assert rust.metrics()["completions"] == completions


async def test_await_again_and_again(rust: Runtime) -> None:
    awaitable = await opened(rust, "value")
    assert [await awaitable for _ in range(3)] == ["value"] * 3


async def test_the_same_task_awaits_several_one_after_another(rust: Runtime) -> None:
    # A blocking mark that is set only once makes the second of them fail.
    for number in range(5):
        gate = Gate()
        awaitable = rust.awaitable(gate)
        asyncio.get_running_loop().call_soon(gate.give, number)
        assert await awaitable == number


async def test_several_tasks_wait_for_one(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    tasks = [await waiting(awaitable) for _ in range(5)]
    value = object()
    gate.give(value, elsewhere=True)
    results = await asyncio.gather(*tasks)
    assert all(result is value for result in results)
    assert gate.drops == 1


async def test_one_of_several_waiters_leaves(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    shields = [asyncio.shield(awaitable) for _ in range(3)]
    tasks = [asyncio.ensure_future(shield) for shield in shields]
    tasks[1].cancel()
    gate.give("value", elsewhere=True)
    assert await asyncio.gather(*tasks, return_exceptions=True) != []
    assert [tasks[0].result(), tasks[2].result()] == ["value", "value"]
    assert tasks[1].cancelled()


async def test_gather(rust: Runtime) -> None:
    gates = [Gate() for _ in range(10)]
    gathered = asyncio.gather(*(rust.awaitable(gate) for gate in gates))
    for number, gate in enumerate(gates):
        gate.give(number, elsewhere=True)
    assert await gathered == list(range(10))


async def test_gather_with_an_exception_and_a_cancellation(rust: Runtime) -> None:
    gates = [Gate() for _ in range(3)]
    awaitables = [rust.awaitable(gate) for gate in gates]
    gathered = asyncio.gather(*awaitables, return_exceptions=True)
    gates[0].give(1)
    gates[1].fail(LookupError("missing"))
    awaitables[2].cancel("enough")
    first, second, third = await gathered
    assert first == 1
    assert isinstance(second, LookupError)
    assert isinstance(third, asyncio.CancelledError)


async def test_gather_is_cancelled(rust: Runtime) -> None:
    gates = [Gate() for _ in range(3)]
    awaitables = [rust.awaitable(gate) for gate in gates]
    gathered = asyncio.gather(*awaitables)
    gathered.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathered
    assert all(awaitable.cancelled() for awaitable in awaitables)
    for gate in gates:
        gate.wait_dropped()


async def test_wait_for_the_first(rust: Runtime) -> None:
    gates = [Gate(), Gate()]
    awaitables = [rust.awaitable(gate) for gate in gates]
    gates[1].give("second", elsewhere=True)
    done, pending = await asyncio.wait(awaitables, return_when=asyncio.FIRST_COMPLETED)
    assert done == {awaitables[1]}
    assert pending == {awaitables[0]}
    gates[0].give("first")
    done, pending = await asyncio.wait(awaitables)
    assert done == set(awaitables)
    assert not pending


async def test_wait_for_the_first_exception(rust: Runtime) -> None:
    gates = [Gate(), Gate()]
    awaitables = [rust.awaitable(gate) for gate in gates]
    gates[0].fail(LookupError("missing"), elsewhere=True)
    done, pending = await asyncio.wait(awaitables, return_when=asyncio.FIRST_EXCEPTION)
    assert done == {awaitables[0]}
    assert isinstance(awaitables[0].exception(), LookupError)
    for awaitable in pending:
        awaitable.cancel()


async def test_wait_for_in_time(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    asyncio.get_running_loop().call_soon(gate.give, "value")
    assert await asyncio.wait_for(awaitable, 60) == "value"


async def test_wait_for_too_late(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(awaitable, 0.001)
    assert awaitable.cancelled()
    gate.wait_dropped()
    assert gate.dropped_here == [False]


async def test_shield(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    outer = asyncio.shield(awaitable)
    outer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outer
    assert not awaitable.done()
    gate.give("value", elsewhere=True)
    assert await awaitable == "value"


async def test_shield_keeps_what_nobody_else_holds(rust: Runtime, gate: Gate) -> None:
    outer = asyncio.shield(rust.awaitable(gate))
    outer.cancel()
    await asyncio.wait([outer])
    del outer
    gate.wait_polled()
    gate.give("value")
    gate.wait_dropped()
    # Woken and polled to its end: dropping the last reference to what was awaited once is no cancellation.
    assert gate.wakes == 1


async def test_as_completed(rust: Runtime) -> None:
    gates = [Gate() for _ in range(3)]
    awaitables = [rust.awaitable(gate) for gate in gates]
    results = []
    order = [2, 0, 1]
    gates[order[0]].give(order[0])
    for following, next_one in zip([*order[1:], None], asyncio.as_completed(awaitables), strict=True):
        results.append(await next_one)
        if following is not None:
            gates[following].give(following)
    assert results == order


if sys.version_info >= (3, 11):

    async def test_timeout(rust: Runtime, gate: Gate) -> None:
        awaitable = rust.awaitable(gate)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await awaitable
        assert awaitable.cancelled()

    async def test_task_group(rust: Runtime) -> None:
        gates = [Gate(), Gate()]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(rust.coroutine(gate)) for gate in gates]
            for number, gate in enumerate(gates):
                gate.give(number, elsewhere=True)
        assert [task.result() for task in tasks] == [0, 1]

    async def test_task_group_cancels_the_others_when_one_fails(rust: Runtime) -> None:
        gates = [Gate(), Gate()]

        async def group_of_two() -> None:
            async with asyncio.TaskGroup() as group:
                for gate in gates:
                    group.create_task(rust.coroutine(gate))
                gates[0].fail(LookupError("missing"), elsewhere=True)

        with pytest.raises(Exception, match="unhandled errors in a TaskGroup") as caught:
            await group_of_two()
        group: Any = caught.value
        assert [type(error) for error in group.exceptions] == [LookupError]
        gates[1].wait_dropped()


async def test_ensure_future_and_wrap_future_take_it_as_it_is(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    assert asyncio.isfuture(awaitable)
    assert not asyncio.iscoroutine(awaitable)
    assert asyncio.ensure_future(awaitable) is awaitable
    assert asyncio.wrap_future(awaitable) is awaitable
    awaitable.cancel()


def test_run_until_complete(rust: Runtime, gate: Gate) -> None:
    loop = asyncio.new_event_loop()
    try:
        awaitable = rust.awaitable(gate)
        loop.call_soon(gate.give, "value")

        async def bind() -> None:
            awaitable.get_loop()

        loop.run_until_complete(bind())
        assert loop.run_until_complete(awaitable) == "value"
    finally:
        loop.close()


async def test_awaited_with_yield_from(rust: Runtime, gate: Gate) -> None:
    class Indirect:
        """Awaitable through an iterator, as a subclass of a future would be."""

        def __await__(self) -> Any:
            return (yield from awaitable)

    awaitable = rust.awaitable(gate)
    asyncio.get_running_loop().call_soon(gate.give, "value")
    assert await Indirect() == "value"


async def test_an_awaitable_inside_a_future_chain(rust: Runtime, gate: Gate) -> None:
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    awaitable = rust.awaitable(gate)
    awaitable.add_done_callback(lambda settled: told.set_result(settled.result()))
    gate.give("value", elsewhere=True)
    assert await told == "value"


async def test_callbacks_are_called_once_in_their_order(rust: Runtime, gate: Gate) -> None:
    called: list[int] = []
    awaitable = rust.awaitable(gate)
    for number in range(4):

        def callback(_: object, number: int = number) -> None:
            called.append(number)

        awaitable.add_done_callback(callback)
    told = asyncio.Event()
    awaitable.add_done_callback(lambda _: told.set())
    gate.give(elsewhere=True)
    await told.wait()
    awaitable.add_done_callback(lambda _: called.append(4))
    assert called == [0, 1, 2, 3]
    await asyncio.sleep(0)
    assert called == [0, 1, 2, 3, 4]


async def test_removed_callbacks_are_not_called(rust: Runtime, gate: Gate) -> None:
    called: list[str] = []

    def first(_: object) -> None:
        called.append("first")

    def second(_: object) -> None:
        called.append("second")

    awaitable = rust.awaitable(gate)
    for callback in (first, second, first):
        awaitable.add_done_callback(callback)
    assert awaitable.remove_done_callback(first) == 2
    assert awaitable.remove_done_callback(first) == 0
    told = asyncio.Event()
    awaitable.add_done_callback(lambda _: told.set())
    gate.give(elsewhere=True)
    await told.wait()
    assert called == ["second"]


async def test_the_last_callback_leaves_and_another_comes(rust: Runtime, gate: Gate) -> None:
    called: list[str] = []
    awaitable = rust.awaitable(gate)
    awaitable.add_done_callback(print)
    assert awaitable.remove_done_callback(print) == 1
    told = asyncio.Event()
    awaitable.add_done_callback(lambda _: called.append("late"))
    awaitable.add_done_callback(lambda _: told.set())
    gate.give(elsewhere=True)
    await told.wait()
    assert called == ["late"]


async def test_state_and_repr(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate, name="Stream.read")
    assert awaitable._state == "PENDING"
    assert "pending" in repr(awaitable)
    assert "Stream.read" in repr(awaitable)
    assert awaitable.get_loop() is asyncio.get_running_loop()
    with pytest.raises(asyncio.InvalidStateError):
        awaitable.result()
    with pytest.raises(asyncio.InvalidStateError):
        awaitable.exception()
    gate.give("value")
    await awaitable
    assert awaitable._state == "FINISHED"
    assert "'value'" in repr(awaitable)
    assert awaitable.result() == "value"
    assert awaitable.exception() is None


async def test_is_an_asyncio_future_to_isinstance(rust: Runtime, gate: Gate) -> None:
    import crossawait

    awaitable = rust.awaitable(gate)
    # What anyio asks, and loses a result without.
    assert isinstance(awaitable, asyncio.Future)
    assert type(awaitable) is Awaitable
    assert not isinstance(awaitable, crossawait.Coroutine)
    awaitable.cancel()


async def test_it_cannot_be_settled_from_python(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    with pytest.raises(RuntimeError, match="settled by its Rust future"):
        awaitable.set_result(1)
    with pytest.raises(RuntimeError, match="settled by its Rust future"):
        awaitable.set_exception(ValueError)
    gate.give("value")
    assert await awaitable == "value"
