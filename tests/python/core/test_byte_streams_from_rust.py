"""Rust's readers and writers as streams in Python."""

from __future__ import annotations

import asyncio
import errno
import gc
import random
import weakref
import zlib
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from crossawait_tests import (
    Pipe,
    Reader,
    Runtime,
    Stream,
    Writer,
    cursor,
    duplex,
    later_cursor,
    lines,
    transfer,
)

import crossawait
from event_loops import every_loop
from tasks import cancel, cancel_late, ended, gather, gives_none, pending, spawn, until, wait_until_settled

pytestmark = every_loop

MANY = 10 << 20


@pytest.fixture(scope="module")
def any_rust(runtime_name: Any) -> Iterator[Runtime]:
    """A runtime of each kind."""
    runtime = Runtime(runtime_name)
    yield runtime
    runtime.shutdown()


@pytest.fixture
def pipe() -> Pipe:
    """The far end of a stream."""
    return Pipe()


async def receive_all(stream: Stream) -> bytes:
    received = bytearray()
    while data := await stream.read(1 << 16):
        received += data
    return bytes(received)


async def test_whoever_only_reads_lets_others_have_their_turn(any_rust: Runtime) -> None:
    # All of it is there, as if a peer sent faster than this reads.
    stream = cursor(any_rust, bytes(500_000))
    for _ in range(2):
        turn = anyio.Event()

        async def take_turn(turn: anyio.Event = turn) -> None:
            turn.set()

        task = spawn(take_turn())
        while not turn.is_set():
            assert await stream.read(1), "it has all been read meanwhile"
        await task
    await stream.close()


async def send_all(stream: Stream, data: bytes) -> None:
    await stream.write_all(data)
    await stream.close()


async def test_the_verbs(any_rust: Runtime) -> None:
    stream = cursor(any_rust, b"one\ntwo\nthree four five")
    assert await stream.read_until(b"\n") == b"one\n"
    assert await stream.read_exactly(4) == b"two\n"
    assert await stream.read(5) == b"three"
    with pytest.raises(asyncio.LimitOverrunError):
        await stream.read_until(b"e", 3)
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await stream.read_exactly(100)
    assert caught.value.partial == b" four five"
    assert await stream.read(1) == b""
    assert await gives_none(stream.write_all(memoryview(b"more")))
    assert await gives_none(stream.close())


async def test_it_has_no_addresses(rust: Runtime) -> None:
    async with cursor(rust, b"") as stream:
        assert (stream.local_address, stream.peer_address) == (None, None)
        assert repr(stream) == "<Stream local=None peer=None>"
    assert repr(stream) == "<Stream closed local=None peer=None>"


async def test_a_future_gives_a_stream(any_rust: Runtime) -> None:
    async with await later_cursor(any_rust, b"data") as stream:
        assert await stream.read(10) == b"data"


async def test_wrong_arguments(rust: Runtime) -> None:
    stream: Any = cursor(rust, b"")
    for verb, wrong in (("read", 0), ("read_exactly", -1), ("read_until", b"")):
        with pytest.raises(ValueError, match="needs"):
            getattr(stream, verb)(wrong)
    with pytest.raises(TypeError):
        stream.write_all("text")


@pytest.mark.parametrize("capacity", [100_000, 1000])
async def test_both_ways_at_once_through_a_pipe(any_rust: Runtime, capacity: int) -> None:
    count = MANY if capacity > 1000 else 1 << 19
    sent = [random.Random(seed).randbytes(count) for seed in range(2)]
    one, other = duplex(any_rust, capacity)
    receiving = gather(one.read_exactly(count), other.read_exactly(count))
    sending = gather(one.write_all(sent[0]), other.write_all(sent[1]))
    received, _ = await gather(receiving, sending)
    assert [*received] == [sent[1], sent[0]]


async def test_the_end_comes_after_what_was_written(any_rust: Runtime) -> None:
    sent = random.Random(3).randbytes(300_000)
    one, other = duplex(any_rust, 1 << 16)
    received, _ = await gather(receive_all(other), send_all(one, sent))
    assert received == sent


