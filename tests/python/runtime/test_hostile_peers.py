"""Peers that send what they like, in whatever pieces, while a reader asks for what it likes.

What is sent and asked for is random, but the same in each run.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.to_thread import run_sync
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crossawait import Runtime, Stream
from event_loops import HANGS, Run
from sockets import reset, with_peer
from tasks import spawn

bounded = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    # Loop and runtime are the same for all examples, on purpose.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)

# Separators are found, half found, and found across pieces.
data = st.lists(st.sampled_from([b"a", b"a", b"a", b"\r", b"\n", b"\r\n"]), max_size=40).map(b"".join)
large = st.integers(1, 300_000).map(lambda count: b"a" * count)


@dataclass(frozen=True)
class Read:
    """One that a reader may ask for."""

    kind: str
    count: int
    separator: bytes

    async def ask(self, stream: Stream) -> bytes:
        """Ask for it."""
        if self.kind == "some":
            return await stream.read(self.count)
        if self.kind == "exactly":
            return await stream.read_exactly(self.count)
        return await stream.read_until(self.separator, self.count)

    def expected(self, left: bytes) -> tuple[Any, ...]:
        """What has to come of it, if all the peer sends, and then its end, is there."""
        if self.kind == "exactly":
            short = len(left) < self.count
            return ("incomplete", left, self.count) if short else ("value", left[: self.count])
        at = left.find(self.separator)
        if at > self.count:
            return ("overrun",)
        if at >= 0:
            return "value", left[: at + len(self.separator)]
        # As much as cannot be the beginning of a separator.
        in_vain = len(left) + 1 - len(self.separator)
        return ("overrun",) if in_vain > self.count else ("incomplete", left, None)


reads = st.builds(
    Read,
    st.sampled_from(["some", "exactly", "until"]),
    st.one_of(st.integers(1, 50), st.integers(1, 200_000)),
    st.sampled_from([b"\n", b"\r\n", b"\r\n\r\n", b"b"]),
)


async def outcome(read: Read, stream: Stream) -> tuple[Any, ...]:
    try:
        return "value", await read.ask(stream)
    except asyncio.IncompleteReadError as error:
        return "incomplete", error.partial, error.expected
    except asyncio.LimitOverrunError:
        return ("overrun",)


def send(peer: socket.socket, pieces: list[bytes]) -> None:
    for piece in pieces:
        peer.sendall(piece)
    peer.shutdown(socket.SHUT_WR)


@bounded
@given(pieces=st.lists(st.one_of(data, data, large), max_size=6), asked=st.lists(reads, max_size=8))
def test_every_read_is_right_whatever_comes(
    run: Run, runtime: Runtime, pieces: list[bytes], asked: list[Read]
) -> None:
    async def main() -> None:
        async with with_peer(runtime) as (stream, peer):
            sending = spawn(run_sync(send, peer, pieces))
            left = b"".join(pieces)
            for read in asked:
                result = await outcome(read, stream)
                if read.kind == "some":
                    assert result[0] == "value"
                    assert left.startswith(result[1])
                    assert (1 if left else 0) <= len(result[1]) <= read.count
                else:
                    assert result == read.expected(left)
                left = left if result[0] == "overrun" else left[len(result[1]) :]
            while left:
                some = await stream.read(1 << 16)
                assert some
                assert left.startswith(some)
                left = left[len(some) :]
            assert await stream.read(1) == b""
            await sending

    run(main())


async def test_a_peer_that_sends_without_end_keeps_nobody_else_waiting(runtime: Runtime) -> None:
    def flood() -> None:
        try:
            while True:
                peer.sendall(bytes(1 << 16))
        except OSError:
            # The other end has seen enough.
            pass

    async with with_peer(runtime) as (stream, peer):
        flooding = spawn(run_sync(flood))
        with anyio.fail_after(HANGS):
            for _ in range(3):
                turn = anyio.Event()
                waker = spawn(runtime.sleep(0.001))
                task = spawn(_set(waker, turn))
                while not turn.is_set():
                    await stream.read(1)
                await task
        await stream.close()
        reset(peer)
        await flooding


async def _set(after: Any, event: anyio.Event) -> None:
    await after
    event.set()
