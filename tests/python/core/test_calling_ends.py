"""Calls from Rust that end without a result: cancelled, let go, or left behind by a loop or a runtime."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from crossawait_tests import Gate, Runtime, await_from_rust, await_until, call

import crossawait
from event_loops import LOOPS, asyncio_only, every_loop, not_on_rloop
from tasks import cancel, ended, spawn, until, wait_until

pytestmark = every_loop


async def forever() -> None:
    """Wait until cancelled; to rloop the endless time of `anyio.sleep_forever` is none."""
    await anyio.Event().wait()


class Called:
    """An asynchronous function that waits, and that notes what is done to it."""

    def __init__(self) -> None:
        self.calls = 0
        self.waits = anyio.Event()
        self.over = anyio.Event()
        self.raised: BaseException | None = None

    async def __call__(self) -> None:
        self.calls += 1
        self.waits.set()
        try:
            await forever()
        except BaseException as error:
            self.raised = error.with_traceback(None)
            raise
        finally:
            self.over.set()

    async def is_cancelled(self) -> bool:
        await self.over.wait()
        return isinstance(self.raised, anyio.get_cancelled_exc_class())


async def test_letting_go_of_the_future_cancels_the_task(rust: Runtime, gate: Gate) -> None:
    called = Called()
    task = spawn(await_until(rust, called, gate))
    await called.waits.wait()
    gate.give(elsewhere=True)
    assert await task is None
    assert await called.is_cancelled()


async def test_cancelling_the_caller_cancels_the_task(rust: Runtime) -> None:
    first, second = Called(), Called()
    for called, coroutine in ((first, call(rust, first)), (second, await_from_rust(rust, second()))):
        task = spawn(coroutine)
        await called.waits.wait()
        await cancel(task)
        assert await called.is_cancelled()


async def test_a_cancellation_goes_through_all_calls(rust: Runtime, gate: Gate) -> None:
    async def descend(depth: int) -> None:
        await (call(rust, descend, depth - 1) if depth else rust.coroutine(gate))

    task = spawn(call(rust, descend, 3))
    await until(lambda: gate.polls)
    await cancel(task)
    await until(lambda: gate.drops)


@asyncio_only
async def test_a_call_on_its_way_is_not_made(rust: Runtime, gate: Gate) -> None:
    called = Called()
    coroutine = await_until(rust, called, gate)
    waits_for: Any = coroutine.send(None)
    # It has been sent before the gate is asked, and cannot arrive while the loop is held up.
    gate.wait_polled()
    gate.give()
    wait_until(waits_for.done)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    # A call that is sent later, and arrives later.
    await call(rust, checkpoint)
    assert called.calls == 0


async def test_a_task_is_cancelled_before_anybody_awaits(rust: Runtime) -> None:
    called = Called()
    await_from_rust(rust, called()).close()
    await call(rust, checkpoint)
    # It begins if its turn comes before the message, and gets no further.
    assert called.calls == 0 or await called.is_cancelled()


@pytest.mark.parametrize("then", ["returns", "raises"])
async def test_a_task_that_ends_otherwise_than_told_to(rust: Runtime, gate: Gate, then: str) -> None:
    async def go_on() -> str:
        waits.set()
        try:
            await forever()
        except anyio.get_cancelled_exc_class():
            over.set()
            if then == "raises":
                raise LookupError("in spite of it") from None
        return "in spite of it"

    waits, over = anyio.Event(), anyio.Event()
    task = spawn(await_until(rust, go_on, gate))
    await waits.wait()
    gate.give(elsewhere=True)
    assert await task is None
    await over.wait()
    # Nobody complains that nobody has asked for it.
    await checkpoint()
    gc.collect()


@asyncio_only
async def test_a_future_is_cancelled_like_a_task(rust: Runtime, gate: Gate) -> None:
    future = asyncio.get_running_loop().create_future()
    task = spawn(await_until(rust, lambda: future, gate))
    await until(lambda: future._callbacks)
    gate.give(elsewhere=True)
    assert await task is None
    with pytest.raises(asyncio.CancelledError):
        await future


@asyncio_only
async def test_a_cancellation_from_within_comes_back_as_one(rust: Runtime) -> None:
    async def cancel_oneself() -> None:
        current = asyncio.current_task()
        assert current is not None
        current.cancel("enough")
        await asyncio.sleep(0)

    task = asyncio.ensure_future(call(rust, cancel_oneself))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


@asyncio_only
async def test_the_task_is_kept(rust: Runtime) -> None:
    """Asyncio holds its tasks weakly, and this one is known to nobody else."""

    async def wait() -> str:
        future = asyncio.get_running_loop().create_future()
        futures.append(weakref.ref(future))
        result: str = await future
        return result

    futures: list[weakref.ref[asyncio.Future[str]]] = []
    task = asyncio.ensure_future(call(rust, wait))
    await until(lambda: futures)
    await checkpoint()
    gc.collect()
    future = futures[0]()
    assert future is not None
    future.set_result("kept")
    del future
    assert await task == "kept"


@pytest.mark.parametrize("runtime", ["tokio", "async-std", "smol", "custom"])
async def test_a_runtime_that_is_shut_down_meanwhile(runtime: Any) -> None:
    rust, called = Runtime(runtime), Called()
    task = spawn(call(rust, called))
    await called.waits.wait()
    rust.shutdown()
    assert isinstance(await ended(task), crossawait.RuntimeClosedError)
    assert await called.is_cancelled()


def left_pending(rust: Runtime, loop: asyncio.AbstractEventLoop, function: Any) -> Any:
    """Start a call, and leave the loop once it waits."""

    async def begin() -> tuple[Any, Any]:
        coroutine = call(rust, function)
        waits_for: Any = coroutine.send(None)
        await function.waits.wait()
        return coroutine, waits_for

    return loop.run_until_complete(begin())


def left_on_its_way(rust: Runtime, loop: asyncio.AbstractEventLoop, function: Any) -> Any:
    """Start a call, and leave the loop before it can arrive."""

    async def begin() -> tuple[Any, Any]:
        coroutine = call(rust, function)
        waits_for: Any = coroutine.send(None)
        loop.stop()
        return coroutine, waits_for

    return loop.run_until_complete(begin())


@asyncio_only
@not_on_rloop
@pytest.mark.parametrize("leave", [left_pending, left_on_its_way])
def test_a_closed_loop_ends_the_future_and_says_nothing(
    rust: Runtime, loop_kind: str, leave: Any, recwarn: pytest.WarningsRecorder
) -> None:
    if loop_kind == "without-readers":
        pytest.skip("such a loop tells nobody that it is closed, and what is left keeps it alive")
    complaints: list[Any] = []
    loop = LOOPS[loop_kind]()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    left = leave(rust, loop, Called())
    loop.close()
    with pytest.raises(RuntimeError, match="event loop was closed"):
        left[1].wait(5)
    del left, loop
    gc.collect()
    assert (complaints, list(recwarn)) == ([], [])


@pytest.mark.loops("trio")
def test_a_run_that_ends_cancels_the_task(rust: Runtime, run: Any) -> None:
    async def main() -> None:
        spawn(call(rust, called))
        await called.waits.wait()

    async def make() -> Called:
        return Called()

    called = run(make())
    run(main())
    assert called.over.is_set()
