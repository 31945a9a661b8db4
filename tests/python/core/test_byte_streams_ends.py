"""How reading from Python's byte streams and writing to them goes wrong, or is given up."""

from __future__ import annotations

import asyncio
import errno
import gc
import io
import socket
import ssl
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import pytest
import trio
from crossawait_tests import Reader, Runtime, Writer

import crossawait
from byte_streams import STREAMS, connected
from event_loops import LOOPS, asyncio_only, every_loop, not_on_rloop
from sockets import reset
from tasks import cancel, ended, pending, spawn, until

pytestmark = every_loop

each_kind = pytest.mark.parametrize("streams", STREAMS)

# What the loops' libraries raise when the other end has gone, and the kinds that Rust sees.
BROKEN = (OSError, trio.BrokenResourceError, anyio.BrokenResourceError)
KINDS_OF_BROKEN = ("ConnectionReset", "BrokenPipe")


@pytest.fixture(scope="module")
def any_rust(runtime_name: Any) -> Iterator[Runtime]:
    """A runtime of each kind."""
    runtime = Runtime(runtime_name)
    yield runtime
    runtime.shutdown()


class Source:
    """A stream with a function in place of a connection."""

    def __init__(self, read: Callable[[], Awaitable[Any]]) -> None:
        self._read = read

    async def read(self, n: int) -> Any:
        assert n > 0
        return await self._read()


class Sink:
    """The same to write to. It notes what it was given."""

    def __init__(self, write: Callable[[], Awaitable[Any]]) -> None:
        self._write = write
        self.given = b""
        self.closed = 0

    async def send_all(self, data: bytes) -> None:
        await self._write()
        self.given += data

    async def aclose(self) -> None:
        self.closed += 1


async def nothing() -> None:
    pass


def raising(error: BaseException) -> Callable[[], Awaitable[Any]]:
    async def fail() -> Any:
        raise error

    return fail


# rloop 0.5 tells nobody of a reset.
@not_on_rloop
@each_kind
async def test_a_connection_that_is_reset_while_rust_reads(any_rust: Runtime, streams: str) -> None:
    async with connected(streams) as (reader, _, peer):
        task = await pending(Reader(any_rust, reader).fail())
        reset(peer)
        kind, error = await task
        assert isinstance(error, BROKEN)
        assert kind == "ConnectionReset"


