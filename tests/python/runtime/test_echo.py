"""Many connections at once, and connections to asyncio's own servers and clients."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import pytest

from crossawait import Listener, Runtime, Stream
from event_loops import asyncio_only, not_on_rloop
from sockets import LOCALHOST, host_and_port
from tasks import gather, spawn

CONNECTIONS = 1000

# So many are on their way at once: what does not fit a listener's queue is sent again seconds later.
CONNECTING = 100


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * CONNECTIONS + 100:
        pytest.skip("the system allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * CONNECTIONS + 100), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def echo(stream: Stream) -> None:
    async with stream:
        while data := await stream.read(1000):
            await stream.write_all(data)


async def serve(listener: Listener) -> int:
    tasks = []
    async for stream, _ in listener:
        tasks.append(spawn(echo(stream)))
    for task in tasks:
        await task
    return len(tasks)


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_connections_at_once(runtime: Runtime) -> None:
    everybody = anyio.Event()
    turn = anyio.Semaphore(CONNECTING)
    connected = 0

    async def talk(number: int) -> None:
        nonlocal connected
        async with turn:
            stream = await runtime.connect(*host_and_port(listener))
            message = b"this is client number %d" % number
            await stream.write_all(message)
            assert await stream.read_exactly(len(message)) == message
        async with stream:
            connected += 1
            if connected == CONNECTIONS:
                everybody.set()
            # All are open before the first one goes on.
            await everybody.wait()
            await stream.write_all(message)
            assert await stream.read_exactly(len(message)) == message

    async with await runtime.listen(LOCALHOST, 0) as listener:
        server = spawn(serve(listener))
        await gather(*[talk(number) for number in range(CONNECTIONS)])
        await listener.close()
        assert await server == CONNECTIONS


async def answer(answered: asyncio.Event, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()
    await writer.wait_closed()
    # Up to 3.11 waiting for a server to be closed does not wait for what it has begun.
    answered.set()


async def talk_to_asyncio(stream: Stream) -> None:
    async with stream:
        for line in (b"hello\n", b"x" * 60_000 + b"\n"):
            await stream.write_all(line)
            assert await stream.read_until(b"\n") == line.upper()


@asyncio_only
async def test_a_client_of_asyncios_server(runtime: Runtime) -> None:
    answered = asyncio.Event()
    server = await asyncio.start_server(partial(answer, answered), LOCALHOST, 0)
    await talk_to_asyncio(await runtime.connect(*server.sockets[0].getsockname()))
    await answered.wait()
    server.close()
    await server.wait_closed()


@asyncio_only
@not_on_rloop
async def test_a_client_of_asyncios_unix_server(runtime: Runtime, tmp_path: Path) -> None:
    answered = asyncio.Event()
    server = await asyncio.start_unix_server(partial(answer, answered), tmp_path / "socket")
    await talk_to_asyncio(await runtime.connect_unix(tmp_path / "socket"))
    await answered.wait()
    server.close()
    await server.wait_closed()


async def talk_to_us(listener: Listener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    stream, _ = await listener.accept()
    echoing = asyncio.create_task(echo(stream))
    writer.write(b"x" * 1_000_000)
    assert await reader.readexactly(1_000_000) == b"x" * 1_000_000
    writer.write_eof()
    assert await reader.read() == b""
    await echoing
    writer.close()
    await writer.wait_closed()


@asyncio_only
async def test_a_server_for_asyncios_client(runtime: Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener:
        await talk_to_us(listener, *await asyncio.open_connection(*host_and_port(listener)))


@asyncio_only
@not_on_rloop
async def test_a_unix_server_for_asyncios_client(runtime: Runtime, tmp_path: Path) -> None:
    async with await runtime.listen_unix(tmp_path / "socket") as listener:
        await talk_to_us(listener, *await asyncio.open_unix_connection(tmp_path / "socket"))
