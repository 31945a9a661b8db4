"""The extension of examples/awaitable on every loop: written by hand, and over the core."""

from __future__ import annotations

import asyncio
import contextvars

import pytest
from awaitable_example import Later, MyAwait, Thread, divide, later

from event_loops import asyncio_only


async def test_ready_at_once_and_each_time_with_one_more() -> None:
    awaited = MyAwait(1)
    assert [await awaited, await awaited] == [2, 3]


def test_ready_at_once_needs_no_loop() -> None:
    with pytest.raises(StopIteration) as stop:
        next(MyAwait(41).__await__())
    assert stop.value.value == 42


@asyncio_only
async def test_settled_while_a_task_waits() -> None:
    by_hand = Later()
    threads: list[Thread] = []
    asyncio.get_running_loop().call_soon(lambda: threads.append(by_hand.settle_elsewhere(42)))
    assert await by_hand == 42
    threads[0].join()


@asyncio_only
async def test_settled_before_anybody_waits() -> None:
    by_hand = Later()
    by_hand.settle_elsewhere(42).join()
    assert [await by_hand, await by_hand] == [42, 42]


@asyncio_only
async def test_two_tasks_wait_for_the_same() -> None:
    by_hand = Later()

    async def wait() -> int:
        return await by_hand

    tasks = [asyncio.create_task(wait()) for _ in range(2)]
    await asyncio.sleep(0)
    thread = by_hand.settle_elsewhere(42)
    assert await asyncio.gather(*tasks) == [42, 42]
    thread.join()


@asyncio_only
async def test_a_callback_that_comes_too_late_is_called_in_the_next_turn_and_its_context() -> None:
    by_hand = Later()
    by_hand.settle_elsewhere(42).join()
    variable = contextvars.ContextVar("variable", default="outside")
    context = contextvars.copy_context()
    context.run(variable.set, "inside")
    told: list[tuple[Later, str]] = []
    by_hand.add_done_callback(lambda settled: told.append((settled, variable.get())), context=context)
    assert told == []
    await asyncio.sleep(0)
    assert told == [(by_hand, "inside")]


async def test_over_the_core_it_is_awaited_on_every_loop() -> None:
    assert [await later(42), await divide(84, 2)] == [42, 42]
    with pytest.raises(ZeroDivisionError):
        await divide(1, 0)


@asyncio_only
async def test_over_the_core_it_is_a_future() -> None:
    awaitable = later(42)
    assert asyncio.isfuture(awaitable)
    assert [*await asyncio.gather(awaitable, asyncio.shield(awaitable))] == [42, 42]


@asyncio_only
async def test_over_the_core_it_is_a_coroutine() -> None:
    coroutine = divide(84, 2)
    assert asyncio.iscoroutine(coroutine)
    assert await asyncio.create_task(coroutine) == 42
