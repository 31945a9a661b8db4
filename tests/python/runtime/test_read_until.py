"""`read_until`: up to a separator, within a limit, and as `asyncio.StreamReader.readuntil` does it."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Any

import pytest
from anyio.to_thread import run_sync

from crossawait import Runtime
from event_loops import asyncio_only
from sockets import with_peer
from tasks import pending, spawn


async def test_the_separator_is_included_and_the_rest_stays(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"one\ntwo\n\nthree")
        assert [await stream.read_until(b"\n") for _ in range(3)] == [b"one\n", b"two\n", b"\n"]
        assert await stream.read(1000) == b"three"


async def test_a_separator_may_come_in_pieces(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        task = await pending(stream.read_until(b"<end>"))
        for byte in b"a<e<en<end":
            peer.sendall(bytes([byte]))
            # Lets the runtime see this byte by itself.
            await runtime.sleep(0.001)
            assert not task.done()
        peer.sendall(b">b")
        assert await task == b"a<e<en<end>"
        assert await stream.read(1) == b"b"


@pytest.mark.parametrize("convert", [bytes, bytearray, memoryview])
async def test_a_separator_is_any_bytes(runtime: Runtime, convert: Any) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"a--b")
        assert await stream.read_until(convert(b"--")) == b"a--"


async def test_a_separator_behind_the_limit_is_an_overrun_and_stays(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"12345\n")
        with pytest.raises(asyncio.LimitOverrunError, match="chunk is longer than limit") as caught:
            await stream.read_until(b"\n", 4)
        assert caught.value.consumed == 5
        assert await stream.read_until(b"\n", limit=5) == b"12345\n"


async def test_no_separator_within_the_limit_is_an_overrun_and_the_bytes_stay(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"x" * 100)
        assert await stream.read_exactly(1) == b"x"
        with pytest.raises(asyncio.LimitOverrunError, match="not found"):
            await stream.read_until(b"\n", 50)
        assert await stream.read_exactly(99) == b"x" * 99


async def test_the_limit_is_64_kib_unless_told(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"x" * 65536 + b"\n")
        assert len(await stream.read_until(b"\n")) == 65537
        writing = spawn(run_sync(peer.sendall, b"x" * 65537 + b"\n"))
        with pytest.raises(asyncio.LimitOverrunError):
            await stream.read_until(b"\n")
        assert len(await stream.read_until(b"\n", 1 << 20)) == 65538
        await writing


async def test_the_end_before_the_separator_gives_what_there_was(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"no newline")
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await stream.read_until(b"\n")
        assert (caught.value.partial, caught.value.expected) == (b"no newline", None)
        assert await stream.read(1) == b""


async def test_an_empty_separator_is_refused(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, _):
        with pytest.raises(ValueError, match="separator of at least one byte"):
            stream.read_until(b"")


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_of_nothing_is_refused(runtime: Runtime, limit: int) -> None:
    async with with_peer(runtime) as (stream, _):
        with pytest.raises(ValueError, match="limit of at least 1"):
            stream.read_until(b"\n", limit)


@pytest.mark.parametrize("arguments", [("\n",), (10,), (None,), (b"\n", "5"), (b"\n", None)])
async def test_arguments_of_another_type_are_refused(runtime: Runtime, arguments: Any) -> None:
    async with with_peer(runtime) as (stream, _):
        with pytest.raises(TypeError):
            stream.read_until(*arguments)


async def outcome(read: Any, *arguments: Any) -> tuple[Any, ...]:
    """What a read gives, or raises, in a form that can be compared."""
    try:
        return ("value", await read(*arguments))
    except asyncio.IncompleteReadError as error:
        return ("incomplete", error.partial, error.expected)
    except asyncio.LimitOverrunError as error:
        return ("overrun", error.args[0], error.consumed)


@asyncio_only
@pytest.mark.parametrize("seed", range(20))
async def test_random_reads_are_those_of_asyncio(runtime: Runtime, seed: int) -> None:
    """The same data, all of it there, and the same reads, from a stream and from asyncio's own reader."""
    chance = random.Random(seed)
    limit = chance.choice([1, 2, 5, 20, 100])
    data = bytes(chance.choices(b"ab\n", weights=[6, 3, 1], k=chance.randrange(400)))
    model = asyncio.StreamReader(limit=limit)
    model.feed_data(data)
    model.feed_eof()
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        for _ in range(60):
            if chance.random() < 0.7:
                separator = bytes(chance.choices(b"ab\n", k=chance.choice([1, 1, 2, 3])))
                ours = await outcome(stream.read_until, separator, limit)
                theirs = await outcome(model.readuntil, separator)
            else:
                count = chance.randrange(1, 12)
                ours = await outcome(stream.read_exactly, count)
                theirs = await outcome(model.readexactly, count)
            assert ours == theirs
        assert await stream.read(1000) == await model.read(1000)
