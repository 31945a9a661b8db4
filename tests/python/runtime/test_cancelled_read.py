"""A read that is cancelled takes nothing with it, whenever the cancellation comes."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from crossawait import Runtime, Stream
from event_loops import asyncio_only
from sockets import with_peer
from tasks import (
    Task,
    awaited_by,
    cancel,
    cancel_late,
    ended,
    let_runtime_poll,
    pending,
    spawn,
    wait_until,
    wait_until_settled,
    within,
)


async def having_received(
    stream: Stream, peer: socket.socket, data: bytes, read: Coroutine[Any, Any, bytes]
) -> Task[bytes]:
    """Send data that is not enough for a read; return its task when the read has taken all of it."""
    with the_socket_of(stream) as receiving:
        peer.sendall(data)
        wait_until(lambda: has_unread(receiving))
        task = await pending(read)
        let_runtime_poll(awaited_by(read))
        wait_until(lambda: not has_unread(receiving))
    return task


def the_socket_of(stream: Stream) -> socket.socket:
    """Return another handle of the socket that a stream reads from."""
    for path in Path("/dev/fd").iterdir():
        if path.is_socket():
            # Most are not connected, and any may be closed by its owner at this moment.
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(path.name))) as found:
                if (found.getsockname(), found.getpeername()) == (stream.local_address, stream.peer_address):
                    return socket.socket(fileno=found.detach())
    raise LookupError


def has_unread(receiving: socket.socket) -> bool:
    """Tell whether bytes have arrived that nobody has read."""
    try:
        return bool(receiving.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


async def test_a_read_that_timed_out_takes_nothing(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        with pytest.raises(TimeoutError):
            await within(0.01, stream.read(1000))
        peer.sendall(b"later")
        assert await stream.read(1000) == b"later"


@pytest.mark.parametrize(("verb", "argument"), [("read", 1000), ("read_exactly", 5), ("read_until", b"o")])
async def test_what_came_before_the_cancellation_was_seen_stays(
    runtime: Runtime, verb: str, argument: Any
) -> None:
    # The bytes have come and the read has settled, its task has not been told: later no cancellation can be.
    async with with_peer(runtime) as (stream, peer):
        for _ in range(5):
            task = await pending(getattr(stream, verb)(argument))
            let_runtime_poll(awaited_by(task.get_coro()))
            peer.sendall(b"hello")
            wait_until_settled(task)
            # The task stays referred to, as in code that keeps a list of its tasks.
            read = await (stream.read(1000) if await cancel_late(task) else task)
            assert read == b"hello"


# On trio, as with its own coroutines, only a task may take the first step.
@asyncio_only
async def test_a_thrown_away_coroutine_gives_back_what_it_had_received(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        coroutine: Any = stream.read(1000)
        awaitable = coroutine.send(None)
        let_runtime_poll(awaitable)
        peer.sendall(b"hello")
        wait_until(awaitable.done)
        coroutine.close()
        assert await stream.read(1000) == b"hello"


async def test_the_part_that_a_cancelled_read_exactly_has_received_stays(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        await cancel(await having_received(stream, peer, b"1234", stream.read_exactly(10)))
        peer.sendall(b"56")
        assert await stream.read_exactly(6) == b"123456"


async def test_a_cancelled_search_does_not_hide_another_separator(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        await cancel(await having_received(stream, peer, b"one\ntwo\n", stream.read_until(b"\0")))
        assert [await stream.read_until(b"\n") for _ in range(2)] == [b"one\n", b"two\n"]


async def test_a_cancelled_search_does_not_hide_a_longer_separator(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        await cancel(await having_received(stream, peer, b"one\r", stream.read_until(b"x")))
        peer.sendall(b"\n")
        assert await stream.read_until(b"\r\n") == b"one\r\n"


async def test_a_read_waiting_for_its_turn_gets_it_when_the_one_before_is_cancelled(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        first, second, third = [await pending(stream.read(1000)) for _ in range(3)]
        await cancel(first)
        await cancel(third)
        peer.sendall(b"for the second")
        assert await second == b"for the second"


async def test_cancellation_racing_with_arrival_loses_nothing(runtime: Runtime) -> None:
    chance = random.Random(1)
    sent = b"".join(b"%05d" % number for number in range(1000))
    received = bytearray()
    kept: list[Task[bytes]] = []
    async with with_peer(runtime) as (stream, peer):
        for place in range(0, len(sent), 5):
            task = spawn(stream.read(chance.randrange(1, 12)))
            await checkpoint()
            peer.sendall(sent[place : place + 5])
            for _ in range(chance.randrange(3)):
                await checkpoint()
            task.cancel()
            if await ended(task) is None:
                received += task.result()
            if place % 3:
                kept.append(task)
        peer.shutdown(socket.SHUT_WR)
        while data := await stream.read(1 << 16):
            received += data
    assert received == sent


async def test_timeouts_racing_with_arrival_lose_nothing(runtime: Runtime) -> None:
    sent = b"".join(b"%05d" % number for number in range(300))
    received = bytearray()
    async with with_peer(runtime) as (stream, peer):

        def send() -> None:
            for place in range(0, len(sent), 5):
                peer.sendall(sent[place : place + 5])
            peer.shutdown(socket.SHUT_WR)

        sending = spawn(runtime.run_blocking(send))
        while len(received) < len(sent):
            with contextlib.suppress(TimeoutError):
                received += await within(0.0001, stream.read(7))
        await sending
    assert received == sent
