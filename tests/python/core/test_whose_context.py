"""Callbacks and tasks run in the context that they would have with a native future, and nobody keeps it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from crossawait_tests import Awaitable, Gate, Runtime

from event_loops import LOOPS
from twins import TWINS, NativeFuture, PythonAwaitable, RustAwaitable, Twin

variable: contextvars.ContextVar[object] = contextvars.ContextVar("variable", default="outside")

Make = Callable[[Runtime], Twin]


async def seen_by_callbacks(twin: Twin, *, late: bool) -> list[object]:
    """Add callbacks in all ways, before or after it ends; return what each saw and what it left behind."""
    seen: list[object] = []
    told = asyncio.Event()

    def look(_: object) -> None:
        seen.append(variable.get())
        variable.set("by a callback")

    if late:
        twin.settle_at_once("value")
    given = contextvars.copy_context()
    given.run(variable.set, "given")
    variable.set("at the adding")
    twin.given.add_done_callback(look)
    twin.given.add_done_callback(look, context=given)
    given.run(twin.given.add_done_callback, look)
    # In one's own context, which is entered at this very moment.
    twin.given.add_done_callback(look, context=contextvars.copy_context())
    twin.given.add_done_callback(lambda _: told.set())
    variable.set("after the adding")
    given.run(variable.set, "given and changed")
    if not late:
        twin.settle("value")
    await told.wait()
    return [*seen, variable.get(), given[variable]]


@pytest.mark.parametrize("late", [False, True], ids=["before it ends", "after it ended"])
@pytest.mark.parametrize("make", [RustAwaitable, PythonAwaitable])
async def test_callbacks_see_what_those_of_a_future_see(rust: Runtime, make: Make, late: bool) -> None:
    assert await seen_by_callbacks(make(rust), late=late) == [
        "at the adding",
        "given and changed",
        "given",
        "at the adding",
        "after the adding",
        "by a callback",
    ]
    variable.set("outside")
    assert await seen_by_callbacks(make(rust), late=late) == await seen_by_callbacks(
        NativeFuture(rust), late=late
    )


@pytest.mark.parametrize("twins", TWINS)
async def test_tasks_see_what_those_that_await_a_native_one_see(rust: Runtime, twins: str) -> None:
    async def wait(twin: Twin) -> list[object]:
        seen = [variable.get()]
        variable.set("before the await")
        await twin.given
        seen.append(variable.get())
        variable.set("after the await")
        return [*seen, variable.get()]

    async def seen_with(twin: Twin) -> list[object]:
        variable.set("at the start")
        task = asyncio.create_task(wait(twin))
        while not twin.is_waited_for():  # noqa: ASYNC110 - waiting makes no event
            await asyncio.sleep(0)
        variable.set("meanwhile")
        twin.settle("value")
        return [*await task, variable.get()]

    ours, native = [await seen_with(make(rust)) for make in TWINS[twins]]
    assert ours == native == ["at the start", "before the await", "after the await", "meanwhile"]


async def test_a_task_of_the_coroutine_itself_runs_in_a_copy(rust: Runtime) -> None:
    """What a conversion does to its context, which is the only Python that runs there, nobody else sees."""
    seen: list[object] = []

    def convert() -> None:
        seen.append(variable.get())
        variable.set("converted")

    gate = Gate()
    gate.call(convert)
    variable.set("at the start")
    await asyncio.create_task(rust.coroutine(gate))
    assert [*seen, variable.get()] == ["at the start", "at the start"]


if sys.version_info >= (3, 11):

    async def test_a_task_in_a_given_context_leaves_its_changes_there(rust: Runtime) -> None:
        async def wait(twin: Twin, name: str) -> None:
            await twin.given
            changes.append((name, variable.get()))
            variable.set(name)

        changes: list[tuple[str, object]] = []
        given = contextvars.copy_context()
        given.run(variable.set, "given")
        twins = [RustAwaitable(rust), RustAwaitable(rust)]
        names = ["first", "second"]
        loop = asyncio.get_running_loop()
        # Both in the same one, which a task's step enters and leaves again.
        tasks = [
            loop.create_task(wait(twin, name), context=given) for twin, name in zip(twins, names, strict=True)
        ]
        for twin, task in zip(twins, tasks, strict=True):
            twin.settle("value")
            await task
        assert changes == [("first", "given"), ("second", "first")]
        assert given[variable] == "second"
        assert variable.get() == "outside"

    def test_a_runner_runs_one_after_another_in_the_same(rust: Runtime, loop_kind: str) -> None:
        async def change(value: str) -> object:
            gate = Gate()
            asyncio.get_running_loop().call_soon(gate.give)
            await rust.awaitable(gate)
            before = variable.get()
            variable.set(value)
            return before

        given = contextvars.copy_context()
        given.run(variable.set, "given")
        with asyncio.Runner(loop_factory=LOOPS[loop_kind]) as runner:
            before = [runner.run(change("first")), runner.run(change("second"))]
            before += [runner.run(change("third"), context=given)]
        assert [*before, given[variable], variable.get()] == ["outside", "first", "given", "third", "outside"]


def test_a_step_leaves_the_context_of_the_loop_alone(rust: Runtime, loop_kind: str) -> None:
    """A drain steps tasks itself: what they change must be theirs and not that of whoever runs the loop."""

    async def change(gate: Gate) -> None:
        await rust.awaitable(gate)
        variable.set("changed")

    async def main() -> None:
        gates = [Gate() for _ in range(3)]
        tasks = [asyncio.create_task(change(gate)) for gate in gates]
        await asyncio.sleep(0)
        for gate in gates:
            gate.give(elsewhere=True)
        await asyncio.gather(*tasks)

    loop = LOOPS[loop_kind]()
    try:
        loop.run_until_complete(main())
        loop.call_soon(lambda: seen.append(variable.get()))
        seen: list[object] = []
        loop.run_until_complete(asyncio.sleep(0))
        assert [*seen, variable.get()] == ["outside", "outside"]
    finally:
        loop.close()


class Request:
    """Something that a context variable holds."""


def within(call: Callable[[], object]) -> weakref.ref[Request]:
    """Call it in a context of its own, with a request in it; return a reference to that."""

    def enter() -> weakref.ref[Request]:
        request = Request()
        variable.set(request)
        call()
        return weakref.ref(request)

    return contextvars.Context().run(enter)


def alive(reference: weakref.ref[Request]) -> bool:
    if reference() is not None:
        gc.collect()
    return reference() is not None


def _set(event: asyncio.Event, _: object) -> None:
    event.set()


async def test_a_callbacks_context_is_kept_until_it_was_called(rust: Runtime) -> None:
    for make in RustAwaitable, PythonAwaitable:
        twin = make(rust)
        request = within(partial(twin.given.add_done_callback, id))
        assert alive(request)
        told = asyncio.Event()
        twin.given.add_done_callback(partial(_set, told))
        twin.settle("value")
        await told.wait()
        assert not alive(request)
        assert twin.given.done()


async def test_a_callbacks_context_goes_with_the_callback(rust: Runtime) -> None:
    for make in RustAwaitable, PythonAwaitable:
        twin = make(rust)
        request = within(partial(twin.given.add_done_callback, id))
        assert alive(request)
        twin.given.remove_done_callback(id)
        assert not alive(request)
        twin.given.cancel()


async def test_a_callbacks_context_goes_when_it_is_cancelled(rust: Runtime) -> None:
    for make in RustAwaitable, PythonAwaitable:
        twin = make(rust)
        request = within(partial(twin.given.add_done_callback, id))
        twin.given.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not alive(request)


async def test_being_made_keeps_no_context(rust: Runtime, gate: Gate) -> None:
    made: list[Any] = []
    requests = [
        within(lambda: made.append(Awaitable())),
        within(lambda: made.append(rust.awaitable(gate))),
        within(lambda: made.append(rust.coroutine(Gate()))),
        within(lambda: made.append(rust.coroutine(Gate()).send(None))),
    ]
    assert [alive(request) for request in requests] == [False] * 4
    assert len(made) == 4
    made[2].close()


async def test_a_blocking_call_sees_what_one_by_asyncio_sees(rust: Runtime) -> None:
    """The context of its first step, as the rest of it happens then too."""
    seen = []
    for call in rust.call_blocking, asyncio.to_thread:
        variable.set("when it is made")
        coroutine = call(variable.get)
        variable.set("when it is awaited")
        seen.append(await coroutine)
    assert seen == ["when it is awaited"] * 2


async def test_a_blocking_call_lets_go_of_its_copy(rust: Runtime) -> None:
    async def call() -> weakref.ref[Request]:
        request = Request()
        variable.set(request)
        coroutine = rust.call_blocking(variable.get)
        made.append(coroutine)
        assert await coroutine is request
        return weakref.ref(request)

    made: list[object] = []
    request = await asyncio.create_task(call())
    await asyncio.sleep(0)
    assert not alive(request)
    assert len(made) == 1


def add_and_remove(awaitable: Awaitable[Any]) -> None:
    awaitable.add_done_callback(id)
    awaitable.remove_done_callback(id)


FIRST_USES: dict[str, Callable[[Runtime], object]] = {
    "an awaitable is made": lambda rust: rust.awaitable(Gate()),
    "one is made in Python": lambda _: Awaitable(),
    "a callback comes and goes": lambda rust: add_and_remove(rust.awaitable(Gate())),
    "a coroutine waits": lambda rust: rust.coroutine(Gate()).send(None),
    "a result is set": lambda _: Awaitable[int]().set_result(1),
    "one is cancelled": lambda rust: rust.awaitable(Gate()).cancel(),
}


@pytest.mark.parametrize("first_use", FIRST_USES)
def test_whoever_uses_a_loop_first_leaves_nothing_there(
    rust: Runtime, loop_kind: str, first_use: str
) -> None:
    """The loop keeps the reader for wake-ups, and with it the context that the reader was added in."""

    async def main() -> None:
        request = within(partial(FIRST_USES[first_use], rust))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not alive(request)

    loop = LOOPS[loop_kind]()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
