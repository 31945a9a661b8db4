"""What the two sides are given: values and errors, each under a name that both understand.

A value is one object for both sides. An error is not, since an exception remembers where it was raised: each
side has its own twin, with a `mark` that proves which one it is and an `owner` that says whose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")


class Incomparable:
    """A value that whoever compares it instead of handing it on will hear of."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a value was compared")

    def __hash__(self) -> int:
        raise AssertionError("a value was hashed")

    def __bool__(self) -> bool:
        raise AssertionError("a value was asked for its truth")

    def __repr__(self) -> str:
        return "Incomparable()"


# A tuple and an exception are what `StopIteration(value)` takes apart, or for the error itself.
VALUES: dict[str, object] = {
    "none": None,
    "number": 7,
    "tuple": (1, 2),
    "empty": (),
    "exception": LookupError("a value"),
    "stop": StopIteration("a value"),
    "class": StopIteration,
    "incomparable": Incomparable(),
}

MESSAGES: dict[str, object] = {
    "text": "enough",
    "none": None,
    "empty": "",
    "tuple": ("one", "two"),
    "number": 0,
}


class Unusual(BaseException):
    """What `except Exception` lets through."""


class Stop(StopIteration):
    """Not `StopIteration` itself, and yet it would end a generator."""


def _marked(error: BaseException, owner: str, mark: object) -> BaseException:
    error.owner = owner  # type: ignore[attr-defined]
    error.mark = mark  # type: ignore[attr-defined]
    return error


def _of_a_class(base: type[Any], owner: str, **attributes: Any) -> type[Any]:
    return type(f"{base.__name__}Class", (base,), {"owner": owner, **attributes})


def _refuse(*_: object) -> None:
    raise ValueError("this exception cannot be made")


# Each makes an error, or what is offered as one, for a side.
ERRORS: dict[str, Callable[[str, object], Any]] = {
    "instance": lambda owner, mark: _marked(LookupError("text", 1), owner, mark),
    "class": lambda owner, _: _of_a_class(LookupError, owner),
    "cancelled": lambda owner, mark: _marked(asyncio.CancelledError("by hand"), owner, mark),
    "timeout": lambda owner, mark: _marked(asyncio.TimeoutError(), owner, mark),
    "unusual": lambda owner, mark: _marked(Unusual("text"), owner, mark),
    "exit": lambda owner, mark: _marked(GeneratorExit("text"), owner, mark),
    "stop": lambda owner, mark: _marked(StopIteration(1), owner, mark),
    "stop subclass": lambda owner, mark: _marked(Stop(1), owner, mark),
    "stop class": lambda *_: StopIteration,
    "stop async": lambda owner, mark: _marked(StopAsyncIteration(1), owner, mark),
    "refusing class": lambda owner, _: _of_a_class(LookupError, owner, __init__=_refuse),
    "number": lambda *_: 1,
    "none": lambda *_: None,
    "other class": lambda *_: int,
    "function": lambda *_: lambda: LookupError("made by a function"),
    "class that makes one": lambda *_: type("Maker", (), {"__new__": lambda _: LookupError("made")}),
    "class that makes none": lambda owner, _: _of_a_class(LookupError, owner, __new__=lambda _: 1),
}

# Those that a future takes, and that end a task and nothing else.
PROPER_ERRORS = ("instance", "class", "cancelled", "timeout", "unusual", "exit", "stop async")


def make_error(name: str, owner: str, mark: object) -> Any:
    """Make a side's own twin of an error."""
    return ERRORS[name](owner, mark)
