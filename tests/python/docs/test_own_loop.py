"""The library on the loop of examples/awaitable/own_loop.py, which asyncio has no part in."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
import threading
from collections.abc import Iterator
from contextlib import closing
from types import ModuleType
from typing import Any

import pytest
from crossawait_tests import Gate, Runtime

import crossawait
from _crossawait_tokio import Awaitable
from child_process import printed
from page import ROOT

FILE = ROOT / "examples/awaitable/own_loop.py"


def load() -> ModuleType:
    """Import the example, which is on nobody's path."""
    spec = importlib.util.spec_from_file_location("own_loop", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _WithoutReaders:
    def add_reader(self, *_: object) -> None:
        raise NotImplementedError


@pytest.fixture(params=["with readers", "without readers"])
def own_loop(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A loop of our own."""
    kind = load().Loop
    if request.param == "without readers":
        kind = type("WithoutReaders", (_WithoutReaders, kind), {})
    with closing(kind()) as loop:
        yield loop


def test_coroutines_of_every_runtime_run_side_by_side(own_loop: Any, runtime: crossawait.Runtime) -> None:
    async def yield_often(name: int) -> int:
        for _ in range(10):
            await runtime.yield_now()
        return name

    assert own_loop.run(*map(yield_often, range(100))) == list(range(100))


def test_sockets(own_loop: Any, runtime: crossawait.Runtime) -> None:
    async def serve(listener: crossawait.Listener) -> None:
        stream, _address = await listener.accept()
        async with stream:
            await stream.write_all((await stream.read(1000)).upper())

    async def ask(listener: crossawait.Listener) -> bytes:
        assert isinstance(listener.address, tuple)
        async with await runtime.connect(*listener.address) as stream:
            await stream.write_all(b"hello")
            return await stream.read_exactly(5)

    async def listen() -> crossawait.Listener:
        return await runtime.listen("127.0.0.1", 0)

    [listener] = own_loop.run(listen())
    assert own_loop.run(serve(listener), ask(listener)) == [None, b"HELLO"]
    own_loop.run(listener.close())


def test_two_coroutines_wait_for_the_same(own_loop: Any) -> None:
    awaitable = Awaitable[int](loop=own_loop)

    async def wait() -> int:
        return await awaitable

    async def settle() -> None:
        awaitable.set_result(42)

    assert own_loop.run(wait(), wait(), settle()) == [42, 42, None]


def test_an_exception_leaves_run_when_the_others_have_ended(own_loop: Any) -> None:
    first, second = Awaitable[None](loop=own_loop), Awaitable[None](loop=own_loop)
    ended = []

    async def fail() -> None:
        first.set_exception(LookupError("missing"))
        await first

    async def go_on() -> None:
        threading.Thread(target=second.set_result, args=(None,)).start()
        await second
        ended.append(True)

    with pytest.raises(LookupError, match="missing"):
        own_loop.run(fail(), go_on())
    assert ended == [True]


def test_cancelling_what_a_coroutine_waits_for(own_loop: Any, runtime: crossawait.Runtime) -> None:
    awaitable = Awaitable[None](loop=own_loop)

    async def wait() -> None:
        await awaitable

    async def cancel() -> None:
        awaitable.cancel()

    with pytest.raises(asyncio.CancelledError):
        own_loop.run(wait(), cancel())


def test_each_coroutine_keeps_its_context(own_loop: Any, runtime: crossawait.Runtime) -> None:
    variable = contextvars.ContextVar[int]("variable")

    async def remember(value: int) -> int:
        variable.set(value)
        await runtime.yield_now()
        return variable.get()

    assert own_loop.run(*map(remember, range(10))) == list(range(10))
    with pytest.raises(LookupError):
        variable.get()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_settled_between_two_runs(own_loop: Any, elsewhere: bool) -> None:
    awaitable = Awaitable[int](loop=own_loop)
    told: list[int] = []
    awaitable.add_done_callback(lambda settled: told.append(settled.result()))
    if elsewhere:
        thread = threading.Thread(target=awaitable.set_result, args=(42,))
        thread.start()
        thread.join()
    else:
        awaitable.set_result(42)
    assert told == []

    async def nothing() -> None: ...

    own_loop.run(nothing())
    assert told == [42]


def test_a_closed_loop_is_silent(own_loop: Any) -> None:
    gate, rust = Gate(), Runtime()
    told: list[object] = []

    async def leave() -> Any:
        awaitable = rust.awaitable(gate)
        awaitable.add_done_callback(told.append)
        return awaitable

    [awaitable] = own_loop.run(leave())
    own_loop.close()
    gate.give(42, elsewhere=True)
    assert awaitable.wait() == 42
    rust.shutdown()
    assert told == []


def test_it_runs_as_a_program() -> None:
    assert printed("", command=(str(FILE),)) == "[2, 3, 41, 42] [2, 3, 41, 42]"
