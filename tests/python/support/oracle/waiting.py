"""Tasks that wait for futures, in each way that asyncio has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any

from oracle.describing import describe, describe_error
from oracle.outcomes import VALUES
from oracle.side import Action, Side

# Longer than any test: a timer that is set and cancelled, and never rings.
LONG = 100_000.0


class Delegating:
    """Awaits through a generator written in Python."""

    def __init__(self, future: Any) -> None:
        self.future = future

    def __await__(self) -> Generator[Any, None, Any]:
        return (yield from self.future)


class Iterating(Delegating):
    """Awaits through the iterator that everybody else gets."""

    def __await__(self) -> Generator[Any, None, Any]:
        iterator: Generator[Any, None, Any] = iter(self.future)
        return iterator


class Bare(Delegating):
    """Yields the future without the mark that says it is to be waited for."""

    def __await__(self) -> Generator[Any, None, Any]:
        return (yield self.future)


# For what is there since 3.11.
_asyncio: Any = asyncio


async def _nested(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _both(first: Any, second: Any) -> set[Any]:
    # Of two that are done, a set that has no order decides whose callback comes first.
    return {first} if first.done() and second.done() else {first, second}


async def _wait(first: Any, second: Any, when: str) -> Any:
    return [*await asyncio.wait(_both(first, second), return_when=when)]


async def _collect(first: Any, second: Any) -> int:
    count = 0
    for next_one in asyncio.as_completed(_both(first, second)):
        await next_one
        count += 1
    return count


async def _within(future: Any, seconds: float | None) -> Any:
    async with _asyncio.timeout(seconds):
        return await future


WAYS: dict[str, Callable[[Any, Any], Awaitable[Any]]] = {
    "await": lambda first, _: first,
    "twice": lambda first, _: _nested(_twice(first)),
    "nested": lambda first, _: _nested(first),
    "delegate": lambda first, _: Delegating(first),
    "iterate": lambda first, _: Iterating(first),
    "bare": lambda first, _: Bare(first),
    "shield": lambda first, _: asyncio.shield(first),
    "ensure": lambda first, _: asyncio.ensure_future(first),
    "wrap": lambda first, _: asyncio.wrap_future(first),
    "wait for": lambda first, _: asyncio.wait_for(first, None),
    "wait for a while": lambda first, _: asyncio.wait_for(first, LONG),
    "wait for at once": lambda first, _: asyncio.wait_for(first, 0),
    "wait for shielded": lambda first, _: asyncio.wait_for(asyncio.shield(first), LONG),
    "gather": asyncio.gather,
    "gather all": lambda first, second: asyncio.gather(first, second, first, return_exceptions=True),
    "wait first": lambda first, second: _wait(first, second, asyncio.FIRST_COMPLETED),
    "wait exception": lambda first, second: _wait(first, second, asyncio.FIRST_EXCEPTION),
    "wait all": lambda first, second: _wait(first, second, asyncio.ALL_COMPLETED),
    "as completed": _collect,
}

if hasattr(asyncio, "timeout"):
    WAYS |= {
        "within": lambda first, _: _within(first, None),
        "within a while": lambda first, _: _within(first, LONG),
        "within nothing": lambda first, _: _within(first, 0),
    }


async def _twice(future: Any) -> Any:
    return (await future, await future)


class Pause:
    """A step of a task that waits for something; what is caught does not end the task."""

    catch: bool

    def awaitable(self, side: Any, task: asyncio.Task[Any], /) -> Any:
        """Return what is to be awaited."""
        raise NotImplementedError


@dataclass(frozen=True)
class Wait(Pause):
    """Wait in one of the ways for one future or two."""

    way: str
    first: int
    second: int
    catch: bool

    def awaitable(self, side: Side, _task: asyncio.Task[Any]) -> Any:
        return WAYS[self.way](side.future(self.first), side.future(self.second))


@dataclass(frozen=True)
class WaitForTask(Pause):
    """Wait for another task."""

    task: int
    catch: bool

    def awaitable(self, side: Side, task: asyncio.Task[Any]) -> Any:
        return side.task(self.task, before=task)


@dataclass(frozen=True)
class Sleep(Pause):
    """Let the loop go round once."""

    catch: bool

    def awaitable(self, _side: Side, _task: asyncio.Task[Any]) -> Any:
        return asyncio.sleep(0)


@dataclass(frozen=True)
class Begin(Action):
    """Make a task that does and awaits what its script says."""

    script: tuple[Any, ...]
    context: int | None = None

    def do(self, side: Side, _actor: str) -> Any:
        return side.begin(lambda name: run(side, self.script, name), self.context)


async def run(side: Side, script: tuple[Any, ...], name: str) -> Any:
    """Do one thing after the other, and write down what came of each."""
    task = asyncio.current_task()
    assert task is not None
    # An eager one begins before it is given its name.
    task.set_name(name)
    actor = describe(name)
    side.note(actor, "begins")
    for step in script:
        if not isinstance(step, Pause):
            action: Action = step
            side.perform(action, actor)
            continue
        try:
            value = await step.awaitable(side, task)
        except BaseException as error:
            side.note(actor, step, "raised", describe_error(error))
            if asyncio.current_task(side.loop) is not task:
                # Closed by the garbage collector, which has no ear for anything that is raised.
                return None
            if not step.catch or isinstance(error, GeneratorExit):
                raise
        else:
            side.note(actor, step, "returned", describe(value))
    return VALUES["tuple"]
