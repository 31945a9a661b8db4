"""Connections for tests: a stream of the runtime's, and at the other end a stream or an ordinary socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crossawait import Listener, Runtime, Stream
from event_loops import HANGS

LOCALHOST = "127.0.0.1"


def host_and_port(listener: Listener) -> tuple[str, int]:
    """Return what `connect` needs to reach a TCP listener."""
    address = listener.address
    assert isinstance(address, tuple)
    return address[0], address[1]


async def connected(runtime: Runtime) -> tuple[Stream, socket.socket]:
    """Return a stream, and a blocking socket at its other end: what that does needs no loop."""
    async with await runtime.listen(LOCALHOST, 0) as listener:
        # With a time limit, since it holds the loop up and nothing could end it.
        peer = socket.create_connection(host_and_port(listener), HANGS)
        stream, _ = await listener.accept()
    return stream, peer


@asynccontextmanager
async def with_peer(runtime: Runtime) -> AsyncIterator[tuple[Stream, socket.socket]]:
    """What `connected` returns, closed in the end."""
    stream, peer = await connected(runtime)
    with peer:
        async with stream:
            yield stream, peer


@asynccontextmanager
async def pair(runtime: Runtime) -> AsyncIterator[tuple[Stream, Stream]]:
    """Two connected streams of the runtime's."""
    async with await runtime.listen(LOCALHOST, 0) as listener:
        client = await runtime.connect(*host_and_port(listener))
        server, _ = await listener.accept()
    async with client, server:
        yield client, server


def reset(peer: socket.socket) -> None:
    """Close a socket so that the other end sees a reset instead of an end."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def receive_all(peer: socket.socket) -> bytes:
    """Receive until the other end closes."""
    received = bytearray()
    while chunk := peer.recv(1 << 16):
        received += chunk
    return bytes(received)


def receive(peer: socket.socket, count: int) -> bytes:
    """Receive exactly so many bytes."""
    received = bytearray()
    while len(received) < count:
        chunk = peer.recv(min(1 << 16, count - len(received)))
        assert chunk, "the connection ended early"
        received += chunk
    return bytes(received)
