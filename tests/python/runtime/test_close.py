"""Closing a stream: what it does to the other end, to what is pending, and to later use."""

from __future__ import annotations

import errno
import gc
import socket
from pathlib import Path
from typing import Any

import pytest

from crossawait import Runtime, Stream
from sockets import host_and_port, pair, receive_all, with_peer
from tasks import cancel, ended, gather, gives_none, pending

USES: dict[str, tuple[Any, ...]] = {
    "read": (1,),
    "read_exactly": (1,),
    "read_until": (b"\n",),
    "write_all": (b"x",),
}


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_the_other_end_sees_the_end_after_everything_that_was_written(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        await stream.write_all(b"x" * 100_000)
        assert await gives_none(stream.close())
        assert receive_all(peer) == b"x" * 100_000


async def fail_within(stream: Stream) -> None:
    async with stream as entered:
        assert entered is stream
        raise LookupError


async def test_async_with_closes_also_when_its_body_fails(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        with pytest.raises(LookupError):
            await fail_within(stream)
        assert peer.recv(1) == b""
        with pytest.raises(OSError, match="closed"):
            await stream.read(1)


@pytest.mark.parametrize("verb", USES)
async def test_use_after_close_says_so(runtime: Runtime, verb: str) -> None:
    async with with_peer(runtime) as (stream, peer):
        peer.sendall(b"unread\n")
        await stream.close()
        with pytest.raises(OSError, match="the stream is closed") as caught:
            await getattr(stream, verb)(*USES[verb])
        assert caught.value.errno == errno.EBADF


async def test_closing_twice_and_from_two_tasks_is_no_error(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, _):
        assert [*await gather(stream.close(), stream.close())] == [None, None]
        assert await gives_none(stream.close())


@pytest.mark.parametrize("verb", ["read", "read_exactly", "read_until"])
async def test_a_read_that_waits_raises_when_the_stream_is_closed(runtime: Runtime, verb: str) -> None:
    async with with_peer(runtime) as (stream, _):
        tasks = [await pending(getattr(stream, verb)(*USES[verb])) for _ in range(3)]
        await stream.close()
        for task in tasks:
            error = await ended(task)
            assert isinstance(error, OSError)
            assert error.errno == errno.EBADF


async def test_a_write_that_waits_raises_when_the_stream_is_closed(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, _):
        tasks = [await pending(stream.write_all(b"x" * (48 << 20))) for _ in range(2)]
        await stream.close()
        for task in tasks:
            error = await ended(task)
            assert isinstance(error, OSError)
            assert error.errno == errno.EBADF


async def test_a_coroutine_made_before_the_close_and_awaited_after_it_raises(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, _):
        reading = stream.read(1)
        await stream.close()
        with pytest.raises(OSError, match="the stream is closed"):
            await reading


async def test_addresses_outlive_the_connection(runtime: Runtime) -> None:
    async with pair(runtime) as (client, server):
        addresses = client.local_address, client.peer_address
    assert addresses == (client.local_address, client.peer_address)
    assert addresses == (server.peer_address, server.local_address)


async def test_a_closed_stream_gives_its_descriptor_back_though_somebody_keeps_it(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        # Waits for sure, which gives the loop a descriptor: the rest may be ready before it needs one.
        await cancel(await pending(runtime.sleep(60)))
        # What earlier tests have left to the collector.
        gc.collect()
        before = open_files()
        await stream.close()
        assert receive_all(peer) == b""
        assert open_files() == before - 1


async def test_a_stream_that_is_forgotten_closes(runtime: Runtime) -> None:
    async with await runtime.listen("127.0.0.1", 0) as listener:
        peer = socket.create_connection(host_and_port(listener))
        stream, _ = await listener.accept()
    with peer:
        del stream
        assert await runtime.run_blocking(peer.recv, 1) == b""
