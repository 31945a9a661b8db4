"""An event loop that is not asyncio's, in some sixty lines: callbacks and readers, no timers, no transports.

docs/awaitable.md goes through it. As a program it drives the awaitables of the extension in src.
"""

import asyncio
import contextlib
import contextvars
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ, DefaultSelector
from typing import Any


class Task:
    """A coroutine on its way: sent on whenever what it waits for has settled."""

    def __init__(self, loop: "Loop", coroutine: Coroutine[Any, Any, Any]) -> None:
        self._loop, self._coroutine, self._context = loop, coroutine, contextvars.copy_context()
        self.outcome: Future[Any] = Future()
        loop.call_soon(self._step, context=self._context)

    def _step(self, _settled: object = None) -> None:
        try:
            awaited = self._coroutine.send(None)
        except StopIteration as stop:
            self.outcome.set_result(stop.value)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - kept for whoever asks
            self.outcome.set_exception(error)
        else:
            if getattr(awaited, "_asyncio_future_blocking", False):
                awaited._asyncio_future_blocking = False
                awaited.add_done_callback(self._step, context=self._context)
            else:  # nothing to wait for: the next turn will do
                self._loop.call_soon(self._step, context=self._context)


class Loop:
    """Takes turns: calls whatever is ready, and sleeps until something is."""

    def __init__(self) -> None:
        self._ready: deque[Callable[[], object]] = deque()
        self._selector = DefaultSelector()
        self._bell, self._rope = socket.socketpair()
        self._rope.setblocking(False)
        self._selector.register(self._bell, EVENT_READ, partial(self._bell.recv, 4096))
        self._running = False

    def run(self, *coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
        """Runs coroutines side by side, each to its end; returns what they returned."""
        tasks = [Task(self, coroutine) for coroutine in coroutines]
        asyncio._set_running_loop(self)  # type: ignore[arg-type]
        self._running = True
        try:
            while not all(task.outcome.done() for task in tasks):
                for key, _events in self._selector.select(0 if self._ready else None):
                    self._ready.append(key.data)
                for _ in range(len(self._ready)):
                    self._ready.popleft()()
        finally:
            self._running = False
            asyncio._set_running_loop(None)
        return [task.outcome.result() for task in tasks]

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> None:
        context = contextvars.copy_context() if context is None else context
        self._ready.append(partial(context.run, callback, *args))

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any, context: Any = None) -> None:
        self.call_soon(callback, *args, context=context)
        with contextlib.suppress(BlockingIOError):  # enough of them are on the way
            self._rope.send(b"!")

    def add_reader(self, fd: int, callback: Callable[..., object], *args: Any) -> None:
        self._selector.register(fd, EVENT_READ, partial(contextvars.copy_context().run, callback, *args))

    def is_running(self) -> bool:
        return self._running

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, details: dict[str, Any]) -> None:
        print(details["message"], details["exception"], sep=": ")

    def close(self) -> None:
        self._selector.close()
        self._bell.close()
        self._rope.close()


async def await_each_kind() -> list[int]:
    # Here, since the loop itself does not need it.
    from awaitable_example import Later, MyAwait, later

    ready, by_hand = MyAwait(1), Later()
    thread = by_hand.settle_elsewhere(41)
    numbers = [await ready, await ready, await by_hand, await later(42)]
    thread.join()
    return numbers


def main() -> None:
    with contextlib.closing(Loop()) as loop:
        print(*loop.run(await_each_kind(), await_each_kind()))


if __name__ == "__main__":
    main()
