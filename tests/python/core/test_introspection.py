"""What a look from outside shows: types, names, states, and where a task is that waits for a Rust future."""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import copy
import inspect
import io
import pickle
import sys
import traceback
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from crossawait_tests import Awaitable, Coroutine, Gate, Runtime

from twins import NativeCoroutine, NativeFuture, PythonAwaitable, RustAwaitable, RustCoroutine, outcome, plain

KINDS: list[Any] = [
    collections.abc.Awaitable,
    collections.abc.Coroutine,
    collections.abc.Hashable,
    collections.abc.AsyncIterator,
    collections.abc.Sized,
    collections.abc.Callable,
    asyncio.Future,
    asyncio.Task,
]
ASKED: list[Callable[[Any], bool]] = [
    asyncio.isfuture,
    asyncio.iscoroutine,
    inspect.isawaitable,
    inspect.isasyncgen,
    inspect.isgenerator,
]


def taken_for(thing: Any) -> dict[str, bool]:
    """Return what code that asks takes it for."""
    kinds = {kind.__name__: isinstance(thing, kind) for kind in KINDS}
    return kinds | {ask.__name__: ask(thing) for ask in ASKED}


@pytest.mark.parametrize("make", [RustAwaitable, PythonAwaitable])
async def test_what_an_awaitable_is_taken_for(rust: Runtime, make: Callable[[Runtime], Any]) -> None:
    assert taken_for(make(rust).given) == taken_for(NativeFuture(rust).given)


async def test_what_a_coroutine_is_taken_for(rust: Runtime) -> None:
    twins = [RustCoroutine(rust).given, NativeCoroutine(rust).given]
    ours, native = map(taken_for, twins)
    assert ours == native
    # The interpreter's own type is nobody else's; whether it can be awaited is another question.
    assert [inspect.iscoroutine(twin) for twin in twins] == [False, True]
    for twin in twins:
        twin.close()


@pytest.mark.parametrize("kind", ["Generator", "Iterator", "Iterable"])
async def test_a_coroutine_is_nothing_to_iterate_over(rust: Runtime, kind: str) -> None:
    coroutine = RustCoroutine(rust).given
    try:
        assert not isinstance(coroutine, getattr(collections.abc, kind))
        with pytest.raises(TypeError):
            iter(coroutine)
    finally:
        coroutine.close()


@pytest.mark.parametrize(
    "operation", [copy.copy, copy.deepcopy, pickle.dumps, len, sorted, lambda it: it < it]
)
async def test_what_cannot_be_done_with_an_awaitable(operation: Callable[[Any], object]) -> None:
    loop = asyncio.get_running_loop()
    ours, native = outcome(lambda: operation(Awaitable())), outcome(lambda: operation(loop.create_future()))
    assert ours == native


def test_generic_aliases() -> None:
    variable = typing.TypeVar("variable")
    for ours, native in (Awaitable, asyncio.Future), (Coroutine, collections.abc.Coroutine):
        alias: Any = ours[int]
        assert isinstance(alias, types.GenericAlias)
        assert typing.get_origin(alias) is ours
        assert typing.get_args(alias) == (int,)
        generic: Any = ours[variable]
        assert generic.__parameters__ == (variable,)
        assert generic[str] == ours[str]
        assert repr(alias).endswith(f"{native.__name__}[int]".replace("Future", "Awaitable"))


async def test_a_generic_alias_makes_what_its_class_makes() -> None:
    awaitable = Awaitable[int]()
    awaitable.set_result(7)
    assert type(awaitable) is Awaitable
    assert await awaitable == 7


async def test_repr_of_one_made_in_python_is_that_of_a_future() -> None:
    """In every state, with callbacks, and in debug mode with the place where it was made."""

    def shown(future: Any, end: Callable[[Any], object], callbacks: int) -> str:
        for _ in range(callbacks):
            future.add_done_callback(print)
        before = repr(future)
        end(future)
        after = repr(future)
        future.cancelled() or future.exception()
        return f"{before} {after}".replace("Awaitable", "Future")

    ends: list[Callable[[Any], object]] = [
        lambda future: future.set_result("x" * 1000),
        lambda future: future.set_exception(LookupError("missing")),
        lambda future: future.cancel("enough"),
    ]
    for end in ends:
        for callbacks in range(4):
            # On one line, which both name in debug mode.
            ours, native = (shown(make(), end, callbacks) for make in (Awaitable, asyncio.Future))
            assert ours == native
    assert ("created at" in repr(Awaitable())) is asyncio.get_running_loop().get_debug()


async def test_repr_of_one_that_is_part_of_its_outcome() -> None:
    awaitable: Awaitable[Any] = Awaitable()
    awaitable.set_result([awaitable])
    assert plain(repr(awaitable)) == "<Future finished result=[...]>"
    failed: Awaitable[Any] = Awaitable()
    failed.set_exception(LookupError(failed))
    assert plain(repr(failed)) == "<Future finished exception=LookupError(...)>"
    failed.exception()


def test_repr_never_shows_an_outcome_that_is_none(rust: Runtime) -> None:
    for _ in range(2000):
        gate = Gate()
        awaitable = rust.awaitable(gate)
        gate.fail(LookupError("missing"))
        seen = repr(awaitable)
        awaitable.cancel()
        awaitable._log_traceback = False
        assert "result=None" not in seen


async def test_what_a_pending_one_says_when_asked_for_its_result(rust: Runtime) -> None:
    ours, native = RustAwaitable(rust).given, NativeFuture(rust).given
    assert outcome(ours.result) == outcome(native.result)


async def test_what_a_pending_one_says_when_asked_for_its_exception(rust: Runtime) -> None:
    ours, native = RustAwaitable(rust).given, NativeFuture(rust).given
    assert outcome(ours.exception) == outcome(native.exception)


