"""Values and exceptions that are hard to get across, each of which arrives as it is."""

from __future__ import annotations

import asyncio
import gc
import traceback
from typing import Any, Literal

import pytest
from crossawait_tests import Gate, Runtime

import crossawait
from event_loops import asyncio_only, every_loop
from tasks import soon, wait_until

pytestmark = every_loop

Face = Literal["awaitable", "coroutine"]


@pytest.fixture(params=["awaitable", "coroutine"])
def face(request: pytest.FixtureRequest) -> Face:
    face: Face = request.param
    return face


@pytest.fixture(params=["before", "after"])
def moment(request: pytest.FixtureRequest) -> str:
    """Whether the future ends before it is awaited, or while it is."""
    moment: str = request.param
    return moment


def over(rust: Runtime, face: Face, gate: Gate) -> Any:
    return rust.awaitable(gate) if face == "awaitable" else rust.coroutine(gate)


VALUES = {
    "None": None,
    "empty tuple": (),
    "pair": (1, 2),
    "nested": ((),),
    "exception": ValueError("a value"),
    "exception class": ValueError,
    "StopIteration": StopIteration(1),
    "StopIteration class": StopIteration,
    "big": 1 << 200,
    "falsy": 0,
    "future class": asyncio.Future,
}


@pytest.mark.parametrize("name", VALUES)
async def test_a_value_arrives_as_the_same_object(
    rust: Runtime, gate: Gate, face: Face, moment: str, name: str
) -> None:
    value = VALUES[name]
    awaitable = over(rust, face, gate)
    if moment == "before":
        gate.give(value)
    else:
        soon(lambda: gate.give(value, elsewhere=True))
    assert await awaitable is value


async def test_a_rust_tuple_is_a_tuple(rust: Runtime, gate: Gate, face: Face) -> None:
    gate.odd("pair")
    assert await over(rust, face, gate) == (1, 2)


async def test_a_big_number_keeps_its_digits(rust: Runtime, gate: Gate, face: Face) -> None:
    gate.odd("big")
    assert await over(rust, face, gate) == 2**128 - 1


async def test_nothing_is_none(rust: Runtime) -> None:
    awaitable: Any = rust.nothing()
    assert await awaitable is None


async def test_an_exception_arrives_as_the_same_object(
    rust: Runtime, gate: Gate, face: Face, moment: str
) -> None:
    error = LookupError("missing")
    awaitable = over(rust, face, gate)
    if moment == "before":
        gate.fail(error)
    else:
        soon(lambda: gate.fail(error, elsewhere=True))
    with pytest.raises(LookupError) as caught:
        await awaitable
    assert caught.value is error


