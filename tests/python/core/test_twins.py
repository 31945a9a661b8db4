"""What takes a native future or coroutine takes ours; what refuses one refuses ours, with the same error."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from crossawait_tests import Runtime

from event_loops import HANGS, LOOPS
from tasks import until
from twins import ENDINGS, TWINS, Twin, described, outcome, plain

Consumer = Callable[[Any], Awaitable[object]]


async def await_it(given: Any) -> object:
    return await given


async def await_it_in_an_object(given: Any) -> object:
    class Indirect:
        def __await__(self) -> Any:
            return (yield from given.__await__())

    return await Indirect()


async def await_it_again_and_again(given: Any) -> object:
    return [await outcome_of_awaiting(given) for _ in range(3)]


async def await_it_in_several_tasks(given: Any) -> object:
    tasks = [asyncio.create_task(outcome_of_awaiting(given)) for _ in range(3)]
    return [await task for task in tasks]


async def outcome_of_awaiting(given: Any) -> object:
    try:
        return "returned", await given
    except BaseException as error:  # noqa: BLE001 - a cancellation is an outcome too
        return "raised", described(error)


async def gather(given: Any) -> object:
    return await asyncio.gather(given, asyncio.sleep(0, "other"))


async def gather_the_same_twice(given: Any) -> object:
    return await asyncio.gather(given, given)


async def gather_exceptions(given: Any) -> object:
    results = await asyncio.gather(given, asyncio.sleep(0, "other"), return_exceptions=True)
    return [described(result) if isinstance(result, BaseException) else result for result in results]


async def wait(given: Any) -> object:
    done, pending = await asyncio.wait([given])
    return len(pending), outcome(done.pop().result)


async def wait_without_time(given: Any) -> object:
    done, pending = await asyncio.wait([given], timeout=0)
    return len(done), len(pending)


async def wait_for(given: Any) -> object:
    return await asyncio.wait_for(given, HANGS)


async def wait_for_without_limit(given: Any) -> object:
    return await asyncio.wait_for(given, None)


async def wait_for_without_time(given: Any) -> object:
    return await asyncio.wait_for(given, 0)


async def shield(given: Any) -> object:
    return await asyncio.shield(given)


async def as_completed(given: Any) -> object:
    return sorted([await completed for completed in asyncio.as_completed([given, asyncio.sleep(0, "other")])])


async def ensure_future(given: Any) -> object:
    future = asyncio.ensure_future(given)
    return future is given, isinstance(future, asyncio.Task), await future


async def ensure_future_of_another_loop(given: Any) -> object:
    loop = asyncio.new_event_loop()
    try:
        return await asyncio.to_thread(loop.run_until_complete, asyncio.ensure_future(given, loop=loop))
    finally:
        loop.close()


async def create_task(given: Any) -> object:
    return await asyncio.create_task(given, name="named")


async def make_a_task(given: Any) -> object:
    return await asyncio.Task(given)


async def wrap_future(given: Any) -> object:
    return asyncio.wrap_future(given) is given, await given


async def run_inside_a_running_loop(given: Any) -> object:
    return asyncio.run(given)


async def run_until_complete_inside_a_running_loop(given: Any) -> object:
    return asyncio.get_running_loop().run_until_complete(given)


async def run_in_another_thread(given: Any) -> object:
    """`asyncio.run`, on a loop that is not the one that a future was made on."""
    return await asyncio.to_thread(asyncio.run, given)


async def run_coroutine_threadsafe(given: Any) -> object:
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(given, loop).result(HANGS))


async def run_coroutine_threadsafe_and_wrap(given: Any) -> object:
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(given, asyncio.get_running_loop()))


async def cancel_a_task_that_awaits_it(given: Any) -> object:
    task = asyncio.ensure_future(await_it(given))
    await asyncio.sleep(0)
    done = task.done()
    return done, task.cancel("enough"), await task


async def cancel_what_ensure_future_gives(given: Any) -> object:
    future = asyncio.ensure_future(given)
    await asyncio.sleep(0)
    done = future.done()
    # What C's `wait_for` and `gather` do to a future, and `gather` to a coroutine's task.
    return done, future.cancel(), await future


async def cancel_gather(given: Any) -> object:
    gathered = asyncio.gather(given)
    await asyncio.sleep(0)
    return gathered.cancel("enough"), await gathered


async def cancel_shield(given: Any) -> object:
    shield = asyncio.shield(given)
    await asyncio.sleep(0)
    done = shield.done()
    shield.cancel("enough")
    await asyncio.wait([shield])
    return done, await shield


# They wait until it ends.
PATIENT: list[Consumer] = [
    await_it,
    await_it_in_an_object,
    await_it_again_and_again,
    await_it_in_several_tasks,
    gather,
    gather_the_same_twice,
    gather_exceptions,
    wait,
    wait_for,
    wait_for_without_limit,
    shield,
    as_completed,
    ensure_future,
    ensure_future_of_another_loop,
    create_task,
    make_a_task,
    wrap_future,
    run_inside_a_running_loop,
    run_until_complete_inside_a_running_loop,
    run_in_another_thread,
    run_coroutine_threadsafe,
    run_coroutine_threadsafe_and_wrap,
]

# They give up, unless it has ended before.
IMPATIENT: list[Consumer] = [
    wait_without_time,
    wait_for_without_time,
    cancel_a_task_that_awaits_it,
    cancel_what_ensure_future_gives,
    cancel_gather,
    cancel_shield,
]

if sys.version_info >= (3, 11):

    async def timeout(given: Any) -> object:
        async with asyncio.timeout(HANGS) as limit:
            return await given, limit.expired()

    async def timeout_without_time(given: Any) -> object:
        async with asyncio.timeout(0):
            return await given

    async def task_group(given: Any) -> object:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(given, name="named")
        return await task

    async def runner_inside_a_running_loop(given: Any) -> object:
        # Not entered: it refuses before it has a loop, and could not close one here.
        return asyncio.Runner().run(given)

    async def runner_in_another_thread(given: Any) -> object:
        def run() -> object:
            with asyncio.Runner(debug=True) as runner:
                return runner.run(given)

        return await asyncio.to_thread(run)

    PATIENT += [timeout, task_group, runner_inside_a_running_loop, runner_in_another_thread]
    IMPATIENT += [timeout_without_time]

if sys.version_info >= (3, 12):

    async def eager_task(given: Any) -> object:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        task = asyncio.create_task(given)
        done = task.done()
        return done, await task

    async def eager_task_group(given: Any) -> object:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(given)
            done = task.done()
        return done, await task

    PATIENT += [eager_task, eager_task_group]

if sys.version_info >= (3, 13):

    async def as_completed_async(given: Any) -> object:
        return [await completed async for completed in asyncio.as_completed([given])]

    PATIENT.append(as_completed_async)


async def settle_once_waited_for(twin: Twin, ending: str) -> None:
    # Pauses: rloop would keep the interpreter for itself, and a thread that waits for it gets it every 5 ms.
    await until(twin.is_waited_for)
    twin.settle(ending)


def consumed(
    consume: Consumer, make: Callable[[Runtime], Twin], rust: Runtime, kind: str, end: str, when: str
) -> object:
    """Return what a consumer makes of it, and in what state it leaves it."""

    async def main() -> object:
        twin = make(rust)
        settling = None
        if when == "before":
            twin.settle_at_once(end)
        elif when == "meanwhile":
            settling = asyncio.ensure_future(settle_once_waited_for(twin, end))
        (result,) = await asyncio.gather(consume(twin.given), return_exceptions=True)
        if settling is not None:
            # Where it was refused nobody has waited for it.
            settling.cancel()
            await asyncio.wait([settling])
        return described(result) if isinstance(result, BaseException) else result, state_left(twin.given)

    loop = LOOPS[kind]()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


def state_left(given: Any) -> object:
    """Return what its owner sees of it, and end it for good."""
    if not asyncio.isfuture(given):
        left: object = given.cr_running, given.cr_await is None
        given.close()
        return left
    # In this order: a look at an outcome does not convert it.
    left = outcome(given.result) if given.done() else "pending", plain(given)
    given.cancel()
    return left


@pytest.mark.parametrize("twins", TWINS)
@pytest.mark.parametrize("consume", PATIENT + IMPATIENT, ids=lambda consume: consume.__name__)
def test_it_is_taken_as_its_twin_is(rust: Runtime, loop_kind: str, consume: Consumer, twins: str) -> None:
    cases = [(end, when) for end in ENDINGS for when in ("before", "meanwhile")]
    if consume in IMPATIENT:
        cases = [(end, "before") for end in ENDINGS] + [("value", "never")]
    differences = {}
    for end, when in cases:
        ours, native = (consumed(consume, make, rust, loop_kind, end, when) for make in TWINS[twins])
        if ours != native:
            differences[end, when] = ours, native
    assert differences == {}
