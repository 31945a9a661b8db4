"""Python's own byte streams, on any loop, with an ordinary socket at the other end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import sniffio
import trio

from event_loops import HANGS

# Those of the loop's own library, and anyio's.
STREAMS = ("native", "anyio")


@asynccontextmanager
async def connected(
    streams: str, *, buffers: int | None = None
) -> AsyncIterator[tuple[Any, Any, socket.socket]]:
    """A reader and a writer, which may be one object, and a blocking socket that both are connected to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if buffers is not None:
            # What is accepted inherits it.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
        reader, writer = await connect(streams, listener.getsockname())
        peer, _ = listener.accept()
        peer.settimeout(HANGS)
    with peer:
        try:
            yield reader, writer, peer
        finally:
            await close(writer)


async def connect(streams: str, address: tuple[str, int]) -> tuple[Any, Any]:
    """Connect a stream of that kind."""
    if streams == "anyio":
        stream: Any = await anyio.connect_tcp(*address)
    elif sniffio.current_async_library() == "trio":
        stream = await trio.open_tcp_stream(*address)
    else:
        return await asyncio.open_connection(*address)
    return stream, stream


async def close(writer: Any) -> None:
    """Close it, whatever has happened to it."""
    if isinstance(writer, asyncio.StreamWriter):
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    else:
        await writer.aclose()


def send_all(peer: socket.socket, data: bytes) -> None:
    """Send everything, and then the end."""
    peer.sendall(data)
    peer.shutdown(socket.SHUT_WR)
