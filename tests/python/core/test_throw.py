"""`throw`, with whatever Python's own coroutines and futures take, and with what they do not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from crossawait_tests import Awaitable, Runtime

from twins import NativeCoroutine, RustCoroutine, outcome, plain

# Since 3.12, on both sides.
pytestmark = [
    pytest.mark.loops("asyncio"),
    pytest.mark.filterwarnings("ignore:the .type, exc, tb. signature:DeprecationWarning"),
]


class PickyError(LookupError):
    """An exception that cannot be made of anything."""

    def __init__(self, *_arguments: object) -> None:
        raise ValueError("not of this")


class StrangerError(LookupError):
    """A class that makes something else."""

    def __new__(cls, *_arguments: object) -> Any:
        return 1


class Pair(tuple[object, ...]):
    """A tuple of another name."""

    __slots__ = ()


THROWN: list[tuple[Any, ...]] = [
    (LookupError,),
    (LookupError, None, None),
    (LookupError, "text"),
    (LookupError, ()),
    (LookupError, ("text", 1)),
    (LookupError, Pair(("text", 1))),
    (OSError, (2, "missing")),
    (LookupError, LookupError("instance")),
    (LookupError, KeyError("instance of a subclass")),
    (KeyError, LookupError("instance of another class")),
    (LookupError("instance"),),
    (LookupError("instance"), None, None),
    (StopIteration, (1,)),
    (PickyError,),
    (PickyError, (1, 2)),
    (StrangerError,),
    (LookupError, None, 1),
    (LookupError("instance"), 1),
    (PickyError, None, 1),
    (1,),
    (int,),
    (int, "1"),
    (None, None, None),
]
NAMES = [",".join(plain(repr(part)) for part in thrown) for thrown in THROWN]


# How a coroutine says that something cannot be thrown, and how an iterator does, which a suspended coroutine
# asks.
WORDS = re.compile(
    r"exceptions must be classes (or instances deriving from BaseException, not \w+"
    r"|deriving BaseException or instances of such a class)"
    r"|throw\(\) third argument must be a traceback( object)?"
)


def what_comes(thrown: tuple[Any, ...], twin: Any, go_on: Callable[[Any], object]) -> str:
    """Throw, and go on: the second outcome shows whether the first has ended it."""
    outcomes = [outcome(lambda: twin.throw(*thrown)), outcome(lambda: go_on(twin) is None)]
    return WORDS.sub("it cannot be thrown", str(outcomes))


@pytest.mark.parametrize("thrown", THROWN, ids=NAMES)
@pytest.mark.parametrize("begun", [False, True], ids=["created", "suspended"])
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
async def test_into_a_coroutine(rust: Runtime, thrown: tuple[Any, ...], begun: bool) -> None:
    results = []
    for make in (RustCoroutine, NativeCoroutine):
        coroutine = make(rust).given
        if begun:
            coroutine.send(None)
        results.append(what_comes(thrown, coroutine, lambda twin: twin.send(None)))
        coroutine.close()
    assert results[0] == results[1]


@pytest.mark.parametrize("thrown", THROWN, ids=NAMES)
@pytest.mark.parametrize("begun", [False, True], ids=["created", "suspended"])
async def test_into_what_a_future_is_iterated_with(thrown: tuple[Any, ...], begun: bool) -> None:
    makes: list[Callable[[], Any]] = [Awaitable, asyncio.get_running_loop().create_future]
    results = []
    for make in makes:
        future = make()
        iterator = iter(future)
        if begun:
            next(iterator)
        results.append(what_comes(thrown, iterator, next))
        future.cancel()
    assert results[0] == results[1]
