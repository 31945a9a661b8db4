"""The byte streams of asyncio, trio and anyio, as Rust reads from them and writes to them."""

from __future__ import annotations

import asyncio
import random
import socket
import zlib
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint
from crossawait_tests import Reader, Runtime, Writer, lines, tokio_transfer, transfer

from byte_streams import STREAMS, close, connect, connected, send_all
from event_loops import asyncio_only, every_loop
from sockets import receive, receive_all
from tasks import cancel, gather, gives_none, pending, spawn, until, wait_until

pytestmark = every_loop

# After `close` of a writer rloop 0.5 neither sends what is left nor ends the connection.
not_on_rloop = pytest.mark.not_loops("rloop")

each_kind = pytest.mark.parametrize("streams", STREAMS)

MANY = 10 << 20

# What is read at once, at most, and what gathers to be written.
MOST_AT_ONCE, GATHERS = 256 << 10, 128 << 10


@pytest.fixture(scope="module")
def any_rust(runtime_name: Any) -> Iterator[Runtime]:
    """A runtime of each kind."""
    runtime = Runtime(runtime_name)
    yield runtime
    runtime.shutdown()


@each_kind
async def test_many_bytes_both_ways_at_once(any_rust: Runtime, streams: str) -> None:
    sent = random.Random(1).randbytes(MANY)
    async with connected(streams) as (reader, writer, peer):
        receiving = spawn(any_rust.call_blocking(receive_all, peer))
        sending = spawn(any_rust.call_blocking(send_all, peer, sent))
        reading = spawn(Reader(any_rust, reader).sum_up())
        rust_writer = Writer(any_rust, writer)
        written = await rust_writer.fill(MANY)
        await rust_writer.write_eof()
        received = await receiving
        await sending
        assert (len(received), zlib.adler32(received)) == (MANY, written)
        assert await reading == (MANY, zlib.adler32(sent))


@each_kind
async def test_a_line_at_a_time(any_rust: Runtime, streams: str) -> None:
    async with connected(streams) as (reader, _, peer):
        found = lines(any_rust, reader)
        peer.sendall(b"one\r\ntwo\n\nfo")
        assert [await anext(found) for _ in range(3)] == ["one", "two", ""]
        send_all(peer, b"ur\nthe end")
        assert [line async for line in found] == ["four", "the end"]


async def test_lines_across_pieces(rust: Runtime) -> None:
    sent = [str(number) * (number % 50) for number in range(20_000)]
    async with connected("native") as (reader, _, peer):
        sending = spawn(rust.call_blocking(send_all, peer, "\n".join(sent).encode()))
        assert [line async for line in lines(rust, reader)] == sent
        await sending


@not_on_rloop
@each_kind
@pytest.mark.parametrize("copy", [transfer, tokio_transfer])
async def test_from_one_python_stream_to_another(any_rust: Runtime, streams: str, copy: Any) -> None:
    sent = random.Random(2).randbytes(1 << 20)
    async with connected(streams) as (reader, _, source), connected(streams) as (_, writer, sink):
        sending = spawn(any_rust.call_blocking(send_all, source, sent))
        receiving = spawn(any_rust.call_blocking(receive_all, sink))
        assert await copy(any_rust, reader, writer) == len(sent)
        assert await receiving == sent
        await sending


async def ask(rust: Runtime, address: tuple[str, int], data: bytes) -> None:
    """Send data to an echo, and see it come back."""
    reader, writer = await connect("native", address)
    rust_writer = Writer(rust, writer)
    await rust_writer.write(data)
    await rust_writer.write_eof()
    assert await Reader(rust, reader).sum_up() == (len(data), zlib.adler32(data))
    await close(writer)


