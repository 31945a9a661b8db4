"""The awaitable: a started Rust future, seen from Python as an ``asyncio.Future``."""

from __future__ import annotations

import collections.abc
from collections.abc import Callable, Generator
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar

from crossawait._types.virtual import Virtual, described, refuse

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from asyncio import Future as _Future
    from contextvars import Context

    from typing_extensions import Self
else:
    # The compiled class answers `asyncio.Future` through `__class__`, and asyncio's functions take it for
    # one: type checkers may believe it. It does not inherit from it, so neither does this class when it runs.
    _Future = collections.abc.Awaitable

T = TypeVar("T")


class Awaitable(Virtual, _Future[T]):
    """A Rust future that has started: a complete ``asyncio.Future``, with a blocking ``wait`` besides.

    It may be awaited any number of times, by several tasks of its event loop, and given to everything that
    takes a future: ``gather``, ``wait``, ``wait_for``, ``shield``, ``as_completed``, ``wrap_future``. It
    belongs to the loop that was running when it was made; without one, to the loop of its first await or
    callback; another loop afterwards is a RuntimeError.

    A package's own class makes one by hand, ``_crossawait_tokio.Awaitable()``, that is settled with
    ``set_result`` or ``set_exception`` from any thread.

    Dropping the last reference to one over a Rust future that nobody ever awaited, and that was not detached,
    cancels that future.
    """

    def __new__(cls, *, loop: AbstractEventLoop | None = None) -> Self:
        """Make an unsettled one of ``loop``, or of the current loop, as ``asyncio.Future()`` does."""
        refuse(cls)

    def __class_getitem__(cls, key: Any) -> GenericAlias:
        return GenericAlias(cls, key)

    def wait(self, timeout: float | None = None) -> T:
        """Block the calling thread until it has settled, and return its value or raise its exception.

        For code outside any event loop. Other Python threads run on; Ctrl-C raises KeyboardInterrupt here.

        Args:
            timeout: seconds, at the longest; None waits as long as it takes. A timeout does not end
                the work.

        Raises:
            TimeoutError: it has not settled in time.
            asyncio.CancelledError: it was cancelled.
            RuntimeError: called on a loop's own thread for something which needs that loop to run.
        """
        described()

    def detach(self) -> Self:
        """Let the Rust future run to its end even if this object is dropped; returns the object itself."""
        described()

    def done(self) -> bool:
        """True as soon as the outcome is stored: a value, an exception or a cancellation."""
        described()

    def cancelled(self) -> bool:
        """True if it was cancelled."""
        described()

    def cancel(self, msg: Any | None = None) -> bool:
        """Settle it as cancelled, at once, and have the Rust future dropped on its runtime.

        Whoever waits gets ``asyncio.CancelledError(msg)``. Returns False, and changes nothing, if it is done.
        """
        described()

    def result(self) -> T:
        """Return the value or raise the exception.

        Raises:
            asyncio.InvalidStateError: it is not done.
            asyncio.CancelledError: it was cancelled.
        """
        described()

    def exception(self) -> BaseException | None:
        """Return the exception, or None if there is a value; otherwise as ``result``."""
        described()

    def set_result(self, result: T, /) -> None:
        """Settle one made by hand, from any thread.

        Raises:
            asyncio.InvalidStateError: it is done.
            RuntimeError: it stands for a Rust future, which settles it.
        """
        described()

    def set_exception(self, exception: type[BaseException] | BaseException, /) -> None:
        """Settle one made by hand with an exception, or an exception class; otherwise as ``set_result``."""
        described()

    def add_done_callback(self, fn: Callable[[Self], object], /, *, context: Context | None = None) -> None:
        """Have the loop call ``fn(self)`` once it is done, in ``context`` or else in the current context.

        Raises:
            RuntimeError: there is no loop to call it, or it belongs to another loop.
        """
        described()

    def remove_done_callback(self, fn: Callable[[Self], object], /) -> int:
        """Take every callback equal to ``fn`` off the list; returns how many there were."""
        described()

    def get_loop(self) -> AbstractEventLoop:
        """Return the event loop that it belongs to."""
        described()

    def __await__(self) -> Generator[Any, None, T]:
        described()

    def __iter__(self) -> Generator[Any, None, T]:
        described()