# rloop 0.5 tells nobody of a reset.
@not_on_rloop
@each_kind
async def test_a_connection_that_is_reset_while_rust_writes(any_rust: Runtime, streams: str) -> None:
    async with connected(streams) as (_, writer, peer):
        rust_writer = Writer(any_rust, writer)
        reset(peer)
        kind, error = await rust_writer.fail()
        assert isinstance(error, BROKEN)
        assert kind in KINDS_OF_BROKEN
        # The exception has been given away. What is left is its kind.
        with pytest.raises(OSError, match="has failed before"):
            await rust_writer.write(b"more")
        with pytest.raises(OSError, match="has failed before"):
            await rust_writer.flush()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionResetError("lost"), "ConnectionReset"),
        (BrokenPipeError(), "BrokenPipe"),
        (ConnectionAbortedError(errno.ECONNABORTED, "aborted"), "ConnectionAborted"),
        (OSError(errno.ENOSPC, "full"), "StorageFull"),
        (OSError(errno.EHOSTUNREACH, "no way"), "HostUnreachable"),
        (TimeoutError(), "TimedOut"),
        (asyncio.IncompleteReadError(b"par", 10), "UnexpectedEof"),
        (NotImplementedError(), "Unsupported"),
        (trio.ClosedResourceError(), "NotConnected"),
        (anyio.ClosedResourceError(), "NotConnected"),
        (trio.BusyResourceError(), "ResourceBusy"),
        (trio.BrokenResourceError(), "BrokenPipe"),
        # These would be tried again for ever.
        (InterruptedError(errno.EINTR, "interrupted"), "Other"),
        (BlockingIOError(errno.EAGAIN, "later"), "Other"),
        # A number, but not the system's.
        (ssl.SSLError(1, "handshake"), "Other"),
        (socket.gaierror(socket.EAI_NONAME, "no such name"), "Other"),
        (LookupError("anything"), "Other"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
async def test_an_exception_is_inside_of_an_error_of_its_kind(
    rust: Runtime, error: BaseException, kind: str
) -> None:
    reader, writer = Reader(rust, Source(raising(error))), Writer(rust, Sink(raising(error)))
    for failing in (reader.fail(), writer.fail()):
        found, inside = await failing
        assert (found, inside is error) == (kind, True)
    with pytest.raises(type(error)) as caught:
        await reader.read(1)
    assert caught.value is error


async def test_the_cause_of_a_broken_resource_tells_the_kind(rust: Runtime) -> None:
    error = trio.BrokenResourceError()
    error.__cause__ = ConnectionResetError(errno.ECONNRESET, "reset")
    assert await Reader(rust, Source(raising(error))).fail() == ("ConnectionReset", error)


@pytest.mark.parametrize("what", [5, "text", object(), io.BytesIO(), asyncio.Event()])
async def test_what_cannot_be_read_from_or_written_to(rust: Runtime, what: Any) -> None:
    with pytest.raises(TypeError, match=r"cannot read from '\w+': a reader has the awaitable `read"):
        Reader(rust, what)
    with pytest.raises(TypeError, match=r"cannot write to '\w+': a writer has `write`, `is_closing`"):
        Writer(rust, what)


async def test_a_half_of_a_stream_is_not_the_other(rust: Runtime) -> None:
    with pytest.raises(TypeError, match="cannot write to 'Source'"):
        Writer(rust, Source(nothing))
    with pytest.raises(TypeError, match="cannot read from 'Sink'"):
        Reader(rust, Sink(nothing))


async def text() -> str:
    return "text"


@pytest.mark.parametrize(("read", "message"), [(text, "bytes-like"), (nothing, "bytes-like")])
async def test_a_reader_that_gives_something_else_than_bytes(rust: Runtime, read: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        await Reader(rust, Source(read)).read(1)


async def test_a_reader_that_does_not_wait(rust: Runtime) -> None:
    source: Any = Source(nothing)
    source.read = lambda n: b"at once"
    with pytest.raises(TypeError, match="awaitable"):
        await Reader(rust, source).read(1)


@pytest.mark.parametrize("data", [bytearray(b"data"), memoryview(b"data")])
async def test_a_reader_that_gives_other_bytes(rust: Runtime, data: Any) -> None:
    async def read() -> Any:
        return data

    assert await Reader(rust, Source(read)).read(10) == b"data"


async def test_a_stream_that_has_no_end_for_writing_alone(rust: Runtime) -> None:
    sink = Sink(nothing)
    writer = Writer(rust, sink)
    await writer.write(b"all of it")
    with pytest.raises(NotImplementedError, match="for writing alone"):
        await writer.write_eof()
    assert sink.given == b"all of it"


async def test_what_fails_late_fails_the_close_and_closes_all_the_same(any_rust: Runtime) -> None:
    async def fail() -> None:
        await going_on.wait()
        raise error

    error, going_on = LookupError("late"), anyio.Event()
    sink = Sink(fail)
    writer = Writer(any_rust, sink)
    await writer.write(b"data")
    task = await pending(writer.close())
    going_on.set()
    assert await ended(task) is error
    assert sink.closed == 1
    await writer.close()
    assert sink.closed == 1


async def test_after_a_failure_it_can_be_closed(any_rust: Runtime) -> None:
    sink = Sink(raising(LookupError("early")))
    writer = Writer(any_rust, sink)
    await writer.fail()
    await writer.close()
    assert sink.closed == 1


async def test_letting_go_of_a_reader_cancels_its_read_and_leaves_the_stream_as_it_was(
    any_rust: Runtime,
) -> None:
    async with connected("native") as (reader, _, peer):
        begun, over = anyio.Event(), anyio.Event()
        receive = getattr(reader, "receive_some", None) or reader.read

        async def read() -> Any:
            begun.set()
            try:
                return await receive(100)
            finally:
                over.set()

        rust_reader = Reader(any_rust, Source(read))
        task = spawn(rust_reader.read(100))
        await begun.wait()
        await cancel(task)
        # The task that read is dropped by its runtime, and gives the reader back to us.
        await until(lambda: released(rust_reader))
        await over.wait()
        peer.sendall(b"not lost")
        assert await receive(100) == b"not lost"


def released(rust_side: Reader | Writer) -> bool:
    try:
        rust_side.release()
    except RuntimeError:
        return False
    return True


async def test_letting_go_of_a_writer_cancels_what_is_under_way(any_rust: Runtime) -> None:
    begun, over = anyio.Event(), anyio.Event()

    async def wait() -> None:
        begun.set()
        try:
            await anyio.Event().wait()
        finally:
            over.set()

    sink = Sink(wait)
    writer = Writer(any_rust, sink)
    await writer.write(b"data")
    await begun.wait()
    writer.release()
    await over.wait()
    assert (sink.given, sink.closed) == (b"", 0)


async def test_the_python_stream_is_let_go_of_on_the_loops_thread(any_rust: Runtime) -> None:
    gone: list[int] = []

    async def use() -> None:
        source, sink = Source(text_as_bytes), Sink(nothing)
        for stream in (source, sink):
            weakref.finalize(stream, lambda: gone.append(threading.get_ident()))
        reader, writer = Reader(any_rust, source), Writer(any_rust, sink)
        assert await reader.read(10) == b"text"
        await writer.write(b"data")
        await writer.flush()
        del source, sink, stream
        reader.release()
        writer.release()

    await use()
    await until(lambda: gc.collect() >= 0 and len(gone) == 2)
    assert gone == [threading.get_ident()] * 2


async def text_as_bytes() -> bytes:
    return b"text"


async def test_a_python_task_that_is_cancelled_by_others(rust: Runtime, loop_kind: str) -> None:
    if loop_kind == "trio":
        pytest.skip("nobody else knows of trio's")

    async def wait() -> bytes:
        tasks.append(asyncio.current_task())
        await anyio.Event().wait()
        return b""

    tasks: list[Any] = []
    reading = spawn(Reader(rust, Source(wait)).fail())
    await until(lambda: tasks)
    tasks[0].cancel()
    kind, error = await reading
    assert (kind, type(error)) == ("Other", asyncio.CancelledError)


async def test_a_runtime_that_is_shut_down_meanwhile(rust: Runtime) -> None:
    own = Runtime("smol")
    async with connected("native") as (reader, writer, _):
        reading = await pending(Reader(own, reader).read(10))
        writing = spawn(Writer(own, writer).fill(50 << 20))
        own.shutdown()
        for task in (reading, writing):
            assert isinstance(await ended(task), crossawait.RuntimeClosedError)


@asyncio_only
@not_on_rloop
@pytest.mark.not_loops("without-readers")
def test_a_loop_that_is_closed_meanwhile(rust: Runtime, loop_kind: str) -> None:
    async def begin() -> tuple[Any, Any]:
        begun = anyio.Event()

        async def wait() -> bytes:
            begun.set()
            await anyio.Event().wait()
            return b""

        reading: Any = Reader(rust, Source(wait)).read(1)
        waits_for = reading.send(None)
        await begun.wait()
        return reading, waits_for

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
