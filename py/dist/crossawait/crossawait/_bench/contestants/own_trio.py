"""trio by itself: its checkpoints, timers, threads and sockets."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from crossawait._bench.contestants.base import HOST, Connection, Contestant, Promise, Unsupported
from crossawait._bench.loops import Tasks


class OwnTrio(Contestant):
    """What a program of trio's would use without any runtime."""

    def __init__(self, loop: str, tasks: Tasks) -> None:
        super().__init__(loop, tasks)
        self._trio: Any = importlib.import_module("trio")

    def settled(self) -> Awaitable[object]:
        """Set an event: trio has no futures."""
        event = self._trio.Event()
        event.set()
        waiting: Awaitable[object] = event.wait()
        return waiting

    def promise(self) -> Promise:
        """Have the loop set an event."""
        event = self._trio.Event()
        token = self._trio.lowlevel.current_trio_token()
        return Promise(event.wait, lambda: token.run_sync_soon(event.set))

    def yield_now(self) -> Awaitable[None]:
        """Pass a checkpoint: the least that suspends a task."""
        waiting: Awaitable[None] = self._trio.lowlevel.checkpoint()
        return waiting

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Sleep on trio's timers."""
        waiting: Awaitable[None] = self._trio.sleep(seconds)
        return waiting

    def call(self, function: Callable[[], object]) -> Awaitable[object]:
        """Run it in one of trio's threads."""
        waiting: Awaitable[object] = self._trio.to_thread.run_sync(function)
        return waiting

    async def start_and_stop(self) -> None:
        """Do nothing, since trio keeps its threads for ever."""
        raise Unsupported("trio's threads are never stopped")

    async def listen(self, handle: Callable[[Connection], Awaitable[None]]) -> tuple[str, int]:
        """Start a server over trio's streams."""
        listeners = await self._trio.open_tcp_listeners(0, host=HOST, backlog=1024)

        async def serve(stream: Any) -> None:
            async with stream:
                await handle(connection(stream))

        self.tasks.spawn(partial(self._trio.serve_listeners, serve, listeners))
        host, port = listeners[0].socket.getsockname()
        return host, port

    async def connect(self, address: tuple[str, int]) -> Connection:
        """Connect with trio's streams."""
        stream = await self._trio.open_tcp_stream(*address)
        self._open.push_async_callback(stream.aclose)
        return connection(stream)


def connection(stream: Any) -> Connection:
    """Return the stream; trio has neither lines nor exact reads, so a loop stands for the latter."""

    async def read_exactly(count: int) -> bytes:
        data: bytes = await stream.receive_some(count)
        while 0 < len(data) < count:
            data += await stream.receive_some(count - len(data))
        return data

    async def read_line() -> bytes:
        raise Unsupported("trio's streams have no lines")

    return Connection(stream.receive_some, read_exactly, read_line, stream.send_all)
