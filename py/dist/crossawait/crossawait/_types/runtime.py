"""The runtime: threads of Rust that run what Python awaits."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar, cast

from crossawait._types.coroutine import Coroutine
from crossawait._types.metrics import Metrics
from crossawait._types.stream import Interval, Listener, Stream
from crossawait._types.virtual import Virtual, described

if TYPE_CHECKING:
    import os

    from typing_extensions import Self, TypeVarTuple, Unpack

    _Arguments = TypeVarTuple("_Arguments")

T = TypeVar("T")


class Runtime(Virtual):
    """A running Rust runtime. Calling the class starts one of your own, apart from the process-wide default.

    ``with`` and ``async with`` shut it down at the end. Every verb returns a ``Coroutine``: nothing runs
    before it is awaited or made into a task. After ``shutdown`` every verb raises ``RuntimeClosedError``.

    A runtime may be used from every thread and every event loop of the process, several at a time. What
    ``runtime`` returns in a forked child is a fresh one; a ``Runtime`` inherited from the parent starts
    afresh at its first use where its kind can, and raises ``RuntimeClosedError`` where it cannot.
    """

    def __new__(
        cls,
        name: str | None = None,
        *,
        worker_threads: int | None = None,
        max_blocking_threads: int | None = None,
        thread_name: str | None = None,
    ) -> Self:
        """Start a runtime.

        Args:
            name: ``"tokio"``, ``"smol"``, ``"async-std"`` or what another package offers; None takes the one
                chosen with ``use``, else the one the environment variable CROSSAWAIT_RUNTIME names, else the
                first of ``available()``.
            worker_threads: threads that poll tasks; None for the runtime's own default.
            max_blocking_threads: threads at most for ``run_blocking``; None for the runtime's own default.
            thread_name: what its threads are called in debuggers and process lists.

        Raises:
            RuntimeNotFoundError: it is not installed; the message says what to type.
            ImportError: it is installed and does not load, or its version is not this package's.
            ValueError: a count that is zero, negative or beyond all reason.
            RuntimeError: this kind of runtime exists once in a process, and runs with other options.
            RuntimeClosedError: this kind of runtime cannot start again in a forked child.
        """
        # Imported here because the selector, in its turn, needs these classes.
        from crossawait._default import start_own

        options = {
            "worker_threads": worker_threads,
            "max_blocking_threads": max_blocking_threads,
            "thread_name": thread_name,
        }
        # A compiled Runtime, which is a virtual instance of this class and no real one.
        return cast("Self", start_own(name, options))

    @property
    def name(self) -> str:
        """``"tokio"``, ``"smol"``, ``"async-std"``, or another package's name."""
        described()

    @property
    def closed(self) -> bool:
        """True once it has been shut down."""
        described()

    def sleep(self, seconds: float) -> Coroutine[None]:
        """Wait, on the runtime's own timer; less than no time counts as none.

        Raises:
            ValueError: ``seconds`` is not a number (NaN).
            OverflowError: it is more than a century.
        """
        described()

    def yield_now(self) -> Coroutine[None]:
        """Suspend once on the runtime and come back: the smallest real crossing."""
        described()

    def interval(self, seconds: float) -> Interval:
        """Tick every ``seconds``: ``async for tick in runtime.interval(0.1)``.

        Raises:
            ValueError: ``seconds`` is not more than 0.
            OverflowError: it is more than a century.
        """
        described()

    def run_blocking(
        self, function: Callable[[Unpack[_Arguments]], T], /, *args: Unpack[_Arguments]
    ) -> Coroutine[T]:
        """Call ``function(*args)`` on a thread of the blocking pool, in a copy of the current context.

        Cancelled before a thread has taken it, it is not called; cancelled later, it runs to its end unheard.

        Raises:
            TypeError: ``function`` is not callable.
        """
        described()

    def connect(self, host: str, port: int) -> Coroutine[Stream]:
        """Connect over TCP, trying each address of ``host`` in the order in which it resolves.

        Raises:
            socket.gaierror: ``host`` does not resolve.
            OSError: no address could be reached; the error is the last one's, with ``errno``.
            OverflowError: ``port`` is not between 0 and 65535.
            ValueError: ``host`` contains a null character.
        """
        described()

    def connect_unix(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> Coroutine[Stream]:
        """Connect to a Unix socket.

        Raises:
            OSError: it could not be reached, with ``errno``.
        """
        described()

    def listen(self, host: str, port: int) -> Coroutine[Listener]:
        """Listen for TCP connections on an address of this machine; port 0 lets the system choose one.

        Raises:
            socket.gaierror: ``host`` does not resolve.
            OSError: the address is taken or not this machine's, with ``errno``.
            OverflowError: ``port`` is not between 0 and 65535.
            ValueError: ``host`` contains a null character.
        """
        described()

    def listen_unix(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> Coroutine[Listener]:
        """Listen on a Unix socket, which is made at ``path``; the file stays when the listener is closed.

        Raises:
            OSError: it could not be made, with ``errno``.
        """
        described()

    def metrics(self) -> Metrics:
        """Read the counters; works after ``shutdown`` too."""
        described()

    def shutdown(self, timeout: float | None = 5.0) -> None:
        """Stop admitting work, end what is pending with ``RuntimeClosedError``, and join the threads.

        Other Python threads run on meanwhile, but an event loop on the calling thread does not: ``aclose`` is
        for that. Shutting down again does nothing.

        Args:
            timeout: seconds to wait for the threads, and for calls of ``run_blocking`` that run; then they
                are left to themselves. None waits as long as it takes.

        Raises:
            RuntimeError: called on one of the runtime's own threads.
        """
        described()

    def aclose(self, timeout: float | None = 5.0) -> Coroutine[None]:
        """Shut down as ``shutdown`` does, without blocking the event loop."""
        described()

    def __enter__(self) -> Self:
        described()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        described()

    def __aenter__(self) -> Coroutine[Self]:
        described()

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> Coroutine[None]:
        described()
