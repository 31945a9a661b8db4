"""Futures and coroutines with one bug each, for the machines to find.

The futures inherit from the one that asyncio has in Python, which has the same behaviour, and is what they
are compared with; the coroutines wrap native ones.
"""

from __future__ import annotations

import asyncio
import collections.abc
import contextvars
from collections.abc import Generator
from typing import Any


class PurePython(asyncio.futures._PyFuture):  # type: ignore[name-defined,misc]
    """asyncio's future, as it is where there is no C."""


class SecondWaiterLost(PurePython):
    """Has one place for a callback."""

    def add_done_callback(self, fn: Any, *, context: Any = None) -> None:
        if not self.done():
            self._callbacks.clear()
        super().add_done_callback(fn, context=context)


class BlockingFlagNotSet(PurePython):
    """Yields itself without saying that it is to be waited for."""

    def __await__(self) -> Generator[Any, None, Any]:
        if not self.done():
            yield self
        return self.result()

    __iter__ = __await__


class BlockingFlagSetOnce(PurePython):
    """Says so the first time only."""

    _said = False

    def __await__(self) -> Generator[Any, None, Any]:
        if not self.done():
            if not self._said:
                self._asyncio_future_blocking = self._said = True
            yield self
        return self.result()

    __iter__ = __await__


class MessageDropped(PurePython):
    """Is cancelled without a word."""

    def cancel(self, msg: Any = None) -> bool:
        cancelled: bool = super().cancel()
        return cancelled


class ErrorWithoutMessage(PurePython):
    """Keeps the message to itself."""

    def _make_cancelled_error(self) -> asyncio.CancelledError:
        return asyncio.CancelledError()


class CancelledTwice(PurePython):
    """Says that it was cancelled now, although it had been before."""

    def cancel(self, msg: Any = None) -> bool:
        return super().cancel(msg) or bool(self.cancelled())


class OrderReversed(PurePython):
    """Tells whoever came last first."""

    def _Future__schedule_callbacks(self) -> None:  # noqa: N802
        self._callbacks.reverse()
        super()._Future__schedule_callbacks()


class ContextIgnored(PurePython):
    """Calls in the context of whoever adds the callback, whichever was given."""

    def add_done_callback(self, fn: Any, *, context: Any = None) -> None:
        super().add_done_callback(fn, context=contextvars.copy_context())


class ContextShared(PurePython):
    """Calls all callbacks in one context."""

    def add_done_callback(self, fn: Any, *, context: Any = None) -> None:
        self._context = getattr(self, "_context", context or contextvars.copy_context())
        super().add_done_callback(fn, context=self._context)


class CalledAtOnce(PurePython):
    """Calls callbacks that are added late without going through the loop."""

    def add_done_callback(self, fn: Any, *, context: Any = None) -> None:
        if not self.done():
            super().add_done_callback(fn, context=context)
            return
        try:
            (context or contextvars.copy_context()).run(fn, self)
        except Exception:  # noqa: BLE001 - of all the things that can be wrong, this is not the one
            return


class CalledTwice(PurePython):
    """Tells an only waiter twice."""

    def _Future__schedule_callbacks(self) -> None:  # noqa: N802
        if len(self._callbacks) == 1:
            self._callbacks *= 2
        super()._Future__schedule_callbacks()


class OneRemoved(PurePython):
    """Removes the first of several equal callbacks."""

    def remove_done_callback(self, fn: Any) -> int:
        for place, (callback, _) in enumerate(self._callbacks):
            if callback == fn:
                del self._callbacks[place]
                return 1
        return 0


class RemovedByIdentity(PurePython):
    """Does not know equal callbacks."""

    def remove_done_callback(self, fn: Any) -> int:
        before = len(self._callbacks)
        self._callbacks[:] = [entry for entry in self._callbacks if entry[0] is not fn]
        return before - len(self._callbacks)


class ValueTakenApart(PurePython):
    """Gives a tuple's first element, since it is what `StopIteration` takes for its value."""

    def result(self) -> Any:
        result = super().result()
        return result[0] if isinstance(result, tuple) and result else result


class ExceptionCopied(PurePython):
    """Raises another exception than the one that was set."""

    def result(self) -> Any:
        try:
            return super().result()
        except LookupError as error:
            raise type(error)(*error.args) from None


class TracebackGrows(PurePython):
    """Raises the exception with what its former raisings have left."""

    def result(self) -> Any:
        error = self._exception
        if error is None:
            return super().result()
        self._Future__log_traceback = False
        raise error


class ForgottenAfterTheFirst(PurePython):
    """Gives its value once."""

    def result(self) -> Any:
        result = super().result()
        self._result = None
        return result


class SilentDeath(PurePython):
    """Reports no exception that was never retrieved."""

    def __del__(self) -> None:
        return


class AlwaysReported(PurePython):
    """Reports exceptions that were retrieved, too."""

    def exception(self) -> Any:
        return self._exception if self.done() and not self.cancelled() else super().exception()


class KeptAlive(PurePython):
    """Never goes."""

    _all: list[Any] = []  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._all.append(self)


FUTURES: list[type[Any]] = PurePython.__subclasses__()


class Wrapped(collections.abc.Coroutine[Any, Any, Any]):
    """A native coroutine behind a class; nothing is wrong with this one."""

    def __init__(self, coroutine: Any) -> None:
        self._coroutine = coroutine
        self.__name__ = coroutine.__name__
        self.__qualname__ = coroutine.__qualname__

    def send(self, value: Any) -> Any:
        return self._coroutine.send(value)

    def throw(self, *arguments: Any) -> Any:
        return self._coroutine.throw(*arguments)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coroutine, name)

    def __repr__(self) -> str:
        return repr(self._coroutine)


class CloseForgotten(Wrapped):
    """Goes on after it was closed."""

    def close(self) -> None:
        return


class ThrowSwallowed(Wrapped):
    """Ends with None whatever is thrown into it."""

    def throw(self, *arguments: Any) -> Any:
        try:
            return super().throw(*arguments)
        except StopIteration:
            raise
        except BaseException:  # noqa: BLE001 - that is the bug
            raise StopIteration from None


class ValueLost(Wrapped):
    """Ends with None whatever its value."""

    def send(self, value: Any) -> Any:
        try:
            return super().send(value)
        except StopIteration:
            raise StopIteration from None


class SentTooEarly(Wrapped):
    """Takes a value before it has begun."""

    def send(self, _value: Any) -> Any:
        return super().send(None)


class AwaitedAgain(Wrapped):
    """Gives None when it is awaited again."""

    def send(self, value: Any) -> Any:
        try:
            return super().send(value)
        except RuntimeError as error:
            if "already awaited" in str(error):
                raise StopIteration from None
            raise


class NoWarning(Wrapped):
    """Says nothing when it was never awaited."""

    def __del__(self) -> None:
        self._coroutine.close()


class NeverSuspended(Wrapped):
    """Does not know that it waits."""

    @property
    def cr_await(self) -> None:
        return None


class MessageSwallowed(Wrapped):
    """Is cancelled without the message."""

    def throw(self, *arguments: Any) -> Any:
        if isinstance(arguments[0], asyncio.CancelledError):
            return super().throw(asyncio.CancelledError())
        return super().throw(*arguments)


COROUTINES: list[type[Any]] = Wrapped.__subclasses__()
