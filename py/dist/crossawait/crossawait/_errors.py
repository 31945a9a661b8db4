"""The exceptions that every runtime raises.

They live in the pure-Python package, and not in the compiled ones, so that ``except crossawait.RustPanic``
catches the panic of any runtime: an ``except`` clause looks at real classes and takes no notice of virtual
ones.
"""

from __future__ import annotations


class RuntimeNotFoundError(ImportError):
    """The runtime asked for is not installed; the message says what to type.

    ``name`` is the runtime's name, or None when any runtime would have done and none is there.
    """


class RuntimeClosedError(RuntimeError):
    """The work cannot be done, or could not be finished, because its runtime has been shut down.

    Raised by every use after ``shutdown``; by what was pending when the runtime was shut down, where it is
    told apart from a cancellation on purpose; and in a forked child by what was inherited from the parent.
    """


class RustPanic(Exception):  # noqa: N818 - the name is part of the public interface, and a panic is what it is
    """Rust code panicked while a task was polled, or while its result was converted.

    The panic has ended that one task only: the thread that polled it, and the runtime, go on.
    """

    message: str
    """What the panic said."""

    location: str | None
    """Where it happened, as ``file:line:column`` of the Rust source; None when unknown."""

    def __init__(self, message: str, location: str | None = None) -> None:
        # Both go to `args`: that is what pickle and copy make a new instance from.
        super().__init__(message, location)
        self.message = message
        self.location = location

    def __str__(self) -> str:
        return self.message if self.location is None else f"{self.message} (at {self.location})"
