"""How what one side has made or seen is said so that it can be compared with the other side's.

Whatever is shared is named; what each side has its own of is described by its kind and its number. Two
descriptions are equal exactly if nobody who uses futures could tell the two things apart.
"""

from __future__ import annotations

import asyncio
import re
import types
from contextvars import Context
from pathlib import Path
from typing import Any

from oracle.known import without_known_words
from oracle.outcomes import MESSAGES, VALUES, VARIABLE

# The names of the two sides, as they stand in the names of tasks and in the descriptions of callbacks.
SIDES = ("expected", "actual")

_PLAIN = (bool, int, float, str, type(None))

_NAMES = {
    id(value): f"value {name!r}"
    for name, value in {**VALUES, **MESSAGES}.items()
    if not isinstance(value, _PLAIN)
}

# Where futures are written in Python.
_FUTURES = (asyncio.futures.__file__, str(Path(__file__).with_name("planted.py")))

# What differs though nothing does: addresses, numbers, the side, and what the class is called.
_NOISE = re.compile(rf"0x[0-9a-fA-F]+|(?<=\bTask-)\d+|\b(?:{'|'.join(SIDES)}):")
_CLASSES = re.compile(r"\b(?:Awaitable|Planted\w*)\b")


def plain_text(text: str) -> str:
    """Return a text without what may differ in it."""
    return without_known_words(_CLASSES.sub("Future", _NOISE.sub("", text)))


def describe(thing: Any) -> Any:
    """Describe whatever was returned, passed or kept."""
    name = _NAMES.get(id(thing))
    if name is not None:
        return name
    if isinstance(thing, _PLAIN):
        return plain_text(thing) if isinstance(thing, str) else thing
    if isinstance(thing, BaseException):
        return describe_error(thing)
    if isinstance(thing, asyncio.Task):
        return plain_text(thing.get_name())
    if asyncio.isfuture(thing):
        return f"future {getattr(thing, 'number', 'of a library')}"
    if isinstance(thing, (tuple, list)):
        return [describe(item) for item in thing]
    if isinstance(thing, (set, frozenset)):
        return sorted(str(describe(item)) for item in thing)
    return type(thing).__name__


def describe_error(error: BaseException) -> Any:
    """Describe an exception: its kind, arguments, which one it is, where it was raised, what led to it."""
    return (
        plain_text(type(error).__qualname__),
        [describe(argument) for argument in error.args],
        getattr(error, "mark", None),
        trace(error.__traceback__),
        _led_to_by(error.__cause__),
        None if _is_stopped(error) else _led_to_by(error.__context__),
        error.__suppress_context__,
    )


def _is_stopped(error: BaseException) -> bool:
    """Tell whether an error stands for a `StopIteration`: see `known.py`."""
    return isinstance(error, RuntimeError) and error.args == ("coroutine raised StopIteration",)


def _led_to_by(error: BaseException | None) -> Any:
    if error is None:
        return None
    return (plain_text(type(error).__qualname__), getattr(error, "mark", None))


def trace(traceback: types.TracebackType | None) -> list[tuple[str, int]]:
    """Return the functions and lines of a traceback; ours are common to both sides.

    Without the handle's, since what is called in the library's drain has none; that of a native coroutine's
    body, since a Rust future has none; and those of futures written in Python, to which C's have nothing that
    corresponds.
    """
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not code.co_name.endswith(("_run", "_native")) and code.co_filename not in _FUTURES:
            places.append((code.co_name, traceback.tb_lineno))
        traceback = traceback.tb_next
    return places


def describe_callback(callback: Any, context: Any) -> Any:
    """Describe an entry of `_callbacks`."""
    number = getattr(callback, "label", None)
    name = number if number is not None else getattr(callback, "__qualname__", type(callback).__name__)
    return (name, context.get(VARIABLE) if isinstance(context, Context) else describe(context))


def describe_future(future: Any, loop: asyncio.AbstractEventLoop) -> Any:
    """Describe everything of a future that a look does not change."""
    return (
        *describe_settled_elsewhere(future, loop),
        future._loop is loop,
        describe(future._result),
        describe(future._exception),
    )


def describe_settled_elsewhere(future: Any, loop: asyncio.AbstractEventLoop) -> Any:
    """Describe what shows even if nobody has taken the outcome up, nor bound the future to its loop."""
    callbacks = future._callbacks
    return (
        future._state,
        future.done(),
        future.cancelled(),
        future._asyncio_future_blocking,
        future._log_traceback,
        describe(future._cancel_message),
        callbacks and [describe_callback(*entry) for entry in callbacks],
        future._loop in (loop, None),
    )


def describe_task(task: asyncio.Task[Any]) -> Any:
    """Describe everything of a task that a look does not change."""
    known: Any = task
    done = task.done()
    return (
        done,
        task.cancelled(),
        known._log_traceback,
        known._must_cancel,
        describe(known._fut_waiter),
        describe(known._exception) if done else None,
        describe(known._result) if done else None,
        known.cancelling() if hasattr(known, "cancelling") else None,
    )
