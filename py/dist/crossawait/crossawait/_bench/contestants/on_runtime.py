"""One of the installed runtimes, on one of the event loops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from crossawait import _select
from crossawait._bench.contestants.base import HOST, Connection, Contestant, Promise, Talk, Unsupported
from crossawait._bench.loops import Tasks
from crossawait._types import Runtime, Stream


class OnRuntime(Contestant):
    """What the runtime's package offers."""

    def __init__(self, name: str, loop: str, tasks: Tasks) -> None:
        super().__init__(loop, tasks)
        self.name = name
        self._awaitable: Callable[[], Awaitable[object]] = _select.load(name).Awaitable
        self._runtime: Runtime

    async def __aenter__(self) -> None:
        """Start the runtime."""
        await super().__aenter__()
        self._runtime = await self._open.enter_async_context(Runtime(self.name))

    def settled(self) -> Awaitable[object]:
        """Settle an awaitable made by hand."""
        promise = self._awaitable()
        promise.set_result(None)  # type: ignore[attr-defined]
        return promise

    def promise(self) -> Promise:
        """Make an awaitable, which any thread may settle itself."""
        promise = self._awaitable()
        return Promise(lambda: promise, partial(promise.set_result, None))  # type: ignore[attr-defined]

    def yield_now(self) -> Awaitable[None]:
        """Cross to the runtime and back."""
        return self._runtime.yield_now()

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Sleep on the runtime's timers."""
        return self._runtime.sleep(seconds)

    def call(self, function: Callable[[], object]) -> Awaitable[object]:
        """Run it in the runtime's blocking pool."""
        return self._runtime.run_blocking(function)

    async def start_and_stop(self) -> None:
        """Start another runtime of the kind, and cross to it once."""
        async with Runtime(self.name) as runtime:
            await runtime.yield_now()

    async def listen(self, handle: Callable[[Connection], Awaitable[None]]) -> tuple[str, int]:
        """Start a server over the runtime's sockets."""
        listener = await self._open.enter_async_context(await self._runtime.listen(HOST, 0))

        async def serve() -> None:
            async for stream, _ in listener:
                self.tasks.spawn(partial(serve_one, stream))

        async def serve_one(stream: Stream) -> None:
            async with stream:
                await handle(connection(stream))

        self.tasks.spawn(serve)
        return str(listener.address[0]), int(listener.address[1])

    async def connect(self, address: tuple[str, int]) -> Connection:
        """Connect with the runtime's sockets."""
        return connection(await self._open.enter_async_context(await self._runtime.connect(*address)))

    async def talk_without_python(self) -> Talk:
        """Have the runtime do all of it."""
        connect: Any = getattr(self._runtime, "_echo", None)
        if connect is None:
            raise Unsupported("its package has no sockets that talk without Python")
        talk: Talk = (await connect()).talk
        return talk


def connection(stream: Stream) -> Connection:
    """Return the methods of a stream."""
    return Connection(stream.read, stream.read_exactly, partial(stream.read_until, b"\n"), stream.write_all)
