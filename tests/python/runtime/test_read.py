"""`read` and `read_exactly`: what arrives, in order, in the portions asked for."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from crossawait import Runtime
from sockets import pair, reset, with_peer
from tasks import ended, pending, spawn


async def test_a_read_gives_what_is_there_and_waits_for_no_more(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"hello")
        assert await stream.read(1000) == b"hello"


async def test_a_read_waits_for_the_first_byte(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        task = await pending(stream.read(1000))
        peer.sendall(b"h")
        assert await task == b"h"


async def test_a_read_never_gives_more_than_asked_for_and_loses_no_rest(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"abcdef")
        assert await stream.read_exactly(1) == b"a"
        assert await stream.read(2) == b"bc"
        assert await stream.read(1) == b"d"
        assert await stream.read(1000) == b"ef"


async def test_the_end_of_the_stream_is_empty_bytes_for_ever(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"last words")
        peer.shutdown(socket.SHUT_WR)
        assert await stream.read_exactly(10) == b"last words"
        assert [await stream.read(1) for _ in range(3)] == [b""] * 3
        assert await stream.read_exactly(0) == b""


async def test_one_direction_may_end_before_the_other(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.shutdown(socket.SHUT_WR)
        assert await stream.read(1) == b""
        await stream.write_all(b"still here")
        assert peer.recv(1000) == b"still here"


@pytest.mark.parametrize("size", [1, 1000, 16 * 1024, 16 * 1024 + 1, 1 << 20, (1 << 22) + 3])
async def test_exactly_as_many_as_asked_for(runtime: Runtime, size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    async with pair(runtime) as (client, server):
        writing = spawn(client.write_all(data))
        assert await server.read_exactly(size) == data[:size]
        assert await server.read_exactly(len(data) - size) == data[size:]
        await writing


async def test_exactly_is_put_together_from_pieces(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        task = await pending(stream.read_exactly(3))
        for byte in (b"a", b"b", b"c"):
            assert not task.done()
            peer.sendall(byte)
            await checkpoint()
        assert await task == b"abc"


async def test_a_stream_that_ends_too_early_gives_what_there_was(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"abc")
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await stream.read_exactly(10)
        assert (caught.value.partial, caught.value.expected) == (b"abc", 10)
        assert await stream.read(1) == b""


async def test_a_huge_count_takes_no_memory_in_advance(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"abc")
        assert await stream.read(1 << 62) == b"abc"
        peer.sendall(b"def")
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await stream.read_exactly(1 << 62)
        assert caught.value.partial == b"def"


@pytest.mark.parametrize("count", [0, -1, -(1 << 62)])
async def test_a_read_of_nothing_or_less_is_refused(runtime: Runtime, count: int) -> None:
    async with with_peer(runtime) as (stream, _):
        with pytest.raises(ValueError, match=f"not {count}"):
            stream.read(count)


async def test_a_read_of_exactly_less_than_nothing_is_refused(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, _):
        with pytest.raises(ValueError, match="not -1"):
            stream.read_exactly(-1)


@pytest.mark.parametrize("verb", ["read", "read_exactly"])
@pytest.mark.parametrize("count", ["5", None, 1.5])
async def test_counts_of_another_type_are_refused(runtime: Runtime, verb: str, count: Any) -> None:
    async with with_peer(runtime) as (stream, _):
        with pytest.raises(TypeError):
            getattr(stream, verb)(count)


async def test_concurrent_reads_take_turns_and_lose_nothing(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        tasks = [await pending(stream.read_exactly(4)) for _ in range(8)]
        peer.sendall(b"".join(b"%04d" % n for n in range(8)))
        assert sorted([await task for task in tasks]) == [b"%04d" % n for n in range(8)]


@pytest.mark.parametrize("verb", ["read", "read_exactly", "read_until"])
async def test_a_reset_in_mid_read_says_so(runtime: Runtime, verb: str) -> None:
    async with with_peer(runtime) as (stream, peer):
        argument: Any = b"\n" if verb == "read_until" else 1000
        task = await pending(getattr(stream, verb)(argument))
        reset(peer)
        error = await ended(task)
        assert isinstance(error, ConnectionResetError)
        assert error.errno == errno.ECONNRESET


async def test_reading_goes_on_after_an_error_in_writing(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"before the end")
        assert await stream.read(6) == b"before"
        assert await stream.read(1000) == b" the end"
        reset(peer)
        with pytest.raises(ConnectionResetError):
            await stream.read(1000)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await stream.write_all(b"anybody?")
