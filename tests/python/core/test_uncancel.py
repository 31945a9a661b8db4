"""Cancelling a task that waits for one of ours is counted, taken back and passed on as with a native one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from crossawait_tests import Runtime

from event_loops import HANGS
from twins import TWINS, Twin, described

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="cancellations are counted since 3.11")

# With the names that it has since then.
newer: Any = asyncio

Make = Callable[[], Twin]
Scenario = Callable[[Make], Awaitable[object]]


async def waits(task: Any, twin: Twin) -> None:
    """Let a task run until it waits for that twin."""
    while not twin.is_waited_for():
        assert not task.done()
        await asyncio.sleep(0)


async def ended(task: Any) -> object:
    await asyncio.wait([task])
    came_of_it = "cancelled" if task.cancelled() else described(task.exception()) or task.result()
    return came_of_it, task.cancelling()


async def taken_back(make: Make) -> object:
    """A cancellation is caught and taken back, and the next wait is not disturbed by it."""
    first, second = make(), make()

    async def stubborn() -> object:
        this: Any = asyncio.current_task()
        try:
            await first.given
        except asyncio.CancelledError as error:
            seen = [described(error), this.cancelling(), this.uncancel()]
            return seen, await second.given
        raise AssertionError

    task: Any = asyncio.create_task(stubborn())
    await waits(task, first)
    task.cancel("enough")
    await waits(task, second)
    second.settle("value")
    return await ended(task)


async def caught_and_kept(make: Make) -> object:
    """Caught, and not taken back: the next wait goes on, and the count stays."""
    first, second = make(), make()

    async def careless() -> object:
        try:
            await first.given
        except asyncio.CancelledError:
            return await second.given
        raise AssertionError

    task: Any = asyncio.create_task(careless())
    await waits(task, first)
    task.cancel()
    await waits(task, second)
    second.settle("value")
    return await ended(task)


async def cancelled_twice_before_its_step(make: Make) -> object:
    twin = make()

    async def wait() -> object:
        return await twin.given

    task: Any = asyncio.create_task(wait())
    await waits(task, twin)
    asked: list[object] = [task.cancel("first"), task.cancel("second"), task.cancelling()]
    try:
        await task
    except asyncio.CancelledError as error:
        asked.append(error.args)
    return asked, await ended(task)


async def cancelled_before_it_began(make: Make) -> object:
    twin = make()

    async def wait() -> object:
        return await twin.given

    task: Any = asyncio.create_task(wait())
    asked = task.cancel()
    came_of_it = await ended(task)
    if not asyncio.isfuture(twin.given):
        # Nobody has come to await it.
        twin.given.close()
        return asked, came_of_it
    return asked, came_of_it, twin.given.cancelled()


async def nested_timeouts(make: Make) -> object:
    """The inner one is over, which is none of the outer one's business."""
    seen: list[object] = []
    this: Any = asyncio.current_task()
    async with newer.timeout(HANGS) as outer:
        inner = newer.timeout(0)
        try:
            async with inner:
                await make().given
        except TimeoutError as error:
            seen += [described(error), this.cancelling()]
        second = make()
        asyncio.get_running_loop().call_soon(settle_when_waited_for, second)
        seen.append(await second.given)
    return seen, inner.expired(), outer.expired(), this.cancelling()


def settle_when_waited_for(twin: Twin) -> None:
    if twin.is_waited_for():
        twin.settle("value")
    else:
        asyncio.get_running_loop().call_soon(settle_when_waited_for, twin)


async def cancelled_inside_a_timeout(make: Make) -> object:
    """Somebody else's cancellation is not the timeout's."""
    twin = make()

    async def wait() -> object:
        async with newer.timeout(HANGS):
            return await twin.given

    task: Any = asyncio.create_task(wait())
    await waits(task, twin)
    task.cancel("enough")
    return await ended(task)


async def body_of_a_group_whose_child_fails(make: Make) -> object:
    twin, failing = make(), make()

    async def fail() -> None:
        await failing.given

    async def parent() -> object:
        seen: list[object] = []
        try:
            async with newer.TaskGroup() as group:
                group.create_task(fail())
                try:
                    await twin.given
                except asyncio.CancelledError as error:
                    seen.append(described(error))
                    raise
        except Exception as errors:  # noqa: BLE001 - an `except*` would be no syntax in 3.10
            seen.append(described(errors))
        this: Any = asyncio.current_task()
        return seen, this.cancelling()

    task: Any = asyncio.create_task(parent())
    await waits(task, twin)
    await waits(task, failing)
    failing.settle("error")
    return await ended(task)


async def group_is_cancelled(make: Make) -> object:
    twins = [make() for _ in range(3)]

    async def wait(twin: Twin) -> object:
        return await twin.given

    async def parent() -> None:
        async with newer.TaskGroup() as group:
            children.extend(group.create_task(wait(twin)) for twin in twins)

    children: list[Any] = []
    task: Any = asyncio.create_task(parent())
    for twin in twins:
        await waits(task, twin)
    task.cancel("enough")
    return await ended(task), [await ended(child) for child in children]


async def wait_for_is_cancelled(make: Make) -> object:
    twin = make()
    task: Any = asyncio.create_task(asyncio.wait_for(twin.given, HANGS))
    await waits(task, twin)
    task.cancel("enough")
    return await ended(task)


async def wait_for_shields(make: Make) -> object:
    """The time is up for who waits, not for what is waited for."""
    twin = make()
    inner = asyncio.ensure_future(twin.given)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(inner), 0)
    seen = inner.done(), inner.cancelled()
    settle_when_waited_for(twin)
    return seen, await inner


async def gather_inside_a_cancelled_task(make: Make) -> object:
    twins = [make() for _ in range(3)]

    async def wait() -> object:
        return await asyncio.gather(*(twin.given for twin in twins))

    task: Any = asyncio.create_task(wait())
    for twin in twins:
        await waits(task, twin)
    task.cancel("enough")
    return await ended(task), [asyncio.isfuture(twin.given) and twin.given.cancelled() for twin in twins]


SCENARIOS: list[Scenario] = [
    taken_back,
    caught_and_kept,
    cancelled_twice_before_its_step,
    cancelled_before_it_began,
    nested_timeouts,
    cancelled_inside_a_timeout,
    body_of_a_group_whose_child_fails,
    group_is_cancelled,
    wait_for_is_cancelled,
    wait_for_shields,
    gather_inside_a_cancelled_task,
]


@pytest.mark.parametrize("twins", TWINS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_it_is_cancelled_as_its_twin_is(rust: Runtime, scenario: Scenario, twins: str) -> None:
    ours, native = [await scenario(partial(make, rust)) for make in TWINS[twins]]
    assert ours == native
