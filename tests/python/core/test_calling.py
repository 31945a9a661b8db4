"""Rust calls Python and awaits it: what can be awaited, and what comes back."""

from __future__ import annotations

import asyncio
import functools
import threading
import traceback
from collections.abc import Awaitable as Awaited
from collections.abc import Callable, Generator, Iterator
from typing import Any, Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint
from crossawait_tests import Awaitable, Gate, Runtime, await_from_rust, await_until, call

import crossawait
from event_loops import LOOPS, asyncio_only, every_loop, not_on_rloop
from tasks import soon, spawn, wait_until

pytestmark = every_loop


@pytest.fixture(scope="module")
def any_rust(runtime_name: Any) -> Iterator[Runtime]:
    """A runtime of each kind."""
    runtime = Runtime(runtime_name)
    yield runtime
    runtime.shutdown()


@pytest.fixture(scope="module")
def custom() -> Iterator[Runtime]:
    """A runtime over an executor that is none of ours."""
    runtime = Runtime("custom")
    yield runtime
    runtime.shutdown()


async def test_the_result_is_the_same_object(any_rust: Runtime) -> None:
    async def give(*arguments: object) -> object:
        await checkpoint()
        called.append((arguments, threading.get_ident()))
        return value

    called: list[object] = []
    value = object()
    assert await call(any_rust, give, value, 2) is value
    assert called == [((value, 2), threading.get_ident())]


async def test_one_call_after_another(any_rust: Runtime) -> None:
    async def count() -> int:
        called.append(None)
        await checkpoint()
        return len(called)

    called: list[None] = []
    assert await call(any_rust, count, times=20) == 20
    assert len(called) == 20


class Begun:
    """An object that can be awaited, and nothing else."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, Any, object]:
        yield from checkpoint().__await__()
        return self.value


def of_a_coroutine(rust: Runtime, value: object) -> Awaited[object]:
    async def give() -> object:
        await checkpoint()
        return value

    return give()


def of_an_object(rust: Runtime, value: object) -> Awaited[object]:
    return Begun(value)


def opened(value: object) -> Gate:
    gate = Gate()
    soon(lambda: gate.give(value, elsewhere=True))
    return gate


def of_our_awaitable(rust: Runtime, value: object) -> Awaited[object]:
    return rust.awaitable(opened(value))


def of_our_coroutine(rust: Runtime, value: object) -> Awaited[object]:
    return rust.coroutine(opened(value))


def of_another_call(rust: Runtime, value: object) -> Awaited[object]:
    another: Awaited[object] = call(rust, of_a_coroutine, rust, value)
    return another


SOURCES: dict[str, Callable[[Runtime, object], Awaited[object]]] = {
    "coroutine": of_a_coroutine,
    "object": of_an_object,
    "our awaitable": of_our_awaitable,
    "our coroutine": of_our_coroutine,
    "another call": of_another_call,
}


@pytest.mark.parametrize("source", SOURCES)
async def test_whatever_can_be_awaited(rust: Runtime, source: str) -> None:
    value = object()
    assert await call(rust, SOURCES[source], rust, value) is value
    assert await await_from_rust(rust, SOURCES[source](rust, value)) is value


def a_future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


@asyncio_only
@pytest.mark.parametrize("make", [a_future, Awaitable])
async def test_a_future_is_waited_for(rust: Runtime, make: Callable[[], asyncio.Future[Any]]) -> None:
    future = make()
    soon(functools.partial(future.set_result, "value"))
    assert await call(rust, lambda: future) == "value"
    # It is anybody else's as well, and stays so.
    assert await call(rust, lambda: future) == await future == "value"
    future = make()
    soon(functools.partial(future.set_result, "another"))
    assert await await_from_rust(rust, future) == "another"


def result_of(coroutine: Any) -> Any:
    """Drive a coroutine by hand, without any loop, and return its result."""
    try:
        while True:
            wait_until(coroutine.send(None).done)
    except StopIteration as stopped:
        return stopped.value


@asyncio_only
@pytest.mark.parametrize("make", [a_future, Awaitable])
async def test_what_has_settled_needs_no_turn_of_the_loop(
    rust: Runtime, make: Callable[[], asyncio.Future[Any]]
) -> None:
    future = make()
    future.set_result("value")
    coroutine = await_from_rust(rust, future)
    # The loop is held up throughout.
    assert result_of(coroutine) == "value"


class FlawedError(Exception):
    """An error of the tests' own."""


