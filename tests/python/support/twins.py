"""Twins: one of the library's objects and its native counterpart, for code that must not see a difference."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Protocol

from crossawait_tests import Awaitable, Gate, Runtime

from tasks import wait_until

# How it ends: with a value, with an error, with the error that a cancellation raises.
ENDINGS: dict[str, Callable[[], Any]] = {
    "value": lambda: "value",
    "error": lambda: LookupError("missing"),
    "cancellation": lambda: asyncio.CancelledError("raised"),
}


class Twin(Protocol):
    """Something to await, and the power to end it. Made while its loop runs, unless it is a coroutine."""

    given: Any

    def settle(self, ending: str) -> None:
        """End it, and return when that is visible."""

    def settle_at_once(self, ending: str) -> None:
        """End it before anybody waits for it."""

    def is_waited_for(self) -> bool:
        """Tell whether somebody waits for it to end."""


class _Future:
    given: Any

    def settle_at_once(self, ending: str) -> None:
        self.settle(ending)

    def settle(self, ending: str) -> None:
        raise NotImplementedError

    def is_waited_for(self) -> bool:
        return bool(self.given._callbacks)


class NativeFuture(_Future):
    """What `loop.create_future` gives."""

    def __init__(self, rust: Runtime) -> None:
        self.given = asyncio.get_running_loop().create_future()

    def settle(self, ending: str) -> None:
        _set(self.given, ending)


class PythonAwaitable(NativeFuture):
    """An awaitable made in Python."""

    def __init__(self, rust: Runtime) -> None:
        self.given = Awaitable()


class RustAwaitable(_Future):
    """An awaitable over a Rust future."""

    def __init__(self, rust: Runtime) -> None:
        self.gate = Gate()
        self.given = rust.awaitable(self.gate)

    def settle(self, ending: str) -> None:
        _open(self.gate, ending)
        wait_until(self.given.done)


class NativeCoroutine:
    """What calling an `async def` gives."""

    def __init__(self, rust: Runtime) -> None:
        self._future: asyncio.Future[Any] | None = None
        self._ended = ""
        given: Any = self._read()
        given.__name__ = given.__qualname__ = "read"
        self.given = given

    async def _read(self) -> Any:
        if self._ended:
            outcome = ENDINGS[self._ended]()
            if self._ended == "value":
                return outcome
            raise outcome
        self._future = asyncio.get_running_loop().create_future()
        return await self._future

    def settle_at_once(self, ending: str) -> None:
        self._ended = ending

    def settle(self, ending: str) -> None:
        assert self._future is not None
        loop = self._future.get_loop()
        if loop is asyncio.get_running_loop():
            self._set(ending)
        else:
            loop.call_soon_threadsafe(self._set, ending)

    def _set(self, ending: str) -> None:
        assert self._future is not None
        _set(self._future, ending)
        if ending == "error":
            # Else the inner future complains where the coroutine, like its twin, goes without having looked.
            self._future.exception()

    def is_waited_for(self) -> bool:
        return self.given.cr_await is not None


class RustCoroutine:
    """A coroutine over a Rust future."""

    def __init__(self, rust: Runtime) -> None:
        self.gate = Gate()
        self.given: Any = rust.coroutine(self.gate, name="read")

    def settle_at_once(self, ending: str) -> None:
        _open(self.gate, ending)

    def settle(self, ending: str) -> None:
        awaited = self.given.cr_await
        _open(self.gate, ending)
        wait_until(awaited.done)

    def is_waited_for(self) -> bool:
        return self.given.cr_await is not None


def _set(future: Any, ending: str) -> None:
    # Something else may have ended it first, as cancelling what waits for it does.
    if not future.done():
        (future.set_result if ending == "value" else future.set_exception)(ENDINGS[ending]())


def _open(gate: Gate, ending: str) -> None:
    (gate.give if ending == "value" else gate.fail)(ENDINGS[ending]())


# The library's classes, each with what it must not differ from.
TWINS: dict[str, tuple[Callable[[Runtime], Twin], Callable[[Runtime], Twin]]] = {
    "rust awaitable": (RustAwaitable, NativeFuture),
    "python awaitable": (PythonAwaitable, NativeFuture),
    "coroutine": (RustCoroutine, NativeCoroutine),
}


def plain(text: object) -> str:
    """Return a text without what differs between any two objects, and without the names of the classes."""
    plain = re.sub(r" at 0x[0-9a-f]+", "", str(text))
    # Only what is made in Python is made at a place in Python.
    plain = re.sub(r" created at \S+:\d+", "", plain)
    return re.sub(r"\b(crossawait|_asyncio)\.", "", plain).replace("Awaitable", "Future")


def described(error: BaseException | None) -> object:
    """Return all of an error that code can tell: class, text, what it was raised from, what it is made of."""
    if error is None:
        return None
    # An outcome that nobody has asked for has not been converted, and a look at it does not change that.
    text = re.sub(r"<Future finished (result|exception)=.*?>", "<Future finished>", plain(error))
    parts = [described(part) for part in getattr(error, "exceptions", ())]
    return type(error).__name__, text, described(error.__cause__), parts


def outcome(call: Callable[[], object]) -> tuple[str, object]:
    """Call it, and return what came of it so that the outcomes of twins compare equal."""
    try:
        return "returned", call()
    except BaseException as error:  # noqa: BLE001 - cancellations and interrupts are outcomes too
        return "raised", described(error)
