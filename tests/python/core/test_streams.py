"""Rust streams as asynchronous iterators: every item once, in order, and none too many."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from anyio.lowlevel import checkpoint
from crossawait_tests import Gate, Runtime, StreamIterator, gated, numbers

import crossawait
from event_loops import LOOPS, asyncio_only, every_loop
from tasks import (
    Task,
    cancel,
    cancel_late,
    ended,
    pending,
    soon,
    spawn,
    until,
    wait_until,
    wait_until_settled,
    within,
)

pytestmark = every_loop

# What a stream may give before somebody takes it.
AHEAD = 1024


@pytest.fixture(scope="module")
def any_rust(runtime_name: Any) -> Iterator[Runtime]:
    """A runtime of each kind."""
    runtime = Runtime(runtime_name)
    yield runtime
    runtime.shutdown()


def opened(count: int) -> list[Gate]:
    """Return gates that give their number, and that count who passes."""
    gates = [Gate() for _ in range(count)]
    for number, gate in enumerate(gates):
        gate.give(number)
    return gates


async def waiting(iterator: StreamIterator[Any]) -> Task[Any]:
    """Return a task that waits for the next item."""
    return await pending(iterator.__anext__())


async def is_over(iterator: AsyncIterator[Any]) -> bool:
    """Tell whether it stays at its end."""
    for _ in range(3):
        with pytest.raises(StopAsyncIteration):
            await anext(iterator)
    return True


@pytest.mark.parametrize("count", [0, 1, 5000])
async def test_all_items_come_in_order(any_rust: Runtime, count: int) -> None:
    iterator = numbers(any_rust, count)
    assert [number async for number in iterator] == list(range(count))
    assert await is_over(iterator)


async def test_items_that_come_one_by_one(any_rust: Runtime) -> None:
    gates = [Gate() for _ in range(20)]
    iterator = gated(any_rust, gates)
    for gate in gates:
        value = object()
        soon(functools.partial(gate.give, value, elsewhere=True))
        assert await anext(iterator) is value
    assert await is_over(iterator)


async def test_what_python_expects_of_it(rust: Runtime) -> None:
    iterator = numbers(rust, 2)
    assert isinstance(iterator, AsyncIterator)
    assert aiter(iterator) is iterator
    assert [await anext(iterator) for _ in range(2)] == [0, 1]
    assert [await anext(iterator, "none left") for _ in range(2)] == ["none left"] * 2
    assert [number async for number in numbers(rust, 10) if number % 2] == [1, 3, 5, 7, 9]


async def test_a_default_for_the_end(rust: Runtime) -> None:
    gates = [Gate(), Gate()]
    iterator = gated(rust, gates)
    for number, gate in enumerate(gates):
        # It has to wait: the builtin asks for the iterator again at every step.
        soon(functools.partial(gate.give, number, elsewhere=True))
        assert await anext(iterator, "none left") == number
    assert await anext(iterator, "none left") == "none left"


async def test_an_error_comes_last(any_rust: Runtime) -> None:
    iterator = numbers(any_rust, 3, fails=True)
    assert [await anext(iterator) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LookupError, match="no more numbers"):
        await anext(iterator)
    assert await is_over(iterator)


async def test_an_exception_stays_the_same_object(rust: Runtime) -> None:
    gates = [*opened(2), Gate(), *opened(1)]
    error = LookupError("missing")
    gates[2].fail(error)
    iterator = gated(rust, gates)
    assert [await anext(iterator) for _ in range(2)] == [0, 1]
    with pytest.raises(LookupError) as caught:
        await anext(iterator)
    assert caught.value is error
    assert await is_over(iterator)
    # What would have come after it was never asked for.
    assert gates[3].polls == 0
    gates[3].wait_dropped()


async def test_a_panic_comes_last(any_rust: Runtime) -> None:
    iterator = numbers(any_rust, 3, panics=True)
    assert [await anext(iterator) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(crossawait.RustPanic, match="no more numbers"):
        await anext(iterator)
    assert await is_over(iterator)


@pytest.mark.parametrize("kind", ["tokio", "smol", "custom"])
async def test_it_runs_ahead_so_far_and_no_further(kind: Any) -> None:
    async def given() -> int:
        # The only worker takes up this one when the stream's task has let go of it.
        after = Gate()
        after.give()
        await rust.awaitable(after)
        return sum(gate.polls for gate in gates)

    rust = Runtime(kind, worker_threads=1)
    gates = opened(4 * AHEAD)
    iterator = gated(rust, gates)
    assert await given() == 0
    assert await anext(iterator) == 0
    assert AHEAD <= await given() <= AHEAD + 1
    for taken in range(1, 2 * AHEAD):
        assert await anext(iterator) == taken
        if taken % 500 == 0:
            assert taken + AHEAD // 2 <= await given() <= taken + 1 + AHEAD
    await iterator.aclose()
    rust.shutdown()


async def test_a_batch_costs_one_waking(rust: Runtime) -> None:
    before = rust.metrics()
    count = 0
    async for _ in numbers(rust, 20_000):
        count += 1
    after = rust.metrics()
    assert count == 20_000
    assert after["wakes"] - before["wakes"] < 2_000


async def test_a_cancelled_wait_loses_nothing(rust: Runtime) -> None:
    gates = [Gate() for _ in range(3)]
    iterator = gated(rust, gates)
    await cancel(await waiting(iterator))
    gates[0].give("first", elsewhere=True)
    assert await anext(iterator) == "first"
    # The item is there, and the task has not been told.
    task = await waiting(iterator)
    gates[1].give("second", elsewhere=True)
    wait_until_settled(task)
    received = [] if await cancel_late(task) else [task.result()]
    gates[2].give("third", elsewhere=True)
    received += [item async for item in iterator]
    assert received == ["second", "third"]


async def test_cancellations_at_all_times_lose_nothing(any_rust: Runtime) -> None:
    async def take() -> None:
        async for item in iterator:
            # Each by itself, as it comes: the next wait may be cancelled.
            received.append(item)  # noqa: PERF401

    received: list[int] = []
    iterator = numbers(any_rust, 3000)
    for turns in range(60):
        task = spawn(take())
        for _ in range(turns % 4):
            await checkpoint()
        task.cancel()
        await ended(task)
    await take()
    assert received == list(range(3000))


async def test_timeouts_lose_nothing(rust: Runtime) -> None:
    async def take() -> None:
        received.append(await anext(iterator))

    received: list[int] = []
    gates = [Gate() for _ in range(5)]
    iterator = gated(rust, gates)
    for number, gate in enumerate(gates):
        with pytest.raises(TimeoutError):
            await within(0.002, take())
        gate.give(number, elsewhere=True)
        await take()
    assert received == list(range(5))
    assert await is_over(iterator)


async def test_several_wait_at_once(rust: Runtime) -> None:
    gates = [Gate() for _ in range(3)]
    iterator = gated(rust, gates)
    tasks = [await waiting(iterator) for _ in range(5)]
    for number, gate in enumerate(gates):
        gate.give(number, elsewhere=True)
    outcomes = [task.result() if await ended(task) is None else "over" for task in tasks]
    assert sorted(map(str, outcomes)) == ["0", "1", "2", "over", "over"]


async def result_of(task: Task[Any]) -> Any:
    return await task


@asyncio_only
async def test_an_item_that_is_given_back_goes_to_one_that_waits(rust: Runtime) -> None:
    gates = [Gate(), Gate()]
    iterator = gated(rust, gates)
    tasks = [await waiting(iterator) for _ in range(10)]
    gates[0].wait_polled()
    gates[0].give("item")
    wait_until_settled(*tasks)
    # All have been woken when the stream is at its next item, and all but one wait again.
    gates[1].wait_polled()
    chosen = [task for task in tasks if task.get_coro().cr_await.done()]
    others = [task for task in tasks if task not in chosen]
    assert len(chosen) == 1
    await until(lambda: all(task.get_coro().cr_suspended for task in others))
    for task in others[1:]:
        task.cancel()
    await cancel(chosen[0])
    assert await within(3, result_of(others[0])) == "item"
    gates[1].give()


@asyncio_only
async def test_items_that_are_given_back_keep_their_order(rust: Runtime) -> None:
    gates = [Gate() for _ in range(3)]
    iterator = gated(rust, gates)
    waits = [iterator.__anext__() for _ in range(2)]
    yielded = [wait.send(None) for wait in waits]
    for number, gate in enumerate(gates):
        gate.give(number)
    for awaitable in yielded:
        wait_until(awaitable.done)
    for wait in waits:
        wait.close()
    assert [number async for number in iterator] == [0, 1, 2]


@asyncio_only
async def test_nobody_is_at_the_end_while_another_has_the_last_item(rust: Runtime) -> None:
    gate = Gate()
    iterator = gated(rust, [gate])
    first = iterator.__anext__()
    yielded = first.send(None)
    gate.give("item")
    wait_until(yielded.done)
    second = iterator.__anext__()
    waiting = second.send(None)
    first.close()
    wait_until(waiting.done)
    with pytest.raises(StopIteration) as stop:
        second.send(None)
    assert stop.value.value == "item"
    assert await is_over(iterator)


async def test_leaving_a_loop_keeps_the_rest(rust: Runtime) -> None:
    iterator = numbers(rust, 3000)
    async for number in iterator:
        if number == 10:
            break
    assert await anext(iterator) == 11


async def test_another_task_goes_on_with_it(rust: Runtime) -> None:
    async def take(count: int) -> list[int]:
        return [await anext(iterator) for _ in range(count)]

    iterator = numbers(rust, 2000)
    parts = [await take(700), await spawn(take(700)), await spawn(take(600))]
    assert [number for part in parts for number in part] == list(range(2000))


@asyncio_only
def test_another_loop_goes_on_with_it(rust: Runtime, loop_kind: str) -> None:
    async def take(count: int) -> list[int]:
        return [await anext(iterator) for _ in range(count)]

    iterator = numbers(rust, 2000)
    received = []
    for _ in range(4):
        loop = LOOPS[loop_kind]()
        received += loop.run_until_complete(take(500))
        loop.close()
    assert received == list(range(2000))
