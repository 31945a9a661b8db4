"""`run_blocking`: a Python function on a thread of the blocking pool."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import traceback
from typing import Any

import pytest
from anyio.to_thread import run_sync

from crossawait import Runtime
from tasks import cancel, cancel_late, gather, gives_none, pending, wait_until_settled

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="nothing")


async def test_the_value_comes_back(runtime: Runtime) -> None:
    assert await runtime.run_blocking(divmod, 17, 5) == (3, 2)
    assert await gives_none(runtime.run_blocking(lambda: None))


@pytest.mark.parametrize("value", [(), (1,), (1, 2), ValueError("a value"), StopIteration(3), [None]])
async def test_values_that_a_protocol_might_mangle_come_back_as_they_are(
    runtime: Runtime, value: Any
) -> None:
    assert await runtime.run_blocking(lambda: value) is value


async def test_the_function_runs_on_another_thread(runtime: Runtime) -> None:
    assert await runtime.run_blocking(threading.get_ident) != threading.get_ident()


async def test_an_exception_comes_with_its_traceback(runtime: Runtime) -> None:
    def fail_down_here() -> None:
        raise LookupError("not there")

    with pytest.raises(LookupError, match="not there") as caught:
        await runtime.run_blocking(fail_down_here)
    assert "fail_down_here" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]


@pytest.mark.parametrize("kind", [asyncio.CancelledError, OSError])
async def test_exceptions_of_every_kind_reach_the_awaiter(runtime: Runtime, kind: type[Exception]) -> None:
    def fail() -> None:
        raise kind("from the pool")

    with pytest.raises(kind, match="from the pool"):
        await runtime.run_blocking(fail)


async def test_a_stop_iteration_is_not_taken_for_a_value(runtime: Runtime) -> None:
    # As out of an `async def`: a RuntimeError, since StopIteration is how values are returned.
    with pytest.raises(RuntimeError, match="StopIteration"):
        await runtime.run_blocking(next, iter([]))


async def test_the_function_sees_a_copy_of_the_context(runtime: Runtime) -> None:
    def look_and_change() -> str:
        seen = VARIABLE.get()
        VARIABLE.set("changed on the pool")
        return seen

    VARIABLE.set("of the caller")
    assert await runtime.run_blocking(look_and_change) == "of the caller"
    assert VARIABLE.get() == "of the caller"


@pytest.mark.parametrize("function", [None, 5, "text", object()])
def test_what_is_not_callable_is_refused_at_once(runtime: Runtime, function: Any) -> None:
    with pytest.raises(TypeError, match="run_blocking needs a callable"):
        runtime.run_blocking(function)


def test_keywords_are_refused(runtime: Runtime) -> None:
    with pytest.raises(TypeError):
        runtime.run_blocking(int, base=2)  # type: ignore[call-arg]


async def test_a_cancelled_call_runs_to_its_end_unheard(runtime: Runtime) -> None:
    started, go_on, through = threading.Event(), threading.Event(), threading.Event()

    def function() -> str:
        started.set()
        go_on.wait()
        through.set()
        return "nobody listens"

    task = await pending(runtime.run_blocking(function))
    await run_sync(started.wait)
    await cancel(task)
    assert not through.is_set()
    go_on.set()
    await run_sync(through.wait)


async def test_a_call_that_has_come_back_when_it_is_cancelled_leaves_the_runtime_whole(
    runtime: Runtime,
) -> None:
    for _ in range(50):
        go_on = threading.Event()
        task = await pending(runtime.run_blocking(go_on.wait))
        go_on.set()
        wait_until_settled(task)
        assert await cancel_late(task) or task.result() is True
    assert await runtime.run_blocking(int) == 0


async def test_the_function_may_use_the_runtime_itself(runtime: Runtime) -> None:
    async def nested() -> str:
        await runtime.sleep(0.001)
        return await runtime.run_blocking(lambda: "from further down")

    assert await runtime.run_blocking(asyncio.run, nested()) == "from further down"


async def test_many_calls_at_once(runtime: Runtime) -> None:
    assert [*await gather(*[runtime.run_blocking(int, n) for n in range(500)])] == list(range(500))


async def test_calls_run_side_by_side(runtime: Runtime) -> None:
    together = threading.Barrier(8)
    places = await gather(*[runtime.run_blocking(together.wait) for _ in range(8)])
    assert sorted(places) == list(range(8))


async def test_calls_are_counted(runtime: Runtime) -> None:
    before = runtime.metrics().blocking_calls
    await gather(*[runtime.run_blocking(int) for _ in range(20)])
    assert runtime.metrics().blocking_calls - before == 20