async def test_a_writer_waits_for_its_reader(any_rust: Runtime, pipe: Pipe) -> None:
    stream = pipe.stream(any_rust)
    task = await pending(stream.write_all(b"x" * 1000))
    pipe.make_room(400)
    await until(lambda: len(pipe.written) == 400)
    assert not task.done()
    assert pipe.flushed == 0
    pipe.make_room(1000)
    assert await gives_none(task)
    assert (pipe.written, pipe.flushed) == (b"x" * 1000, 1000)


@pytest.mark.parametrize("reads_first", [True, False])
async def test_neither_direction_takes_the_others_waker(
    any_rust: Runtime, pipe: Pipe, reads_first: bool
) -> None:
    # The pipe knows one waker, that of the last poll.
    stream = pipe.stream(any_rust)
    for number in range(10):
        data = b"%d" % number * 10
        tasks: dict[str, Any] = {}
        for name in ("read", "write") if reads_first else ("write", "read"):
            coroutine: Any = stream.read(10) if name == "read" else stream.write_all(data)
            tasks[name] = await pending(coroutine)
        if number % 2:
            pipe.give(data)
            assert await tasks["read"] == data
            pipe.make_room(10)
            await tasks["write"]
        else:
            pipe.make_room(10)
            await tasks["write"]
            pipe.give(data)
            assert await tasks["read"] == data
        assert pipe.written[-10:] == data


async def test_writes_do_not_mix_and_reads_take_turns(any_rust: Runtime, pipe: Pipe) -> None:
    stream = pipe.stream(any_rust)
    writing = [await pending(stream.write_all(b"%d" % number * 100)) for number in range(3)]
    reading = [await pending(stream.read_exactly(2)) for _ in range(3)]
    for _ in range(30):
        pipe.make_room(10)
    for task in writing:
        await task
    assert pipe.written == b"".join(b"%d" % number * 100 for number in range(3))
    pipe.give(b"aab")
    pipe.give(b"bcc")
    assert [await task for task in reading] == [b"aa", b"bb", b"cc"]


@pytest.mark.parametrize(("verb", "argument"), [("read", 9), ("read_exactly", 5), ("read_until", b"o")])
async def test_a_read_that_is_cancelled_late_loses_nothing(
    any_rust: Runtime, pipe: Pipe, verb: str, argument: Any
) -> None:
    stream = pipe.stream(any_rust)
    for _ in range(5):
        task = await pending(getattr(stream, verb)(argument))
        pipe.give(b"hello")
        wait_until_settled(task)
        assert await (stream.read(9) if await cancel_late(task) else task) == b"hello"


async def test_a_cancelled_write_gives_the_next_its_turn(any_rust: Runtime, pipe: Pipe) -> None:
    stream = pipe.stream(any_rust)
    first, second = [await pending(stream.write_all(data)) for data in (b"first", b"second")]
    await cancel(first)
    pipe.make_room(100)
    await second
    assert pipe.written.endswith(b"second")


async def test_closing_ends_what_waits_and_waits_for_the_stream(any_rust: Runtime, pipe: Pipe) -> None:
    stream = pipe.stream(any_rust)
    tasks = [await pending(coroutine) for coroutine in (stream.read(1), stream.write_all(b"x"))]
    closing = await pending(stream.close())
    for task in tasks:
        error = await ended(task)
        assert isinstance(error, OSError)
        assert (error.errno, error.strerror) == (errno.EBADF, "the stream is closed")
    assert not closing.done()
    # It is closed already, but for the stream's own farewell.
    assert await gives_none(stream.close())
    assert pipe.closes == 0
    pipe.allow_close()
    assert await gives_none(closing)
    assert pipe.closes == 1
    pipe.wait_dropped()
    with pytest.raises(OSError, match="the stream is closed"):
        await stream.read(1)