@asyncio_only
@not_on_rloop
async def test_rust_serves_the_connections_of_asyncios_server(any_rust: Runtime) -> None:
    served = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(await transfer(any_rust, reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    await gather(*(ask(any_rust, address, bytes([number]) * 100_000) for number in range(10)))
    await until(lambda: len(served) == 10)
    assert served == [100_000] * 10
    server.close()
    await server.wait_closed()


@pytest.mark.loops("trio")
async def test_rust_serves_the_connections_of_trios_server(any_rust: Runtime) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        assert await transfer(any_rust, stream, stream) == 100_000

    async with trio.open_nursery() as nursery:
        listeners: Any = await nursery.start(trio.serve_tcp, serve, 0)
        address = ("127.0.0.1", listeners[0].socket.getsockname()[1])
        await gather(*(ask(any_rust, address, bytes([number]) * 100_000) for number in range(10)))
        nursery.cancel_scope.cancel()


@each_kind
async def test_a_peer_that_does_not_read_holds_the_writer_up(any_rust: Runtime, streams: str) -> None:
    async with connected(streams, buffers=1 << 16) as (_, writer, peer):
        rust_writer = Writer(any_rust, writer)
        task = spawn(rust_writer.fill(MANY))
        await until(lambda: rust_writer.waits or task.done())
        for _ in range(100):
            await checkpoint()
        assert not task.done()
        # In the kernel, in the stream's own buffer, on its way there, and gathering.
        assert rust_writer.accepted < (8 << 20)
        received = await any_rust.call_blocking(receive, peer, MANY)
        assert await task == zlib.adler32(received)
        assert rust_writer.accepted == MANY


async def test_a_held_up_writer_has_taken_so_much_and_no_more(any_rust: Runtime) -> None:
    class Stuck:
        async def send_all(self, data: bytes) -> None:
            given.append(len(data))
            await anyio.Event().wait()

        async def aclose(self) -> None:
            raise AssertionError

    given: list[int] = []
    rust_writer = Writer(any_rust, Stuck())
    task = spawn(rust_writer.fill(MANY))
    await until(lambda: rust_writer.waits and given and rust_writer.accepted == given[0] + GATHERS)
    await cancel(task)
    assert rust_writer.accepted == given[0] + GATHERS
    assert given[0] <= GATHERS


async def test_writes_that_come_in_the_meantime_cross_together(any_rust: Runtime) -> None:
    class Slow:
        async def send_all(self, data: bytes) -> None:
            if not pieces:
                # The loop gets to nothing else.
                wait_until(lambda: rust_writer.accepted == 100_000)
            pieces.append(data)

        async def aclose(self) -> None:
            raise AssertionError

    pieces: list[bytes] = []
    rust_writer = Writer(any_rust, Slow())
    written = await rust_writer.fill(100_000, piece=100)
    assert await gives_none(rust_writer.flush())
    assert len(pieces) <= 2
    assert zlib.adler32(b"".join(pieces)) == written


@each_kind
async def test_what_is_written_goes_out_without_a_flush(any_rust: Runtime, streams: str) -> None:
    async with connected(streams) as (_, writer, peer):
        rust_writer = Writer(any_rust, writer)
        for number in range(3):
            await rust_writer.write(b"%d" % number * 1000)
            assert await any_rust.call_blocking(receive, peer, 1000) == b"%d" % number * 1000


@each_kind
async def test_no_more_is_read_than_once_as_much_as_was_asked_for(any_rust: Runtime, streams: str) -> None:
    sent = random.Random(3).randbytes(MANY)
    async with connected(streams) as (reader, _, peer):
        sending = spawn(any_rust.call_blocking(send_all, peer, sent))
        rust_reader = Reader(any_rust, reader)
        assert rust_reader.buffer() == b""
        start = await rust_reader.read(10)
        assert len(start) == 10
        ahead = rust_reader.buffer()
        assert len(ahead) <= MOST_AT_ONCE
        assert start + ahead == sent[: 10 + len(ahead)]
        count, _ = await rust_reader.sum_up()
        assert count == MANY - 10
        await sending


@each_kind
async def test_the_end_is_there_to_stay(any_rust: Runtime, streams: str) -> None:
    async with connected(streams) as (reader, _, peer):
        rust_reader = Reader(any_rust, reader)
        send_all(peer, b"last")
        assert [await rust_reader.read(10) for _ in range(3)] == [b"last", b"", b""]


@each_kind
async def test_one_direction_ends_and_the_other_goes_on(any_rust: Runtime, streams: str) -> None:
    async with connected(streams) as (reader, writer, peer):
        rust_reader, rust_writer = Reader(any_rust, reader), Writer(any_rust, writer)
        await rust_writer.write(b"question")
        assert await gives_none(rust_writer.write_eof())
        assert await any_rust.call_blocking(receive_all, peer) == b"question"
        send_all(peer, b"answer")
        assert await rust_reader.read(100) == b"answer"
        assert await rust_reader.read(100) == b""


@not_on_rloop
@each_kind
async def test_closing_flushes_and_closes_both_directions(any_rust: Runtime, streams: str) -> None:
    async with connected(streams) as (_, writer, peer):
        rust_writer = Writer(any_rust, writer)
        receiving = spawn(any_rust.call_blocking(receive_all, peer))
        written = await rust_writer.fill(1 << 20)
        assert await gives_none(rust_writer.close())
        assert await gives_none(rust_writer.close())
        received = await receiving
        assert (len(received), zlib.adler32(received)) == (1 << 20, written)
        if isinstance(writer, asyncio.StreamWriter):
            assert writer.is_closing()
        for use in (rust_writer.write(b"more"), rust_writer.flush()):
            with pytest.raises(OSError, match="not connected"):
                await use


@each_kind
async def test_a_read_that_is_given_up_loses_nothing(any_rust: Runtime, streams: str) -> None:
    async with connected(streams) as (reader, _, peer):
        rust_reader = Reader(any_rust, reader)
        for number in range(5):
            await cancel(await pending(rust_reader.read(10)))
            peer.sendall(b"%d" % number)
            assert await rust_reader.read(10) == b"%d" % number


async def test_a_write_that_is_given_up_has_taken_what_it_says(rust: Runtime) -> None:
    async with connected("native", buffers=1 << 16) as (_, writer, peer):
        rust_writer = Writer(rust, writer)
        task = spawn(rust_writer.fill(MANY))
        await until(lambda: rust_writer.waits)
        await cancel(task)
        flushing = spawn(rust_writer.write_eof())
        received = await rust.call_blocking(receive_all, peer)
        await flushing
        assert len(received) == rust_writer.accepted


async def test_a_unix_socket_pair_of_python_streams(rust: Runtime, loop_kind: str) -> None:
    if loop_kind == "rloop":
        pytest.skip("it has no Unix sockets")
    one, other = socket.socketpair()
    if loop_kind == "trio":
        stream: Any = trio.SocketStream(trio.socket.from_stdlib_socket(one))
        reader = writer = stream
    else:
        reader, writer = await asyncio.open_connection(sock=one)
    with other:
        task = spawn(transfer(rust, reader, writer))
        other.settimeout(30)
        send_all(other, b"there and back")
        assert await rust.call_blocking(receive_all, other) == b"there and back"
        assert await task == 14
