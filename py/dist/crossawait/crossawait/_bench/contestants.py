"""Who is compared: asyncio itself, and each installed runtime, behind the same few operations."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from types import TracebackType

from crossawait._types import Runtime, Stream

HOST = "127.0.0.1"
MESSAGE = b"x" * 100

# One request and its reply over one connection.
Exchange = Callable[[], Awaitable[bytes]]


class Contestant(abc.ABC):
    """Operations to be timed. As a context it ends its servers, connections and threads."""

    name: str

    def __init__(self) -> None:
        self._open = AsyncExitStack()
        self._exchanges: list[Exchange] = []

    async def __aenter__(self) -> None:
        self._open = AsyncExitStack()
        self._exchanges = []

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    @abc.abstractmethod
    def no_op(self) -> Awaitable[None]:
        """Finish something later that takes no time itself."""

    @abc.abstractmethod
    def sleep(self, seconds: float) -> Awaitable[None]:
        """Sleep on a timer."""

    async def exchanges(self, connections: int) -> list[Exchange]:
        """Return so many connections to an echo server; made the first time."""
        if not self._exchanges:
            self._exchanges = await self.connect(connections)
        return self._exchanges

    @abc.abstractmethod
    async def connect(self, connections: int) -> list[Exchange]:
        """Start an echo server, and connections to it."""


class Asyncio(Contestant):
    """The event loop's own future, timers and streams."""

    name = "asyncio"

    def no_op(self) -> Awaitable[None]:
        """Return a future that a callback settles: no thread is crossed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        loop.call_soon(future.set_result, None)
        return future

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Sleep on the loop's timers."""
        return asyncio.sleep(seconds)

    async def connect(self, connections: int) -> list[Exchange]:
        """Start an echo server over asyncio's streams, and connections to it."""

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1000):
                writer.write(data)
                await writer.drain()
            writer.close()

        async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
            writer.write(MESSAGE)
            await writer.drain()
            return await reader.read(1000)

        async def hang_up(writer: asyncio.StreamWriter) -> None:
            writer.close()
            await writer.wait_closed()

        server = await self._open.enter_async_context(await asyncio.start_server(echo, HOST, 0))
        exchanges: list[Exchange] = []
        for _ in range(connections):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            self._open.push_async_callback(hang_up, writer)
            exchanges.append(partial(exchange, reader, writer))
        return exchanges


class OnRuntime(Contestant):
    """One of the installed runtimes."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._runtime: Runtime

    async def __aenter__(self) -> None:
        """Start the runtime."""
        await super().__aenter__()
        self._runtime = await self._open.enter_async_context(Runtime(self.name))

    def no_op(self) -> Awaitable[None]:
        """Cross to the runtime and back."""
        return self._runtime.yield_now()

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Sleep on the runtime's timers."""
        return self._runtime.sleep(seconds)

    async def connect(self, connections: int) -> list[Exchange]:
        """Start an echo server over the runtime's sockets, and connections to it."""

        async def serve() -> None:
            async for stream, _ in listener:
                self._open.push_async_callback(ended, asyncio.create_task(echo(stream)))

        async def echo(stream: Stream) -> None:
            while data := await stream.read(1000):
                await stream.write_all(data)

        async def exchange(stream: Stream) -> bytes:
            await stream.write_all(MESSAGE)
            return await stream.read(1000)

        async def ended(task: asyncio.Task[None]) -> None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        listener = await self._open.enter_async_context(await self._runtime.listen(HOST, 0))
        self._open.push_async_callback(ended, asyncio.create_task(serve()))
        host, port = str(listener.address[0]), int(listener.address[1])
        streams = [
            await self._open.enter_async_context(await self._runtime.connect(host, port))
            for _ in range(connections)
        ]
        return [partial(exchange, stream) for stream in streams]