async def test_closing_races_with_what_is_in_flight(any_rust: Runtime) -> None:
    def wake_it(pipe: Pipe) -> None:
        for _ in range(20):
            pipe.make_room(1)

    chance = random.Random(5)
    for _ in range(100):
        pipe = Pipe()
        pipe.allow_close()
        stream = pipe.stream(any_rust)
        tasks = [spawn(coroutine) for coroutine in (stream.read(1), stream.write_all(b"x" * 50))]
        waking = spawn(any_rust.call_blocking(wake_it, pipe))
        for _ in range(chance.randrange(4)):
            await checkpoint()
        await stream.close()
        for task in tasks:
            assert isinstance(await ended(task), OSError)
        assert pipe.closes == 1
        await waking


async def test_a_close_that_is_cancelled_drops_the_stream(any_rust: Runtime, pipe: Pipe) -> None:
    stream = pipe.stream(any_rust)
    await cancel(await pending(stream.close()))
    assert pipe.wait_dropped() is False
    assert pipe.closes == 0
    assert await gives_none(stream.close())


async def test_a_close_that_fails(any_rust: Runtime, pipe: Pipe) -> None:
    stream = pipe.stream(any_rust)
    pipe.fail("number")
    with pytest.raises(BrokenPipeError):
        await stream.close()
    pipe.wait_dropped()
    assert await gives_none(stream.close())


async def test_a_stream_that_is_forgotten_is_dropped_on_its_runtime(any_rust: Runtime, pipe: Pipe) -> None:
    stream = pipe.stream(any_rust)
    assert not pipe.dropped
    del stream
    assert pipe.wait_dropped() is False
    assert pipe.closes == 0


async def test_a_forgotten_stream_lives_on_in_a_read_that_waits(any_rust: Runtime, pipe: Pipe) -> None:
    stream = pipe.stream(any_rust)
    reference = weakref.ref(stream)
    task = await pending(stream.read(10))
    del stream
    gc.collect()
    assert reference() is None
    pipe.give(b"still here")
    assert await task == b"still here"
    pipe.wait_dropped()


async def test_errors(any_rust: Runtime, pipe: Pipe) -> None:
    async def fail(how: Any) -> BaseException:
        pipe.fail(how)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - it is looked at by whoever called
            await stream.read(1)
        return caught.value

    stream, exception = pipe.stream(any_rust), LookupError("as told")
    numbered: Any = await fail("number")
    assert (type(numbered), numbered.errno) == (BrokenPipeError, errno.EPIPE)
    assert isinstance(await fail("kind"), ConnectionResetError)
    assert await fail(exception) is exception
    assert isinstance(await fail("panic"), crossawait.RustPanic)
    # Whatever that says of the stream, it is there.
    pipe.give(b"x")
    assert await stream.read(1) == b"x"
    pipe.end()
    assert await stream.read(1) == b""


async def test_a_runtime_that_is_shut_down(rust: Runtime, pipe: Pipe) -> None:
    own = Runtime("smol")
    stream = pipe.stream(own)
    task = await pending(stream.read(1))
    own.shutdown()
    assert isinstance(await ended(task), crossawait.RuntimeClosedError)
    with pytest.raises(crossawait.RuntimeClosedError):
        await stream.read(1)
    assert await gives_none(stream.close())
    pipe.wait_dropped()
    with pytest.raises(crossawait.RuntimeClosedError):
        Pipe().stream(own)


async def test_such_a_stream_goes_back_to_rust(any_rust: Runtime) -> None:
    sent = random.Random(4).randbytes(1 << 20)
    one, other = duplex(any_rust, 1 << 16)
    copying = spawn(transfer(any_rust, cursor(any_rust, sent), one))
    assert await Reader(any_rust, other).sum_up() == (1 << 20, zlib.adler32(sent))
    assert await copying == 1 << 20
    found = lines(any_rust, cursor(any_rust, b"one\ntwo"))
    assert [line async for line in found] == ["one", "two"]


async def test_what_rust_writes_to_it_is_flushed(any_rust: Runtime, pipe: Pipe) -> None:
    writer = Writer(any_rust, pipe.stream(any_rust))
    pipe.make_room(100)
    await writer.write(b"data")
    await writer.flush()
    assert (pipe.written, pipe.flushed) == (b"data", 4)
    pipe.allow_close()
    await writer.close()
    assert pipe.closes == 1
