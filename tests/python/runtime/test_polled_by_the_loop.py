"""Short reads of tokio's are polled by the event loop, until it stands still or is closed: then by tokio.

The other runtimes poll them themselves. Python sees no difference, so all of them are tried.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from crossawait import Runtime, Stream
from event_loops import asyncio_only
from sockets import connected, with_peer
from tasks import Task, awaited_by, cancel, let_runtime_poll, pending

LONG = 1 << 20

READS: list[tuple[str, tuple[Any, ...]]] = [
    ("read", (1000,)),
    ("read", (LONG,)),
    ("read_exactly", (5,)),
    ("read_until", (b"o",)),
    # Longer than what the loop polls.
    ("read_exactly", (LONG,)),
    ("read_until", (b"o", LONG)),
]

any_read = pytest.mark.parametrize(("verb", "arguments"), READS)


def needed(verb: str, arguments: tuple[Any, ...]) -> bytes:
    """Return what such a read waits for."""
    return b"x" * LONG if (verb, arguments) == ("read_exactly", (LONG,)) else b"hello"


@asyncio_only
@any_read
async def test_it_ends_when_its_bytes_have_come(
    runtime: Runtime, verb: str, arguments: tuple[Any, ...]
) -> None:
    async with with_peer(runtime) as (stream, peer):
        for _ in range(3):
            task: Task[bytes] = await pending(getattr(stream, verb)(*arguments))
            before = runtime.metrics().completions
            await asyncio.gather(asyncio.to_thread(peer.sendall, needed(verb, arguments)), task)
            assert task.result() == needed(verb, arguments)
            # The loop is told to poll it, and that it has settled: of another runtime's, the latter alone.
            by_loop = runtime.metrics().runtime == "tokio" and (verb == "read" or LONG not in arguments)
            assert (runtime.metrics().completions - before > 1) == by_loop


# On trio, nothing that the library yields has `wait`.
@asyncio_only
@any_read
async def test_a_wait_on_the_loops_own_thread_leaves_it_to_the_runtime(
    runtime: Runtime, verb: str, arguments: tuple[Any, ...]
) -> None:
    async with with_peer(runtime) as (stream, peer):
        task: Task[bytes] = await pending(getattr(stream, verb)(*arguments))
        sending = asyncio.get_running_loop().run_in_executor(None, peer.sendall, needed(verb, arguments))
        assert awaited_by(task.get_coro()).wait(30) is not None
        assert await task == needed(verb, arguments)
        await sending


async def test_one_that_was_left_to_the_runtime_is_cancelled_there(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, peer):
        task = await pending(stream.read(1000))
        let_runtime_poll(awaited_by(task.get_coro()))
        await cancel(task)
        peer.sendall(b"hello")
        assert await stream.read(1000) == b"hello"


def test_one_that_is_pending_when_its_loop_is_closed_goes_on(runtime: Runtime) -> None:
    async def begin() -> tuple[Stream, socket.socket, Any, Any]:
        stream, peer = await connected(runtime)
        coroutine: Any = stream.read(1000)
        return stream, peer, coroutine, coroutine.send(None)

    stream, peer, coroutine, awaitable = asyncio.run(begin())
    with peer:
        peer.sendall(b"hello")
        awaitable.wait(30)
        with pytest.raises(StopIteration) as ended:
            coroutine.send(None)
    assert ended.value.value == b"hello"
    asyncio.run(close(stream))


def test_one_that_is_cancelled_gives_its_turn_back_although_the_loop_stands_still(runtime: Runtime) -> None:
    async def begin() -> tuple[Stream, socket.socket]:
        stream, peer = await connected(runtime)
        await cancel(await pending(stream.read(1000)))
        return stream, peer

    async def go_on(stream: Stream) -> bytes:
        async with stream:
            return await stream.read(1000)

    loop = asyncio.new_event_loop()
    try:
        stream, peer = loop.run_until_complete(begin())
        with peer:
            peer.sendall(b"hello")
            # It is not closed, and turns no more.
            assert asyncio.run(asyncio.wait_for(go_on(stream), 30)) == b"hello"
    finally:
        loop.close()


async def close(stream: Stream) -> None:
    await stream.close()
