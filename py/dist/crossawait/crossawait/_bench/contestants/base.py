"""What a contestant can be asked to do."""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, NamedTuple

from crossawait._bench.loops import Tasks

HOST = "127.0.0.1"

Unsupported = NotImplementedError
"""Raised where a contestant has nothing to be compared with; the message says what it lacks."""


class Connection(NamedTuple):
    """A socket as the methods that a program would call, and nothing between them and the clock."""

    read: Callable[[int], Awaitable[bytes]]
    read_exactly: Callable[[int], Awaitable[bytes]]
    read_line: Callable[[], Awaitable[bytes]]
    write: Callable[[bytes], Awaitable[object]]


Talk = Callable[[int, int], Awaitable[Sequence[float]]]
"""Sends so many messages of a size, each after the echo of the one before; returns the seconds of each."""


class Promise(NamedTuple):
    """A future that somebody settles."""

    wait: Callable[[], Awaitable[object]]
    settle: Callable[[], object]
    """To be called once, from any thread."""


class Contestant(abc.ABC):
    """Operations to be timed. As a context it ends its servers, connections and threads."""

    def __init__(self, loop: str, tasks: Tasks) -> None:
        self.loop = loop
        self.tasks = tasks
        self.resources: dict[str, Any] = {}
        """What a workload sets up once and uses in each sample."""
        self._open = AsyncExitStack()

    async def __aenter__(self) -> None:
        return

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.resources.clear()
        await self._open.aclose()

    @abc.abstractmethod
    def settled(self) -> Awaitable[object]:
        """Make a future by hand and settle it."""

    @abc.abstractmethod
    def promise(self) -> Promise:
        """Make a future that any thread may settle."""

    @abc.abstractmethod
    def yield_now(self) -> Awaitable[None]:
        """Finish something later that takes no time itself."""

    @abc.abstractmethod
    def sleep(self, seconds: float) -> Awaitable[None]:
        """Sleep on a timer."""

    @abc.abstractmethod
    def call(self, function: Callable[[], object]) -> Awaitable[object]:
        """Call a function on another thread."""

    @abc.abstractmethod
    async def start_and_stop(self) -> None:
        """Start threads, have one of them do something, and stop them."""

    @abc.abstractmethod
    async def listen(self, handle: Callable[[Connection], Awaitable[None]]) -> tuple[str, int]:
        """Start a server that handles each connection in a task; returns its address."""

    @abc.abstractmethod
    async def connect(self, address: tuple[str, int]) -> Connection:
        """Connect; the connection is closed with the contestant."""

    async def talk_without_python(self) -> Talk:
        """Connect two ends that talk to each other outside of Python."""
        raise Unsupported("it is made of Python")
