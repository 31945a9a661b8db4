"""Sockets and ticks: a stream, a listener and an interval."""

from __future__ import annotations

from types import TracebackType
from typing import TypeAlias

from crossawait._types.coroutine import Coroutine
from crossawait._types.virtual import Virtual, described

Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | str
"""A socket's address: ``(host, port)`` for IPv4, ``(host, port, flowinfo, scope_id)`` for IPv6, and for a
Unix socket its path, which is empty if it has none."""


class Stream(Virtual):
    """A connected TCP or Unix socket. ``async with`` closes it at the end.

    One task may read while another writes; a second read waits for the first, and so does a second write.
    A stream keeps its runtime open. Every coroutine here raises ``OSError`` (one of its subclasses,
    with ``errno``) when the connection fails or the stream has been closed, and ``RuntimeClosedError`` when
    the runtime has been shut down. A cancelled read loses nothing: what had arrived is there for the next
    one.
    """

    def read(self, n: int) -> Coroutine[bytes]:
        """Read what is there, ``n`` bytes at most, waiting for the first; ``b""`` at the end of the stream.

        Raises:
            ValueError: ``n`` is less than 1.
        """
        described()

    def read_exactly(self, n: int) -> Coroutine[bytes]:
        """Read ``n`` bytes, neither more nor fewer.

        Raises:
            ValueError: ``n`` is negative.
            asyncio.IncompleteReadError: the stream ended before; ``partial`` has what came.
        """
        described()

    def read_until(self, separator: bytes, limit: int = 65536) -> Coroutine[bytes]:
        """Read up to and including ``separator``.

        Args:
            separator: one byte or more.
            limit: how many bytes may come in front of the separator.

        Raises:
            ValueError: the separator is empty, or ``limit`` is less than 1.
            asyncio.IncompleteReadError: the stream ended before; ``partial`` has what came.
            asyncio.LimitOverrunError: there was no separator within ``limit`` bytes; they stay to be read.
        """
        described()

    def write_all(self, data: bytes | bytearray | memoryview) -> Coroutine[None]:
        """Write all of ``data``, which is copied; done when the operating system has taken the last byte.

        Cancelling it leaves an unknown part of ``data`` written.
        """
        described()

    def close(self) -> Coroutine[None]:
        """Close the socket; what waits on it gets an ``OSError``. Closing again does nothing."""
        described()

    @property
    def local_address(self) -> Address:
        """The address at this end."""
        described()

    @property
    def peer_address(self) -> Address:
        """The address at the other end."""
        described()

    def __aenter__(self) -> Coroutine[Stream]:
        described()

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> Coroutine[None]:
        described()


class Listener(Virtual):
    """A listening TCP or Unix socket: ``async for stream, address in listener`` accepts until it is closed.

    ``async with`` closes it at the end. A listener keeps its runtime open.
    """

    def accept(self) -> Coroutine[tuple[Stream, Address]]:
        """Wait for a connection; returns the stream and the peer's address.

        A connection that came too late for a cancelled accept goes to the next one.

        Raises:
            OSError: the operating system refused, or the listener is or becomes closed.
            RuntimeClosedError: the runtime has been shut down.
        """
        described()

    def close(self) -> Coroutine[None]:
        """Stop listening; connections that were accepted live on. Closing again does nothing."""
        described()

    @property
    def address(self) -> Address:
        """The address it listens on, with the port that the system chose where 0 was asked for."""
        described()

    def __aiter__(self) -> Listener:
        described()

    def __anext__(self) -> Coroutine[tuple[Stream, Address]]:
        described()

    def __aenter__(self) -> Coroutine[Listener]:
        described()

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> Coroutine[None]:
        described()


class Interval(Virtual):
    """Ticks at a fixed distance: ``async for tick in runtime.interval(0.1)`` gives 0, 1, 2 and so on.

    It has no end. The first tick comes after one period. Ticks that fell due while nobody waited are skipped,
    not made up for.
    """

    def __aiter__(self) -> Interval:
        described()

    def __anext__(self) -> Coroutine[int]:
        described()
