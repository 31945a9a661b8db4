"""What can be done to coroutines, by hand and in tasks."""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oracle.actions import cancel
from oracle.coroutine_side import CoroutineSide, describe_coroutine
from oracle.iterating import HOW
from oracle.outcomes import VALUES, make_error
from oracle.side import Action
from oracle.waiting import LONG, Pause


@dataclass(frozen=True)
class Call(Action):
    """Call an `async def`."""

    placement: str

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        side.call(self.placement)


@dataclass(frozen=True)
class Open(Action):
    """Let a coroutine go on to its end: a value, an exception, or what a call gives."""

    coroutine: int
    how: str
    what: str

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        number = side.number(self.coroutine)
        what: Any = VALUES.get(self.what)
        if self.how == "fail":
            what = make_error(self.what, side.name, f"{self.what} of coroutine {number}")
        elif self.how == "call":
            what = Meddling(side, side.coroutines[number])
        side.open(number, self.how, what)


class Meddling:
    """What a body calls that tries to drive its own coroutine."""

    def __init__(self, side: CoroutineSide, coroutine: Any) -> None:
        self._side = side
        # A Rust future owns what it is to call, and who owns that is for nobody to see.
        self._coroutine = weakref.ref(coroutine)

    def __call__(self) -> Any:
        coroutine: Any = self._coroutine()
        self._side.note("body", coroutine.cr_running, inspect.getcoroutinestate(coroutine))
        for attempt in (lambda: coroutine.send(None), coroutine.close, lambda: coroutine.throw(LookupError)):
            try:
                attempt()
            except ValueError as error:  # noqa: PERF203 - each is tried
                self._side.note("body", str(error))
        return "value of a call"


@dataclass(frozen=True)
class Drive(Action):
    """Send something into a coroutine, throw something, or close it."""

    coroutine: int
    how: str

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        number = side.number(self.coroutine)
        if side.is_ours(number):
            return _use(side, number, side.coroutines[number], self.how)
        return None


@dataclass(frozen=True)
class Take(Action):
    """Take the iterator that `__await__` gives."""

    coroutine: int
    place: int

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        number = side.number(self.coroutine)
        iterator = side.coroutines[number].__await__()
        side.iterators[self.place] = number, iterator
        return (iter(iterator) is iterator, type(iterator).__name__)


@dataclass(frozen=True)
class UseIterator(Action):
    """Drive a coroutine through its iterator."""

    place: int
    how: str

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        number, iterator = side.iterators.get(self.place, (-1, None))
        if side.is_ours(number):
            return _use(side, number, iterator, self.how)
        return None


def _use(side: CoroutineSide, number: int, what: Any, how: str) -> Any:
    yielded = HOW[how](what, make_error("instance", side.name, f"thrown {how}"))
    if not asyncio.isfuture(yielded):
        return yielded
    side.yielded[number] = yielded
    # Each its own, and of the same kind.
    return "a future"


@dataclass(frozen=True)
class Acknowledge(Action):
    """Take the mark from what a coroutine has yielded, as tasks do."""

    coroutine: int

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        number = side.number(self.coroutine)
        if number in side.yielded and side.is_ours(number):
            side.yielded[number]._asyncio_future_blocking = False


@dataclass(frozen=True)
class CancelYielded(Action):
    """Cancel what a coroutine waits for, as tasks do."""

    coroutine: int
    message: str | None

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        number = side.number(self.coroutine)
        waits = side.coroutines[number].cr_await is not None
        if number in side.yielded and waits and side.is_ours(number):
            return cancel(side.yielded[number], self.message, by_name=False)
        return None


@dataclass(frozen=True)
class AskCoroutine(Action):
    """Look at a coroutine, from wherever."""

    coroutine: int

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        return describe_coroutine(side.coroutines[side.number(self.coroutine)])


@dataclass(frozen=True)
class BeginCoroutine(Action):
    """Make a task of a coroutine itself."""

    coroutine: int
    context: int | None = None

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        coroutine = side.hand_over(self.coroutine)
        return side.begin(lambda _: coroutine, self.context)


@dataclass(frozen=True)
class RunUntilComplete(Action):
    """Run the loop until a coroutine has ended that need not wait."""

    coroutine: int

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        number = side.number(self.coroutine)
        if number in side.opened and side.is_ours(number):
            return side.loop.run_until_complete(side.hand_over(self.coroutine))
        return None


@dataclass(frozen=True)
class DropCoroutine(Action):
    """Let go of a coroutine, unless it is the last."""

    coroutine: int

    def do(self, side: CoroutineSide, _actor: str) -> Any:
        if len(side.coroutines) > 1:
            side.drop_coroutine(self.coroutine)


# For what is there since 3.11.
_asyncio: Any = asyncio


async def _nested(coroutine: Any) -> Any:
    return await coroutine


def _inner() -> str:
    """Return a name for a task that tells whose it is."""
    task = asyncio.current_task()
    assert task is not None
    return f"{task.get_name()}'s own"


async def _wait(first: Any, second: Any, when: str) -> Any:
    tasks = [asyncio.create_task(each, name=_inner()) for each in dict.fromkeys((first, second))]
    done, pending = await asyncio.wait(tasks, return_when=when)
    return (len(done), len(pending), [task.result() for task in tasks if task in done])


async def _group(first: Any, second: Any) -> Any:
    async with _asyncio.TaskGroup() as group:
        tasks = [group.create_task(each, name=_inner()) for each in dict.fromkeys((first, second))]
    return [task.result() for task in tasks]


async def _within(coroutine: Any, seconds: float | None) -> Any:
    async with _asyncio.timeout(seconds):
        return await coroutine


async def _collect(first: Any) -> Any:
    return [await each for each in asyncio.as_completed([first])]


WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "await": lambda first, _: first,
    "nested": lambda first, _: _nested(first),
    "task": lambda first, _: asyncio.create_task(first, name=_inner()),
    "ensure": lambda first, _: asyncio.ensure_future(first),
    "shield": lambda first, _: asyncio.shield(first),
    "wait for": lambda first, _: asyncio.wait_for(first, None),
    "wait for a while": lambda first, _: asyncio.wait_for(first, LONG),
    "wait for at once": lambda first, _: asyncio.wait_for(first, 0),
    "gather": asyncio.gather,
    "gather all": lambda first, second: asyncio.gather(first, second, first, return_exceptions=True),
    "wait first": lambda first, second: _wait(first, second, asyncio.FIRST_COMPLETED),
    "wait all": lambda first, second: _wait(first, second, asyncio.ALL_COMPLETED),
    "as completed": lambda first, _: _collect(first),
}

if hasattr(asyncio, "timeout"):
    WAYS |= {
        "group": _group,
        "within": lambda first, _: _within(first, None),
        "within a while": lambda first, _: _within(first, LONG),
        "within nothing": lambda first, _: _within(first, 0),
    }


# Those that take two. The others get the first one twice.
TWO = ("gather", "gather all", "wait first", "wait all", "group")


@dataclass(frozen=True)
class Await(Pause):
    """Wait in one of the ways for one coroutine or two."""

    way: str
    first: int
    second: int
    catch: bool

    def awaitable(self, side: CoroutineSide, _task: asyncio.Task[Any]) -> Any:
        if self.way == "await" and side.coroutines[side.number(self.first)].cr_await is not None:
            # It is being awaited already, and goes on to be.
            return side.coroutines[side.number(self.first)]
        if self.way not in TWO or side.number(self.first) == side.number(self.second):
            return WAYS[self.way](first := side.hand_over(self.first), first)
        return WAYS[self.way](side.hand_over(self.first), side.hand_over(self.second))
