"""Objects come and go: weak references, cycles, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any

from anyio.lowlevel import checkpoint
from crossawait_tests import Awaitable, Gate, Runtime

from event_loops import asyncio_only, every_loop
from tasks import soon

pytestmark = every_loop


async def another_step() -> None:
    """End this step: whoever called it holds what the task has waited for."""
    await checkpoint()


def holding(held: object) -> Callable[[object], object]:
    """Return a callback that holds something."""
    return lambda _: held


class Marker:
    """Something whose end can be seen."""


async def test_weak_references(rust: Runtime, gate: Gate) -> None:
    awaitable, coroutine = rust.awaitable(gate), rust.coroutine(Gate())
    references: list[weakref.ref[Any]] = [weakref.ref(awaitable), weakref.ref(coroutine)]
    assert [reference() for reference in references] == [awaitable, coroutine]
    coroutine.close()
    del awaitable, coroutine
    assert [reference() for reference in references] == [None, None]


async def test_a_cycle_over_an_attribute_is_collected(rust: Runtime, gate: Gate) -> None:
    awaitable: Any = rust.awaitable(gate)
    awaitable.itself = awaitable
    reference = weakref.ref(awaitable)
    del awaitable
    gc.collect()
    assert reference() is None
    gate.wait_dropped()


async def test_a_cycle_over_the_result_is_collected(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    reference = weakref.ref(awaitable)
    gate.give([awaitable])
    await awaitable
    del awaitable
    await another_step()
    gc.collect()
    assert reference() is None


async def test_a_cycle_over_the_exception_is_collected(rust: Runtime, gate: Gate) -> None:
    async def fail(awaitable: Awaitable[Any]) -> None:
        try:
            await awaitable
        except LookupError as error:
            error.args = (awaitable,)

    awaitable = rust.awaitable(gate)
    reference = weakref.ref(awaitable)
    gate.fail(LookupError())
    await fail(awaitable)
    del awaitable
    await another_step()
    gc.collect()
    assert reference() is None


@asyncio_only
async def test_a_cycle_over_a_callback_is_collected_once_it_was_called(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    reference = weakref.ref(awaitable)
    awaitable.add_done_callback(holding(awaitable))
    told = asyncio.Event()
    awaitable.add_done_callback(lambda _: told.set())
    gate.give()
    await told.wait()
    del awaitable
    await another_step()
    gc.collect()
    assert reference() is None


@asyncio_only
async def test_a_cycle_over_a_callback_of_one_made_in_python_is_collected() -> None:
    awaitable: Awaitable[Any] = Awaitable()
    reference = weakref.ref(awaitable)
    awaitable.add_done_callback(holding(awaitable))
    del awaitable
    gc.collect()
    assert reference() is None


@asyncio_only
async def test_a_cycle_over_a_suspended_coroutine_is_collected(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate)
    yielded: Any = coroutine.send(None)
    yielded.coroutine = coroutine
    reference = weakref.ref(coroutine)
    del coroutine, yielded
    gc.collect()
    assert reference() is None
    gate.wait_dropped()


@asyncio_only
async def test_a_waiting_task_is_kept(rust: Runtime, gate: Gate) -> None:
    """Asyncio holds its tasks weakly: what a task waits for has to hold it."""

    async def wait() -> None:
        marker = Marker()
        markers.append(weakref.ref(marker))
        await rust.awaitable(gate)
        finished.set()

    markers: list[weakref.ref[Marker]] = []
    finished = asyncio.Event()
    asyncio.get_running_loop().create_task(wait())
    await asyncio.sleep(0)
    gc.collect()
    assert markers[0]() is not None
    gate.give(elsewhere=True)
    await finished.wait()


@asyncio_only
async def test_results_and_callbacks_are_let_go(rust: Runtime, gate: Gate) -> None:
    markers = [Marker(), Marker()]
    references = [weakref.ref(marker) for marker in markers]
    awaitable = rust.awaitable(gate)
    told = asyncio.Event()
    awaitable.add_done_callback(holding(markers[0]))
    awaitable.add_done_callback(lambda _: told.set())
    gate.give(markers[1])
    await told.wait()
    markers.clear()
    gc.collect()
    # Called: gone. The result stays as long as the awaitable does.
    assert references[0]() is None
    assert references[1]() is not None
    del awaitable
    await another_step()
    gc.collect()
    assert references[1]() is None


async def test_reference_counts_come_back_to_where_they_were(rust: Runtime) -> None:
    value = object()

    async def cross() -> None:
        gate = Gate()
        awaitable = rust.awaitable(gate)
        soon(lambda: gate.give(value, elsewhere=True))
        assert await awaitable is value
        gate = Gate()
        gate.give(value)
        assert await rust.coroutine(gate) is value

    await cross()
    gc.collect()
    before = sys.getrefcount(value), sys.getrefcount(None) if sys.version_info < (3, 12) else 0
    for _ in range(100):
        await cross()
    gc.collect()
    after = sys.getrefcount(value), sys.getrefcount(None) if sys.version_info < (3, 12) else 0
    assert after[0] == before[0]
    assert abs(after[1] - before[1]) < 50


async def test_a_cancelled_result_is_let_go(rust: Runtime) -> None:
    gate = Gate()
    marker = Marker()
    reference = weakref.ref(marker)
    awaitable = rust.awaitable(gate)
    gate.wait_polled()
    awaitable.cancel()
    gate.give(marker)
    gate.wait_dropped()
    del marker, gate
    gc.collect()
    assert reference() is None


@asyncio_only
async def test_an_exception_in_a_cycle_is_reported_and_stays_whole() -> None:
    """The collector takes a cycle apart: what was shown to somebody before that must not be part of it."""
    reported: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    for _ in range(3):
        error: Any = LookupError("missing")
        awaitable: Awaitable[Any] = Awaitable()
        awaitable.set_exception(error)
        error.awaitable = awaitable
        del awaitable, error
    gc.collect()
    # An exception without its `args` crashes whoever looks at it, pytest for one.
    arguments = [exception.args for exception in reported]
    reported.clear()
    assert arguments == [("missing",)] * 3
