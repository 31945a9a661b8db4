"""A read that is cancelled takes nothing with it, whenever the cancellation comes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from typing import Any

import pytest

from crossawait import Runtime
from sockets import with_peer
from tasks import ended, pending, wait_until, wait_until_settled


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    assert isinstance(await ended(task), asyncio.CancelledError)


async def test_a_read_that_timed_out_takes_nothing(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stream.read(1000), 0.01)
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
            peer.sendall(b"hello")
            wait_until_settled(task)
            # The task stays referred to, as in code that keeps a list of its tasks.
            await cancel(task)
            assert await stream.read(1000) == b"hello"


async def test_a_thrown_away_coroutine_gives_back_what_it_had_received(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        coroutine: Any = stream.read(1000)
        awaitable = coroutine.send(None)
        peer.sendall(b"hello")
        wait_until(awaitable.done)
        coroutine.close()
        assert await stream.read(1000) == b"hello"


async def test_the_part_that_a_cancelled_read_exactly_has_received_stays(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        task = await pending(stream.read_exactly(10))
        peer.sendall(b"1234")
        await runtime.sleep(0.005)
        await cancel(task)
        peer.sendall(b"56")
        assert await stream.read_exactly(6) == b"123456"


async def test_a_cancelled_search_does_not_hide_another_separator(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        task = await pending(stream.read_until(b"\0"))
        peer.sendall(b"one\ntwo\n")
        await runtime.sleep(0.005)
        await cancel(task)
        assert [await stream.read_until(b"\n") for _ in range(2)] == [b"one\n", b"two\n"]


async def test_a_cancelled_search_does_not_hide_a_longer_separator(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        task = await pending(stream.read_until(b"x"))
        peer.sendall(b"one\r")
        await runtime.sleep(0.005)
        await cancel(task)
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
    kept: list[asyncio.Task[bytes]] = []
    async with with_peer(runtime) as (stream, peer):
        for start in range(0, len(sent), 5):
            task = asyncio.ensure_future(stream.read(chance.randrange(1, 12)))
            await asyncio.sleep(0)
            peer.sendall(sent[start : start + 5])
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            task.cancel()
            if await ended(task) is None:
                received += task.result()
            if start % 3:
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
            for start in range(0, len(sent), 5):
                peer.sendall(sent[start : start + 5])
            peer.shutdown(socket.SHUT_WR)

        sending = asyncio.ensure_future(runtime.run_blocking(send))
        while len(received) < len(sent):
            with contextlib.suppress(asyncio.TimeoutError):
                received += await asyncio.wait_for(stream.read(7), 0.0001)
        await sending
    assert received == sent
