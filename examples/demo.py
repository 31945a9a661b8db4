"""The main job on every installed runtime, and then a comparison with asyncio's own streams.

First, on each runtime: a TCP server, and clients that do `data = await stream.read(1000)`. Then the same echo
work on each runtime and on asyncio, in rounds that take turns, so that a busy machine disturbs everybody
alike.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import crossawait

HOST = "127.0.0.1"
MESSAGE = b"x" * 100
CONNECTIONS = 20
REQUESTS = 250
ROUNDS = 7


async def show(name: str) -> None:
    """A server and three clients on one runtime, saying what happens."""
    async with crossawait.Runtime(name) as runtime, await runtime.listen(HOST, 0) as listener:
        print(f"\n{name}: listening on {listener.address}")
        server = asyncio.create_task(greet(listener))
        await asyncio.gather(*(ask(runtime, listener.address, guest) for guest in ("Ada", "Grace", "Edsger")))
        await stop(server)
        metrics = runtime.metrics()
        print(
            f"{name}: {metrics.tasks_spawned} tasks on {metrics.worker_threads} worker threads,"
            f" {metrics.completions_per_wake:.1f} completions for each wake of the event loop"
        )


async def greet(listener: crossawait.Listener) -> None:
    """Answers every connection with a greeting."""
    async for stream, _address in listener:
        async with stream:
            guest = await stream.read(1000)
            await stream.write_all(b"Good day, " + guest)


async def ask(runtime: crossawait.Runtime, address: object, guest: str) -> None:
    """Connects, says who is there, and prints what comes back."""
    async with await runtime.connect(*host_and_port(address)) as stream:
        await stream.write_all(guest.encode())
        data = await stream.read(1000)
        print(f"  {guest} at {stream.local_address} read {data!r}")


# One request and its reply over one connection.
Exchange = Callable[[], Awaitable[bytes]]


@asynccontextmanager
async def echo_on_runtime(name: str) -> AsyncIterator[list[Exchange]]:
    """An echo server and its connections on a runtime."""

    async def serve(listener: crossawait.Listener) -> None:
        async for stream, _address in listener:
            sessions.append(asyncio.create_task(echo(stream)))

    async def echo(stream: crossawait.Stream) -> None:
        while data := await stream.read(1000):
            await stream.write_all(data)

    async def exchange(stream: crossawait.Stream) -> bytes:
        await stream.write_all(MESSAGE)
        return await stream.read(1000)

    sessions: list[asyncio.Task[None]] = []
    async with crossawait.Runtime(name) as runtime, await runtime.listen(HOST, 0) as listener:
        server = asyncio.create_task(serve(listener))
        streams = [await runtime.connect(*host_and_port(listener.address)) for _ in range(CONNECTIONS)]
        yield [partial(exchange, stream) for stream in streams]
        for stream in streams:
            await stream.close()
        await asyncio.gather(*sessions)
        await stop(server)


@asynccontextmanager
async def echo_on_asyncio() -> AsyncIterator[list[Exchange]]:
    """The same with asyncio's own streams."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(MESSAGE)
        await writer.drain()
        return await reader.read(1000)

    async with await asyncio.start_server(echo, HOST, 0) as server:
        host, port = server.sockets[0].getsockname()
        streams = [await asyncio.open_connection(host, port) for _ in range(CONNECTIONS)]
        yield [partial(exchange, reader, writer) for reader, writer in streams]
        for _reader, writer in streams:
            writer.close()
            await writer.wait_closed()


@dataclass
class Contestant:
    """One way to do the echo work, and what was measured of it."""

    name: str
    connections: AbstractAsyncContextManager[list[Exchange]]
    exchanges: list[Exchange] = field(default_factory=list)
    threads: int = 1  # the event loop's; a runtime's own come on top
    rates: list[float] = field(default_factory=list)

    async def round(self) -> float:
        """Returns how many requests were answered in a second."""
        start = time.perf_counter()
        await asyncio.gather(*map(talk, self.exchanges))
        return CONNECTIONS * REQUESTS / (time.perf_counter() - start)


async def talk(exchange: Exchange) -> None:
    """Sends the requests of one connection, one after the other."""
    for _ in range(REQUESTS):
        reply = await exchange()
        if reply != MESSAGE:
            raise ConnectionError(f"the echo came back as {len(reply)} bytes")


async def compare(names: tuple[str, ...]) -> None:
    """Measures every runtime and asyncio in rounds that take turns, and prints a table."""
    contestants = [Contestant("asyncio", echo_on_asyncio())]
    contestants += [Contestant(name, echo_on_runtime(name)) for name in names]
    async with AsyncExitStack() as stack:
        for contestant in contestants:
            before = threads()
            contestant.exchanges = await stack.enter_async_context(contestant.connections)
            await contestant.round()  # not counted: threads start, caches fill
            contestant.threads += threads() - before
        for _ in range(ROUNDS):
            for contestant in contestants:
                contestant.rates.append(await contestant.round())

    print(
        f"{CONNECTIONS * REQUESTS:,} echo requests of {len(MESSAGE)} bytes over {CONNECTIONS} connections,"
        f" server and clients in this process;\nmedian of {ROUNDS} rounds that took turns:\n\n"
        f"  {'':10}{'requests/s':>12}{'asyncio = 1':>13}{'threads':>9}"
    )
    floor = statistics.median(contestants[0].rates)
    for contestant in contestants:
        rate = statistics.median(contestant.rates)
        print(f"  {contestant.name:10}{rate:12,.0f}{rate / floor:13.2f}{contestant.threads:9}")


def threads() -> int:
    """Returns the number of threads of this process; where the system does not tell, of Python's threads."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()


def host_and_port(address: object) -> tuple[str, int]:
    """Returns the first two parts of a TCP socket's address."""
    match address:
        case (str(host), int(port), *_):
            return host, port
    raise TypeError(f"not the address of a TCP socket: {address!r}")


async def stop(task: asyncio.Task[None]) -> None:
    """Cancels a task and waits until it has ended."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def main() -> None:
    """Shows the main job on each installed runtime, then compares them."""
    names = crossawait.available()
    if not names:
        try:
            crossawait.runtime()
        except crossawait.RuntimeNotFoundError as error:
            sys.exit(f"demo: {error}")
    print(f"crossawait {crossawait.__version__} with {', '.join(names)}")
    for name in names:
        asyncio.run(show(name))
    print(f"\ncomparing {', '.join(names)} and asyncio ...", flush=True)
    asyncio.run(compare(names))


if __name__ == "__main__":
    main()