async def test_a_traceback_does_not_grow_when_it_is_raised_again(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    gate.fail(LookupError("missing"))
    wait_until(awaitable.done)
    lengths = []
    for _ in range(5):
        with pytest.raises(LookupError) as caught:
            await awaitable
        lengths.append(len(traceback.extract_tb(caught.value.__traceback__)))
    assert set(lengths) == {lengths[0]}
    for _ in range(3):
        with pytest.raises(LookupError) as caught:
            awaitable.result()
        assert len(traceback.extract_tb(caught.value.__traceback__)) == lengths[0]


async def test_a_panic_arrives_with_message_and_location(rust: Runtime, gate: Gate, face: Face) -> None:
    soon(lambda: gate.panic("not today", elsewhere=True))
    with pytest.raises(crossawait.RustPanic, match="not today") as caught:
        await over(rust, face, gate)
    assert caught.value.message == "not today"
    file, line, column = str(caught.value.location).split(":")
    assert file.endswith("extension.rs")
    assert int(line) > 0
    assert int(column) > 0
    assert gate.drops == 1


async def test_a_panic_while_converting(rust: Runtime, gate: Gate, face: Face, moment: str) -> None:
    awaitable = over(rust, face, gate)
    if moment == "before":
        gate.odd("panics")
    else:
        soon(lambda: gate.odd("panics", elsewhere=True))
    with pytest.raises(crossawait.RustPanic, match="on its way to Python"):
        await awaitable


async def test_a_conversion_that_fails(rust: Runtime, gate: Gate, face: Face, moment: str) -> None:
    awaitable = over(rust, face, gate)
    if moment == "before":
        gate.odd("fails")
    else:
        soon(lambda: gate.odd("fails", elsewhere=True))
    with pytest.raises(ValueError, match="no Python form"):
        await awaitable


@asyncio_only
async def test_one_that_fails_leaves_the_others_of_its_batch_alone(rust: Runtime) -> None:
    gates = [Gate() for _ in range(6)]
    gathered = asyncio.gather(*(rust.awaitable(gate) for gate in gates), return_exceptions=True)
    for number, gate in enumerate(gates):
        if number % 3 == 0:
            gate.odd("panics")
        elif number % 3 == 1:
            gate.odd("fails")
        else:
            gate.give(number)
    types = [type(result) for result in await gathered]
    assert types == [crossawait.RustPanic, ValueError, int] * 2


async def test_conversion_happens_once_however_many_ask(rust: Runtime, gate: Gate) -> None:
    made = []

    def convert() -> object:
        made.append(object())
        return made[-1]

    awaitable = rust.awaitable(gate)
    gate.call(convert)
    results = [await awaitable, await awaitable, awaitable.result(), awaitable.wait()]
    assert len(made) == 1
    assert all(result is made[0] for result in results)


async def test_conversion_that_looks_at_its_own_awaitable_sees_it_pending(rust: Runtime, gate: Gate) -> None:
    seen: list[bool] = []

    def convert() -> str:
        seen.append(awaitable.done())
        with pytest.raises(asyncio.InvalidStateError):
            awaitable.result()
        seen.append(awaitable.cancel())
        return "value"

    awaitable = rust.awaitable(gate)
    gate.call(convert)
    assert await awaitable == "value"
    assert seen == [False, False]


@asyncio_only
async def test_an_exception_that_nobody_retrieves_is_reported(rust: Runtime, gate: Gate) -> None:
    reports: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reports.append(context))
    error = LookupError("missing")
    awaitable = rust.awaitable(gate)
    told = asyncio.Event()
    awaitable.add_done_callback(lambda _: told.set())
    gate.fail(error)
    await told.wait()
    del awaitable
    gc.collect()
    (report,) = reports
    assert report["message"] == "Awaitable exception was never retrieved"
    assert report["exception"] is error
    # The one reported with is done, may be kept, and reports nothing itself.
    future = report.pop("future")
    assert future.done()
    assert future.exception() is error
    del future
    gc.collect()
    assert len(reports) == 1


@asyncio_only
@pytest.mark.parametrize("how", ["await", "exception", "result", "cancelled", "log_traceback"])
async def test_an_exception_that_somebody_retrieved_is_not_reported(
    rust: Runtime, gate: Gate, how: str
) -> None:
    awaitable = rust.awaitable(gate)
    if how == "cancelled":
        awaitable.cancel()
    else:
        gate.fail(LookupError("missing"))
        await asyncio.wait([awaitable])
    if how == "await":
        with pytest.raises(LookupError):
            await awaitable
    elif how == "exception":
        assert isinstance(awaitable.exception(), LookupError)
    elif how == "result":
        with pytest.raises(LookupError):
            awaitable.result()
    elif how == "log_traceback":
        awaitable._log_traceback = False
    # A report would be a complaint, which fails any test that does not take it.
    del awaitable
    gc.collect()


async def test_log_traceback_can_only_be_switched_off(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    with pytest.raises(ValueError, match="can only be set to False"):
        awaitable._log_traceback = True
    awaitable.cancel()


async def test_stop_iteration_raised_by_a_future(rust: Runtime, gate: Gate, face: Face, moment: str) -> None:
    # Let through, it would look like the end of the `await`, with a value. An `async def` does this too.
    awaitable = over(rust, face, gate)
    error = StopIteration("no value")
    if moment == "before":
        gate.fail(error)
    else:
        soon(lambda: gate.fail(error, elsewhere=True))
    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        await awaitable
    assert caught.value.__cause__ is error


async def test_an_error_that_cannot_be_made_is_raised_to_each_who_asks(
    rust: Runtime, gate: Gate, face: Face, moment: str
) -> None:
    awaitable = over(rust, face, gate)
    if moment == "before":
        gate.odd("error fails")
    else:
        soon(lambda: gate.odd("error fails", elsewhere=True))
    with pytest.raises(crossawait.RustPanic, match="Converting PyErr arguments failed"):
        await awaitable
    if face == "awaitable":
        assert awaitable.done()
        with pytest.raises(crossawait.RustPanic, match="Converting PyErr arguments failed"):
            await awaitable