async def test_a_task_shows_what_it_waits_for(rust: Runtime, gate: Gate) -> None:
    coroutine = rust.coroutine(gate, name="Stream.read")
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0)
    assert task in asyncio.all_tasks()
    assert task.get_coro() is coroutine
    shown = plain(repr(task))
    assert "coro=<Stream.read() running at <rust>:1>" in shown
    assert "wait_for=<Future name='Stream.read' pending cb=[" in shown
    (frame,) = task.get_stack()
    assert (frame.f_code.co_name, frame.f_code.co_filename, frame.f_locals) == ("read", "<rust>", {})
    printed = io.StringIO()
    task.print_stack(file=printed)
    assert printed.getvalue().splitlines()[1:] == ['  File "<rust>", line 1, in read']
    task.cancel()


async def test_a_task_that_awaits_one_shows_its_own_frames(rust: Runtime) -> None:
    async def inner(future: Any) -> object:
        return await future

    async def outer(future: Any) -> object:
        return await inner(future)

    stacks, reprs = [], []
    for make in (RustAwaitable, PythonAwaitable, NativeFuture):
        task = asyncio.create_task(outer(make(rust).given), name="named")
        await asyncio.sleep(0)
        (frame,) = task.get_stack()
        stacks.append((frame.f_code.co_name, frame.f_lineno))
        printed = io.StringIO()
        task.print_stack(file=printed)
        reprs.append([plain(repr(task)), plain(printed.getvalue())])
        task.cancel()
    assert stacks == [stacks[0]] * 3
    assert reprs == [reprs[0]] * 3


async def test_a_walk_along_what_is_awaited_comes_by(rust: Runtime) -> None:
    """From frame to frame, as trio's traces and the call graphs of asyncio's tasks go."""

    async def outer(coroutine: Any) -> object:
        return await coroutine

    def walk(awaited: Any) -> Iterator[tuple[str, int]]:
        while hasattr(awaited, "cr_await"):
            yield awaited.cr_frame.f_code.co_name, awaited.cr_frame.f_lineno
            awaited = awaited.cr_await

    inner = RustCoroutine(rust).given
    coroutine = outer(inner)
    coroutine.send(None)
    (_, line), last = walk(coroutine)
    assert line == outer.__code__.co_firstlineno + 1
    assert last == ("read", 1)
    assert inner.cr_code.co_name == "read"
    coroutine.close()


async def test_clearing_a_frame_ends_no_other(rust: Runtime) -> None:
    # Frames are borrowed, and shared by all coroutines of a name.
    for state in (inspect.CORO_CREATED, inspect.CORO_SUSPENDED):
        first, second = pair = [RustCoroutine(rust).given for _ in range(2)]
        if state == inspect.CORO_SUSPENDED:
            for each in pair:
                each.send(None)
        # Since 3.13 only a frame that has not begun can be cleared.
        with contextlib.suppress(RuntimeError):
            first.cr_frame.clear()
        for each in (second, first):
            assert inspect.getcoroutinestate(each) == state
            assert each.cr_frame.f_code.co_name == "read"
            each.close()
            assert each.cr_frame is None


async def test_a_traceback_leads_through_whoever_awaited(rust: Runtime) -> None:
    async def inner(awaited: Any) -> object:
        return await awaited

    async def outer(awaited: Any) -> object:
        return await inner(awaited)

    async def frames(twin: Any) -> list[tuple[str, int | None]]:
        task = asyncio.create_task(outer(twin.given))
        await asyncio.sleep(0)
        twin.settle("error")
        with pytest.raises(LookupError) as caught:
            await task
        return [(frame.name, frame.lineno) for frame in traceback.extract_tb(caught.value.__traceback__)]

    ours = [await frames(make(rust)) for make in (RustAwaitable, PythonAwaitable, RustCoroutine)]
    native = await frames(NativeFuture(rust))
    assert [name for name, _ in native] == ["frames", "outer", "inner"]
    assert ours == [native] * 3


async def test_the_state_that_inspect_sees(rust: Runtime) -> None:
    states = []
    for twin in RustCoroutine(rust), NativeCoroutine(rust):
        seen = [inspect.getcoroutinestate(twin.given)]
        twin.given.send(None)
        seen.append(inspect.getcoroutinestate(twin.given))
        twin.given.close()
        seen.append(inspect.getcoroutinestate(twin.given))
        states.append(seen)
    assert states == [[inspect.CORO_CREATED, inspect.CORO_SUSPENDED, inspect.CORO_CLOSED]] * 2


async def test_the_state_that_inspect_sees_while_it_runs(rust: Runtime, gate: Gate) -> None:
    coroutine: Any = rust.coroutine(gate)
    gate.call(lambda: inspect.getcoroutinestate(coroutine))
    assert await coroutine == inspect.CORO_RUNNING


if sys.version_info >= (3, 14):

    @pytest.mark.parametrize("make", [RustAwaitable, RustCoroutine])
    async def test_call_graphs_lead_to_it(rust: Runtime, make: Callable[[Runtime], Any]) -> None:
        async def outer(awaited: Any) -> object:
            return await awaited

        task = asyncio.create_task(outer(make(rust).given), name="named")
        await asyncio.sleep(0)
        printed = io.StringIO()
        asyncio.print_call_graph(future=task, file=printed)
        assert "outer" in printed.getvalue()
        task.cancel()

    async def test_an_awaitable_has_a_call_graph_as_a_future_has(rust: Runtime) -> None:
        ours, native = RustAwaitable(rust).given, NativeFuture(rust).given
        for future in (ours, native):
            graph = asyncio.capture_call_graph(future=future)
            assert graph is not None
            assert graph.awaited_by == []