@pytest.mark.parametrize("when", ["before awaiting", "while awaiting"])
async def test_an_error_comes_back_as_it_is(any_rust: Runtime, when: str) -> None:
    def raise_it() -> None:
        try:
            raise cause
        except LookupError:
            raise error from cause

    async def fail() -> None:
        await checkpoint()
        raise_it()

    def fail_at_once() -> Any:
        raise_it()

    cause, error = LookupError("missing"), FlawedError("flawed")
    with pytest.raises(FlawedError) as caught:
        await call(any_rust, fail_at_once if when == "before awaiting" else fail)
    assert caught.value is error
    assert (error.__cause__, error.__context__) == (cause, cause)
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names[-2:] == ["fail_at_once" if when == "before awaiting" else "fail", "raise_it"]
    # It was raised in whoever awaits, too.
    assert "test_an_error_comes_back_as_it_is" in names


async def test_what_cannot_be_awaited(rust: Runtime) -> None:
    with pytest.raises(TypeError):
        await call(rust, lambda: 5)
    # At once, before anything is awaited.
    with pytest.raises(TypeError):
        await_from_rust(rust, 5)


@pytest.mark.parametrize(
    ("trouble", "error", "message", "called"),
    [
        ("make panics", crossawait.RustPanic, "no awaitable", False),
        ("extract fails", LookupError, "no result", True),
        ("extract panics", crossawait.RustPanic, "no result", True),
    ],
)
async def test_trouble_on_the_way(
    any_rust: Runtime,
    trouble: Literal["make panics", "extract fails", "extract panics"],
    error: type[Exception],
    message: str,
    called: bool,
) -> None:
    async def function() -> None:
        calls.append(None)

    calls: list[None] = []
    with pytest.raises(error, match=message):
        await call(any_rust, function, trouble=trouble)
    assert bool(calls) is called


async def test_what_belongs_to_another_loop(rust: Runtime) -> None:
    loop = asyncio.new_event_loop()
    try:
        awaitable: Awaitable[str] = Awaitable(loop=loop)
        with pytest.raises((ValueError, RuntimeError), match=r"different (event )?loop"):
            await call(rust, lambda: awaitable)
        # Refused where it is handed over, or under trio when it is awaited.
        with pytest.raises((ValueError, RuntimeError), match=r"different (event )?loop"):
            await await_from_rust(rust, awaitable)
        assert not awaitable.done()
    finally:
        loop.close()


def test_without_a_loop(rust: Runtime, gate: Gate) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        call(rust, Begun, 1)
    with pytest.raises(RuntimeError, match="no running event loop"):
        await_from_rust(rust, Begun(1))
    with pytest.raises(RuntimeError, match="no running event loop"):
        await_until(rust, lambda: 1, gate)


async def test_on_an_executor_that_is_none_of_ours(custom: Runtime, gate: Gate) -> None:
    async def give(value: object) -> object:
        await checkpoint()
        return value

    async def fail() -> None:
        await checkpoint()
        raise error

    async def wait() -> None:
        waits.set()
        try:
            await anyio.Event().wait()
        finally:
            ended.set()

    value, error, waits, ended = object(), LookupError("missing"), anyio.Event(), anyio.Event()
    assert await call(custom, give, value, times=3) is value
    with pytest.raises(LookupError) as caught:
        await call(custom, fail)
    assert caught.value is error
    task = spawn(await_until(custom, wait, gate))
    await waits.wait()
    gate.give(elsewhere=True)
    assert await task is None
    await ended.wait()


async def test_what_is_left_alone_is_never_called(rust: Runtime, gate: Gate) -> None:
    called: list[None] = []
    call(rust, called.append, None).close()
    task = spawn(await_until(rust, lambda: called.append(None), gate, called=False))
    gate.give(elsewhere=True)
    assert await task is None
    assert called == []


@asyncio_only
@not_on_rloop
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_the_loop_and_reaches_the_caller(
    rust: Runtime, loop_kind: str, interrupt: type[BaseException]
) -> None:
    """As it does where one task of asyncio's awaits another."""

    async def fail() -> None:
        await asyncio.sleep(0)
        raise interrupt("pressed")

    async def caller() -> None:
        try:
            await call(rust, fail)
        except interrupt as error:
            caught.append(error)

    caught: list[BaseException] = []
    loop = LOOPS[loop_kind]()
    try:
        task = loop.create_task(caller())
        with pytest.raises(interrupt, match="pressed") as left:
            loop.run_until_complete(task)
        loop.run_until_complete(task)
        assert caught == [left.value]
    finally:
        loop.close()
