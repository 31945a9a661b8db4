"""The coroutine: lazy, awaited once, and to everybody what calling an `async def` gives."""

from __future__ import annotations

import asyncio
import collections.abc
import gc
import inspect
import warnings
from typing import Any

import pytest
from crossawait_tests import Coroutine, Gate, Runtime

import crossawait
from event_loops import asyncio_only, every_loop
from tasks import cancel, pending

pytestmark = every_loop


async def started(coroutine: Coroutine[Any]) -> asyncio.Task[Any]:
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    return task


async def test_nothing_runs_before_it_is_awaited(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    gate.give("value")
    assert (gate.polls, coroutine.cr_suspended, coroutine.cr_running) == (0, False, False)
    assert await coroutine == "value"
    assert gate.polled_here == [True]


async def test_ready_at_the_first_poll_it_needs_no_future(rust: Runtime, gate: Gate) -> None:
    gate.give("value")
    coroutine = rust.coroutine(gate)
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    assert stopped.value.value == "value"
    assert coroutine.cr_await is None


@asyncio_only
async def test_pending_it_yields_an_awaitable(rust: Runtime, gate: Gate) -> None:
    coroutine: Any = rust.coroutine(gate)
    yielded: Any = coroutine.send(None)
    assert yielded is coroutine.cr_await
    assert coroutine.cr_suspended
    assert yielded._asyncio_future_blocking
    gate.give("value")
    yielded.wait()
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    assert stopped.value.value == "value"
    assert not coroutine.cr_suspended
    assert coroutine.cr_await is None


@asyncio_only
async def test_what_it_is_called(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate, name="Stream.read")
    assert coroutine.__name__ == "read"
    assert coroutine.__qualname__ == "Stream.read"
    assert repr(coroutine).startswith("<coroutine object Stream.read at 0x")
    assert coroutine.cr_frame is not None
    assert (coroutine.cr_frame.f_code.co_name, coroutine.cr_code.co_name) == ("read", "read")
    task = await started(coroutine)
    assert "Stream.read" in repr(task)
    task.cancel()


async def test_what_it_is_taken_for(rust: Runtime, gate: Gate) -> None:
    coroutine: Any = rust.coroutine(gate)
    assert isinstance(coroutine, collections.abc.Coroutine)
    assert asyncio.iscoroutine(coroutine)
    assert inspect.isawaitable(coroutine)
    assert not asyncio.isfuture(coroutine)
    assert not isinstance(coroutine, crossawait.Awaitable)
    coroutine.close()


@asyncio_only
async def test_create_task(rust: Runtime, gate: Gate) -> None:
    task = asyncio.create_task(rust.coroutine(gate))
    gate.give("value", elsewhere=True)
    assert await task == "value"


def test_asyncio_run(rust: Runtime, gate: Gate) -> None:
    gate.give("value")
    assert asyncio.run(rust.coroutine(gate)) == "value"


def test_asyncio_run_of_one_that_is_pending(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate, "spawn")
    gate.give("value")
    assert asyncio.run(coroutine) == "value"


@asyncio_only
async def test_gather_and_wait_for_and_shield(rust: Runtime) -> None:
    gates = [Gate() for _ in range(3)]
    for number, gate in enumerate(gates):
        asyncio.get_running_loop().call_soon(gate.give, number)
    first, second, third = map(rust.coroutine, gates)
    results: object = await asyncio.gather(first, asyncio.wait_for(second, 60), asyncio.shield(third))
    assert results == [0, 1, 2]


@asyncio_only
async def test_wait_for_too_late_drops_the_future(rust: Runtime, gate: Gate) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(rust.coroutine(gate), 0.001)
    gate.wait_dropped()
    assert gate.dropped_here == [False]


async def test_cancelling_its_task_drops_the_future(rust: Runtime, gate: Gate) -> None:
    task = await pending(rust.coroutine(gate))
    gate.wait_polled(2)
    await cancel(task)
    gate.wait_dropped()
    assert gate.dropped_here == [False]


async def test_awaited_twice(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    gate.give("value")
    await coroutine
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await coroutine


@asyncio_only
async def test_awaited_in_two_tasks(rust: Runtime, gate: Gate) -> None:
    async def wait() -> object:
        return await coroutine

    coroutine = rust.coroutine(gate)
    first = asyncio.create_task(wait())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="being awaited already"):
        await wait()
    gate.give("value", elsewhere=True)
    assert await first == "value"


@asyncio_only
async def test_made_a_task_twice(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    tasks = [await started(coroutine), await started(coroutine)]
    gate.give("value", elsewhere=True)
    await asyncio.wait(tasks)
    # One of them gets the value, the other hears that it came too late; neither waits for ever.
    results = [task.exception() or task.result() for task in tasks]
    assert "value" in results
    assert any(isinstance(result, RuntimeError) for result in results)
    assert gate.drops == 1


@asyncio_only
async def test_closed_by_somebody_else_while_a_task_waits(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    task = await started(coroutine)
    coroutine.close()
    # What the task waits for has settled: it is told, and does not wait for ever.
    await asyncio.wait([task])
    assert task.cancelled() or isinstance(task.exception(), RuntimeError)
    gate.wait_dropped()


def test_never_awaited_it_warns(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate, name="Stream.read")
    with pytest.warns(RuntimeWarning, match=r"coroutine 'Stream\.read' was never awaited"):
        del coroutine
    # Dropped here: it was never given to the runtime.
    assert (gate.polls, gate.dropped_here) == (0, [True])


def test_the_warning_leaves_an_exception_alone(rust: Runtime, gate: Gate) -> None:
    def drop_it_on_the_way_out() -> None:
        coroutine = rust.coroutine(gate)
        try:
            raise LookupError("missing")
        finally:
            del coroutine

    with pytest.warns(RuntimeWarning, match="never awaited"):  # noqa: SIM117, one statement in each
        with pytest.raises(LookupError, match="missing"):
            drop_it_on_the_way_out()


def test_closed_before_it_starts_it_neither_runs_nor_warns(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    coroutine.close()
    assert (gate.polls, gate.dropped_here) == (0, [True])
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        coroutine.send(None)
    coroutine.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del coroutine
        gc.collect()


@asyncio_only
async def test_closed_while_it_waits(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    yielded = coroutine.send(None)
    coroutine.close()
    assert yielded.cancelled()
    gate.wait_dropped()
    coroutine.close()


async def test_closed_at_its_end(rust: Runtime, gate: Gate) -> None:
    gate.give("value")
    coroutine = rust.coroutine(gate)
    await coroutine
    coroutine.close()


def test_thrown_into_before_it_starts(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    error = LookupError("thrown")
    with pytest.raises(LookupError) as caught:
        coroutine.throw(error)
    assert caught.value is error
    assert (gate.polls, gate.drops) == (0, 1)


@asyncio_only
async def test_thrown_into_while_it_waits(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    yielded = coroutine.send(None)
    error = LookupError("thrown")
    with pytest.raises(LookupError) as caught:
        coroutine.throw(error)
    assert caught.value is error
    assert yielded.cancelled()
    gate.wait_dropped()


async def test_thrown_into_at_its_end(rust: Runtime, gate: Gate) -> None:
    gate.give("value")
    coroutine = rust.coroutine(gate)
    await coroutine
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        coroutine.throw(LookupError("thrown"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((LookupError,), LookupError()),
        ((LookupError, "text"), LookupError("text")),
        ((LookupError, LookupError("instance")), LookupError("instance")),
        ((LookupError, ("text", 1)), LookupError("text", 1)),
        ((LookupError, ()), LookupError()),
        ((int,), TypeError("exceptions must be classes or instances deriving from BaseException, not type")),
        ((LookupError("instance"), None, None), LookupError("instance")),
        ((1,), TypeError("exceptions must be classes or instances deriving from BaseException, not int")),
        ((LookupError("instance"), 1), TypeError("instance exception may not have a separate value")),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
# Since 3.12, as natively.
@pytest.mark.filterwarnings("ignore:the .type, exc, tb. signature:DeprecationWarning")
def test_what_can_be_thrown(
    rust: Runtime, gate: Gate, arguments: tuple[Any, ...], expected: BaseException
) -> None:
    coroutine: Any = rust.coroutine(gate)
    with pytest.raises(type(expected)) as caught:
        coroutine.throw(*arguments)
    assert caught.value.args == expected.args
    coroutine.close()


def test_the_first_thing_sent_is_none(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    with pytest.raises(TypeError, match="can't send non-None value to a just-started coroutine"):
        coroutine.send(1)
    coroutine.close()


def test_one_that_polls_first_and_is_ready_needs_no_loop(rust: Runtime, gate: Gate) -> None:
    gate.give("value")
    with pytest.raises(StopIteration):
        rust.coroutine(gate).send(None)


@asyncio_only
async def test_resumed_before_its_future_is_ready(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    coroutine.send(None)
    with pytest.raises(RuntimeError, match="await wasn't used with future"):
        coroutine.send(None)
    gate.wait_dropped()


@asyncio_only
async def test_cancelled_after_the_outcome_and_before_the_step(rust: Runtime, gate: Gate) -> None:
    """A task cancelled between outcome and step: it gets the cancellation, and the outcome is dropped."""
    task = await started(rust.coroutine(gate))
    inner: Any = task.get_coro()
    gate.give("value")
    inner.cr_await.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.wait_dropped()
    assert gate.drops == 1


@pytest.mark.parametrize("placement", ["spawn", "poll_first"])
async def test_a_runtime_that_closes_before_it_starts(gate: Gate, placement: Any) -> None:
    runtime = Runtime("custom")
    coroutine = runtime.coroutine(gate, placement)
    runtime.shutdown()
    with pytest.raises(crossawait.RuntimeClosedError):
        await coroutine
    assert (gate.polls, gate.drops) == (0, 1)


@pytest.mark.parametrize("name", ["rejecting", "dropping"])
async def test_a_runtime_that_loses_it(gate: Gate, name: Any) -> None:
    with pytest.raises(crossawait.RuntimeClosedError):
        await Runtime(name).coroutine(gate)
    with pytest.raises(crossawait.RuntimeClosedError):
        await Runtime(name).awaitable(Gate())
    assert gate.drops == 1
