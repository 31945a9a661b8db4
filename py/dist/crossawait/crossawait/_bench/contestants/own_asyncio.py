"""asyncio by itself: its futures, timers, executor and streams, on whichever loop runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from crossawait._bench.contestants.base import HOST, Connection, Contestant, Promise


class OwnAsyncio(Contestant):
    """The event loop's own future, timers, threads and streams."""

    def settled(self) -> Awaitable[object]:
        """Settle one of the loop's futures."""
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def promise(self) -> Promise:
        """Have the loop settle its own future, since no other thread may."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()
        return Promise(lambda: future, lambda: loop.call_soon_threadsafe(future.set_result, None))

    def yield_now(self) -> Awaitable[None]:
        """Return a future that a callback settles: no thread is crossed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        loop.call_soon(future.set_result, None)
        return future

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Sleep on the loop's timers."""
        return asyncio.sleep(seconds)

    def call(self, function: Callable[[], object]) -> Awaitable[object]:
        """Run it in the loop's default executor."""
        return asyncio.get_running_loop().run_in_executor(None, function)

    async def start_and_stop(self) -> None:
        """Use an executor once."""
        executor = ThreadPoolExecutor()
        await asyncio.get_running_loop().run_in_executor(executor, int)
        executor.shutdown()

    async def listen(self, handle: Callable[[Connection], Awaitable[None]]) -> tuple[str, int]:
        """Start a server over asyncio's streams."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await handle(connection(reader, writer))
            finally:
                writer.close()

        server = await asyncio.start_server(serve, HOST, 0, backlog=1024)
        self._open.callback(server.close)
        host, port = server.sockets[0].getsockname()
        return host, port

    async def connect(self, address: tuple[str, int]) -> Connection:
        """Connect with asyncio's streams."""
        reader, writer = await asyncio.open_connection(*address)

        async def hang_up() -> None:
            writer.close()
            await writer.wait_closed()

        self._open.push_async_callback(hang_up)
        return connection(reader, writer)


def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Connection:
    """Return the two as one."""

    async def write(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    return Connection(reader.read, reader.readexactly, reader.readline, write)
