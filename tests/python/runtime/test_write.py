"""`write_all`: every byte, in order, of whatever is like bytes, no faster than the other end reads."""

from __future__ import annotations

import array
import hashlib
from typing import Any

import pytest
from anyio.lowlevel import checkpoint
from anyio.to_thread import run_sync

from crossawait import Runtime, Stream
from sockets import pair, receive, reset, with_peer
from tasks import cancel, ended, gather, gives_none, pending, spawn, until

# More than the kernel buffers for one connection.
MUCH = 48 << 20


@pytest.mark.parametrize(
    "data",
    [
        b"abc",
        bytearray(b"abc"),
        memoryview(b"abc"),
        memoryview(b"xabcx")[1:4],
        memoryview(b"a-b-c")[::2],
        memoryview(b"cba")[::-1],
        memoryview(b"abc").cast("c"),
        memoryview(b"abc").cast("b"),
        array.array("B", b"abc"),
        array.array("b", b"abc"),
    ],
    ids=lambda data: f"{type(data).__name__}-{getattr(data, 'format', '')}{getattr(data, 'strides', '')}",
)
async def test_bytes_like_data_of_every_kind(runtime: Runtime, data: Any) -> None:
    async with with_peer(runtime) as (stream, peer):
        assert await gives_none(stream.write_all(data))
        assert receive(peer, 3) == b"abc"


async def test_wider_items_are_sent_as_they_lie_in_memory(runtime: Runtime) -> None:
    numbers = array.array("i", [1, -2, 3])
    async with with_peer(runtime) as (stream, peer):
        await stream.write_all(numbers)  # type: ignore[arg-type]
        assert receive(peer, 3 * numbers.itemsize) == numbers.tobytes()


@pytest.mark.parametrize("data", ["text", 5, None, [1, 2], object()])
async def test_what_is_not_like_bytes_is_refused(runtime: Runtime, data: Any) -> None:
    async with with_peer(runtime) as (stream, _):
        with pytest.raises(TypeError, match="bytes-like"):
            stream.write_all(data)


async def test_writing_nothing_is_no_error(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        await stream.write_all(b"")
        await stream.write_all(b"a")
        assert receive(peer, 1) == b"a"


async def test_what_is_sent_is_what_the_data_was_at_the_call(runtime: Runtime) -> None:
    data = bytearray(b"abc")
    async with with_peer(runtime) as (stream, peer):
        writing = stream.write_all(data)
        data[:] = b"replaced and longer"
        await writing
        assert receive(peer, 3) == b"abc"


async def test_a_write_waits_for_a_slow_reader(runtime: Runtime) -> None:
    data = bytes(range(256)) * (MUCH // 256)
    async with with_peer(runtime) as (stream, peer):
        task = await pending(stream.write_all(data))
        digest = hashlib.sha256(receive(peer, 1 << 20))
        await checkpoint()
        assert not task.done()
        digest.update(receive(peer, MUCH - (1 << 20)))
        assert digest.digest() == hashlib.sha256(data).digest()
        assert await gives_none(task)


async def test_concurrent_writes_do_not_mix(runtime: Runtime) -> None:
    size = 3 << 20
    async with with_peer(runtime) as (stream, peer):
        tasks = [spawn(stream.write_all(bytes([letter]) * size)) for letter in b"abc"]
        await checkpoint()
        received = await run_sync(receive, peer, 3 * size)
        for task in tasks:
            await task
    for place in range(3):
        part = received[place * size : (place + 1) * size]
        assert part == part[:1] * size
    assert sorted(received[::size]) == list(b"abc")


async def test_reading_and_writing_at_the_same_time(runtime: Runtime) -> None:
    size = 8 << 20
    there, back = b"t" * size, b"b" * size
    async with pair(runtime) as (client, server):
        results = await gather(
            client.write_all(there),
            server.write_all(back),
            client.read_exactly(size),
            server.read_exactly(size),
        )
    assert [*results] == [None, None, back, there]


async def test_a_cancelled_write_lets_the_next_one_go_on(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        task = await pending(stream.write_all(b"x" * MUCH))
        await cancel(task)
        following = spawn(stream.write_all(b"end"))
        received = bytearray()
        while not received.endswith(b"end"):
            received += await run_sync(peer.recv, 1 << 20)
        await following
        assert received == b"x" * (len(received) - 3) + b"end"
        assert len(received) < MUCH


async def test_a_write_fails_when_the_other_end_has_gone(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        task = await pending(stream.write_all(b"x" * MUCH))
        reset(peer)
        assert isinstance(await ended(task), ConnectionError)


async def write_for_ever(stream: Stream) -> None:
    while True:
        await stream.write_all(b"anybody?")


async def test_a_write_into_a_connection_that_was_closed_fails_soon(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.close()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await write_for_ever(stream)


async def test_a_pending_write_is_one_pending_task(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, _):
        await until(lambda: runtime.metrics().tasks_pending == 0)
        task = await pending(stream.write_all(b"x" * MUCH))
        assert runtime.metrics().tasks_pending == 1
        task.cancel()
        await until(lambda: runtime.metrics().tasks_pending == 0)
