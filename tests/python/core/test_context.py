"""Context variables: callbacks and tasks see their own, and the library keeps nobody's."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref
from typing import Any

from anyio.lowlevel import checkpoint
from crossawait_tests import Gate, Runtime

from event_loops import LOOPS, asyncio_only, every_loop
from tasks import spawn

pytestmark = every_loop

variable: contextvars.ContextVar[object] = contextvars.ContextVar("variable", default="outside")


async def test_a_task_sees_its_own_after_an_await(rust: Runtime) -> None:
    async def look(value: str, gate: Gate) -> list[object]:
        variable.set(value)
        awaitable = rust.awaitable(gate)
        before = variable.get()
        await awaitable
        return [before, variable.get()]

    gates = [Gate(), Gate()]
    tasks = [spawn(look(str(number), gate)) for number, gate in enumerate(gates)]
    await checkpoint()
    variable.set("between")
    for gate in reversed(gates):
        gate.give(elsewhere=True)
    assert [await task for task in tasks] == [["0", "0"], ["1", "1"]]
    assert variable.get() == "between"


async def test_a_change_made_after_the_await_stays_in_the_task(rust: Runtime, gate: Gate) -> None:
    async def change() -> None:
        await rust.awaitable(gate)
        variable.set("changed")

    variable.set("unchanged")
    task = spawn(change())
    await checkpoint()
    gate.give(elsewhere=True)
    await task
    assert variable.get() == "unchanged"


@asyncio_only
async def test_a_callback_sees_the_context_of_its_adding(rust: Runtime, gate: Gate) -> None:
    seen: list[object] = []
    awaitable = rust.awaitable(gate)
    variable.set("then")
    told = asyncio.Event()
    awaitable.add_done_callback(lambda _: seen.append(variable.get()))
    awaitable.add_done_callback(lambda _: told.set())
    variable.set("now")
    gate.give(elsewhere=True)
    await told.wait()
    assert seen == ["then"]


@asyncio_only
async def test_a_callback_sees_the_context_it_was_given(rust: Runtime, gate: Gate) -> None:
    seen: list[object] = []
    context = contextvars.copy_context()
    context.run(variable.set, "given")
    awaitable = rust.awaitable(gate)
    told = asyncio.Event()
    awaitable.add_done_callback(lambda _: seen.append(variable.get()), context=context)
    awaitable.add_done_callback(lambda _: told.set())
    gate.give(elsewhere=True)
    await told.wait()
    assert seen == ["given"]


@asyncio_only
async def test_callbacks_before_and_after_settling_are_alike(rust: Runtime, gate: Gate) -> None:
    seen: list[object] = []
    awaitable = rust.awaitable(gate)
    gate.give()
    await awaitable
    variable.set("late")
    awaitable.add_done_callback(lambda _: seen.append(variable.get()))
    variable.set("later")
    await asyncio.sleep(0)
    assert seen == ["late"]


class Request:
    """Something that a context variable holds."""


@asyncio_only
def test_the_loop_keeps_nobodys_context(rust: Runtime, loop_kind: str) -> None:
    """The reader for wake-ups is registered by whoever comes first, and stays as long as the loop."""

    async def handle(gate: Gate) -> weakref.ref[Request]:
        request = Request()
        variable.set(request)
        await rust.awaitable(gate)
        return weakref.ref(request)

    async def main() -> None:
        gate = Gate()
        # In a task, whose context is its own and ends with it: the first that this loop sees of the library.
        task = asyncio.create_task(handle(gate))
        await asyncio.sleep(0)
        gate.give(elsewhere=True)
        request = await task
        del task
        await asyncio.sleep(0)
        gc.collect()
        assert request() is None

    loop = LOOPS[loop_kind]()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()


async def test_a_blocking_call_runs_in_a_copy(rust: Runtime) -> None:
    def look() -> object:
        seen = variable.get()
        variable.set("changed")
        return seen

    variable.set("of the caller")
    assert await rust.call_blocking(look) == "of the caller"
    assert variable.get() == "of the caller"


@asyncio_only
async def test_current_task_is_right_on_both_sides_of_an_await(rust: Runtime, gate: Gate) -> None:
    async def look() -> tuple[Any, Any]:
        before = asyncio.current_task()
        await rust.awaitable(gate)
        return before, asyncio.current_task()

    task = asyncio.create_task(look())
    await asyncio.sleep(0)
    gate.give(elsewhere=True)
    assert await task == (task, task)
