"""Asynchronous iterators of Python's as Rust streams."""

from __future__ import annotations

import contextvars
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from crossawait_tests import Gate, Runtime, add_up, numbers

import crossawait
from event_loops import LOOPS, asyncio_only, every_loop, not_on_rloop
from tasks import cancel, ended, gather, spawn, until

pytestmark = every_loop

# How far a generator may be ahead of Rust.
AHEAD = 1024

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outside")


@pytest.fixture(scope="module")
def any_rust(runtime_name: Any) -> Iterator[Runtime]:
    """A runtime of each kind."""
    runtime = Runtime(runtime_name)
    yield runtime
    runtime.shutdown()


class Source:
    """A generator of numbers, and what was done to it."""

    def __init__(self, count: int, *, waits_at: int | None = None) -> None:
        self.count, self.waits_at = count, waits_at
        self.given = 0
        self.waits, self.closed = anyio.Event(), anyio.Event()
        self.seen: list[str] = []

    async def numbers(self) -> AsyncIterator[int]:
        try:
            for number in range(self.count):
                self.seen.append(variable.get())
                if number == self.waits_at:
                    self.waits.set()
                    await anyio.Event().wait()
                self.given += 1
                yield number
        finally:
            self.closed.set()


class Iterated:
    """An iterator that is a class, with or without a way to close it."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __aiter__(self) -> Iterated:
        return self

    async def __anext__(self) -> int:
        await checkpoint()
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return 1


class Closable(Iterated):
    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.closed = anyio.Event()

    async def aclose(self) -> None:
        self.closed.set()


@pytest.mark.parametrize("count", [0, 1, 5000])
async def test_all_items_of_a_generator(any_rust: Runtime, count: int) -> None:
    source = Source(count)
    assert await add_up(any_rust, source.numbers()) == (count, sum(range(count)))
    assert source.closed.is_set()


async def test_all_items_of_an_iterator(any_rust: Runtime) -> None:
    assert await add_up(any_rust, Iterated(50)) == (50, 50)
    closable = Closable(50)
    assert await add_up(any_rust, closable) == (50, 50)
    assert closable.closed.is_set()


async def test_a_hundred_thousand_items(rust: Runtime) -> None:
    assert await add_up(rust, Source(100_000).numbers()) == (100_000, sum(range(100_000)))


async def test_a_stream_of_rusts_through_python(any_rust: Runtime) -> None:
    assert await add_up(any_rust, numbers(any_rust, 3000)) == (3000, sum(range(3000)))
    assert await add_up(any_rust, (2 * number async for number in numbers(any_rust, 100))) == (100, 9900)


async def test_an_error_of_the_generator(any_rust: Runtime) -> None:
    async def fail() -> AsyncIterator[int]:
        yield 1
        await checkpoint()
        raise error

    error = LookupError("missing")
    with pytest.raises(LookupError) as caught:
        await add_up(any_rust, fail())
    assert caught.value is error


async def test_an_error_of_what_takes_the_items(rust: Runtime) -> None:
    async def mixed() -> AsyncIterator[Any]:
        try:
            yield 1
            yield "two"
            yield 3
        finally:
            closed.set()

    closed = anyio.Event()
    with pytest.raises(TypeError, match="str"):
        await add_up(rust, mixed())
    await closed.wait()


async def test_a_panic_of_what_takes_the_items(rust: Runtime) -> None:
    source = Source(10)
    task = spawn(add_up(rust, source.numbers(), panics_at=3))
    with anyio.fail_after(3):
        assert isinstance(await ended(task), crossawait.RustPanic)
    assert source.closed.is_set()
    assert source.given == 4


@pytest.mark.parametrize("what", [5, [1, 2], object()])
async def test_what_is_no_asynchronous_iterable(rust: Runtime, what: Any) -> None:
    with pytest.raises(TypeError, match="async"):
        await add_up(rust, what)


async def test_letting_go_closes_a_generator(any_rust: Runtime) -> None:
    source = Source(10, waits_at=5)
    assert await add_up(any_rust, source.numbers(), limit=3) == (3, 3)
    await source.closed.wait()


async def test_letting_go_calls_an_iterators_aclose(any_rust: Runtime) -> None:
    closable = Closable(10_000)
    assert await add_up(any_rust, closable, limit=3) == (3, 3)
    await closable.closed.wait()
    assert closable.left


async def test_cancelling_whoever_takes_closes_the_generator(rust: Runtime) -> None:
    source = Source(10, waits_at=5)
    task = spawn(add_up(rust, source.numbers()))
    await source.waits.wait()
    await cancel(task)
    await source.closed.wait()


async def test_one_that_nobody_takes_from_is_not_begun(rust: Runtime) -> None:
    source = Source(10)
    add_up(rust, source.numbers()).close()
    await checkpoint()
    gc.collect()
    assert source.seen == []


async def test_a_generator_is_ahead_so_far_and_no_further(any_rust: Runtime, gate: Gate) -> None:
    source = Source(5 * AHEAD)
    task = spawn(add_up(any_rust, source.numbers(), gate=gate))
    await until(lambda: source.given >= AHEAD)
    # It never waits by itself: whatever it could give in one turn it has given.
    await checkpoint()
    assert source.given <= AHEAD + 1
    assert gate.drops == 0
    gate.give(elsewhere=True)
    assert await task == (5 * AHEAD, sum(range(5 * AHEAD)))


async def test_it_runs_in_a_copy_of_the_callers_context(rust: Runtime) -> None:
    async def of_request(name: str) -> list[str]:
        variable.set(name)
        source = Source(3)
        added = add_up(rust, source.numbers())
        variable.set(f"after {name}")
        assert await added == (3, 3)
        return source.seen

    seen = await gather(*(of_request(str(number)) for number in range(10)))
    assert list(seen) == [[str(number)] * 3 for number in range(10)]


async def test_a_runtime_that_is_shut_down_meanwhile(rust: Runtime) -> None:
    own = Runtime("smol")
    source = Source(10, waits_at=5)
    task = spawn(add_up(own, source.numbers()))
    await source.waits.wait()
    own.shutdown()
    assert isinstance(await ended(task), crossawait.RuntimeClosedError)
    await source.closed.wait()


@asyncio_only
@not_on_rloop
@pytest.mark.not_loops("without-readers")
def test_a_loop_that_is_closed_meanwhile(rust: Runtime, loop_kind: str) -> None:
    async def begin() -> tuple[Any, Any]:
        source = Source(10, waits_at=5)
        coroutine = add_up(rust, source.numbers())
        waits_for: Any = coroutine.send(None)
        await source.waits.wait()
        return coroutine, waits_for

    complaints: list[Any] = []
    loop = LOOPS[loop_kind]()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    left = loop.run_until_complete(begin())
    loop.close()
    with pytest.raises(RuntimeError, match="event loop was closed"):
        left[1].wait(3)
    del left
    gc.collect()
    assert complaints == []


async def test_what_is_iterated_need_not_be_iterable_itself(rust: Runtime) -> None:
    class Numbers:
        def __init__(self) -> None:
            self.given = 0

        async def __anext__(self) -> int:
            if self.given == 3:
                raise StopAsyncIteration
            self.given += 1
            return self.given

    class Source:
        def __aiter__(self) -> Any:
            return Numbers()

    assert await add_up(rust, Source()) == (3, 6)
