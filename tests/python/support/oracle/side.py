"""One of the two sides: what it has made, and the log of what it has seen."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import sys
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from oracle.describing import describe, describe_error, describe_task
from oracle.kinds import Kind
from oracle.outcomes import VARIABLE, make_error

CONTEXTS = 3


class Action:
    """Something that can be done on both sides. What it is for a side that has more, it may ask for."""

    def do(self, side: Any, actor: str, /) -> Any:
        """Do it, and return what came of it."""
        raise NotImplementedError


class Surroundings(Protocol):
    """What a side is part of."""

    loop: asyncio.AbstractEventLoop

    def now(self) -> int:
        """Return the number of the loop's iteration."""

    def describe_future(self, future: Any, loop: asyncio.AbstractEventLoop, /) -> Any:
        """Describe what a look at a future shows."""


class Side:
    """Makes futures and tasks of one kind, lets actions use them, and writes down what happens."""

    def __init__(self, name: str, kind: Kind, lockstep: Surroundings) -> None:
        self.name = name
        self.kind = kind
        self.loop = lockstep.loop
        self._surroundings = lockstep
        self.log: list[tuple[Any, ...]] = []
        self.futures: dict[int, Any] = {}
        self.tasks: dict[int, asyncio.Task[Any]] = {}
        self.iterators: dict[int, Any] = {}
        self.ended: set[int] = set()
        self.callbacks: dict[int, Any] = {}
        self.contexts = [contextvars.Context() for _ in range(CONTEXTS)]
        for number, context in enumerate(self.contexts):
            context.run(VARIABLE.set, f"context {number}")
        self._gone: dict[str, weakref.ref[Any]] = {}
        self._made = 0
        self._begun = 0

    def note(self, actor: str, *what: Any) -> None:
        """Write down an event, and which iteration and which context it happened in."""
        self.log.append((actor, *what, VARIABLE.get(), self._surroundings.now()))

    def perform(self, action: Action, actor: str) -> None:
        """Do something, and write down what came of it."""
        try:
            result = action.do(self, actor)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever comes of it is compared
            self.note(actor, action, "raised", describe_error(error))
        else:
            self.note(actor, action, "returned", describe(result))

    def perform_all(self, actions: Iterable[Action], actor: str) -> None:
        """Do several things in a row."""
        for action in actions:
            self.perform(action, actor)

    def perform_while_handling(self, actions: Iterable[Action], actor: str) -> None:
        """Do several things where another exception is being handled, which becomes a context."""
        try:
            raise make_error("instance", self.name, "being handled")
        except LookupError:
            self.perform_all(actions, actor)

    async def perform_in_a_task(self, actions: Iterable[Action], actor: str) -> None:
        """Do several things where a task is current."""
        self.perform_all(actions, actor)

    def make(self, variety: str) -> Any:
        """Make a future."""
        return self.take(self.kind.make(self.loop, variety))

    def take(self, future: Any) -> Any:
        """Take a future that was made, and give it a number."""
        future.number = self._made
        future.owner = self.name
        self.futures[self._made] = future
        self._made += 1
        return future

    def future(self, index: int) -> Any:
        """Return one of the futures that there are."""
        return self.futures[self.number(index)]

    def number(self, index: int) -> int:
        """Return the number of the future that an index stands for: that one, or if it is gone another."""
        if index in self.futures:
            return index
        numbers = list(self.futures)
        return numbers[index % len(numbers)]

    def drop(self, index: int) -> None:
        """Let go of a future."""
        number = self.number(index)
        future = self.futures.pop(number)
        self._gone[f"future {number}"] = weakref.ref(future)

    def begin(self, make_coroutine: Callable[[str], Any], context: int | None = None) -> int:
        """Make a task of a coroutine, which is told the name that the task will have; return its number."""
        number = self._begun
        self._begun += 1
        name = f"{self.name}:task {number}"
        make = functools.partial(self.loop.create_task, make_coroutine(name), name=name)
        # A context that is given is shared with callbacks and other tasks, else there is a copy. Up to 3.10
        # none can be given, and an eager task that finds its context in use leaves the loop in ruins.
        if context is None or sys.version_info < (3, 11) or self.loop.get_task_factory() is not None:
            self.tasks[number] = make()
        else:
            self.tasks[number] = make(context=self.contexts[context])
        return number

    def task(self, index: int, before: asyncio.Task[Any] | None = None) -> asyncio.Task[Any]:
        """Return one of the tasks; for a task that is to wait for it, one that was there before."""
        numbers = list(self.tasks)
        # Those that wait for each other cannot be cancelled: asyncio would ask one after the other for ever.
        for place, task in enumerate(self.tasks.values()):
            if task is before:
                numbers = numbers[:place]
        if not numbers:
            raise LookupError("there is no task")
        return self.tasks[numbers[index % len(numbers)]]

    def drop_task(self, index: int) -> None:
        """Let go of a task."""
        numbers = list(self.tasks)
        if numbers:
            number = numbers[index % len(numbers)]
            self._gone[f"task {number}"] = weakref.ref(self.tasks.pop(number))

    def is_on_its_way(self) -> bool:
        """Tell whether a future has settled whose waiters have not been told."""
        return any(future.done() and future._callbacks for future in self.futures.values())

    def drop_all(self) -> None:
        """Let go of everything."""
        for _ in range(len(self.futures)):
            self.drop(0)
        for _ in range(len(self.tasks)):
            self.drop_task(0)
        self.iterators.clear()
        self.callbacks.clear()

    def look(self) -> dict[str, Any]:
        """Describe whatever there is."""
        seen: dict[str, Any] = {
            f"future {number}": self._surroundings.describe_future(future, self.loop)
            for number, future in self.futures.items()
        }
        for number, task in self.tasks.items():
            seen[f"task {number}"] = describe_task(task)
        return seen

    def look_back(self) -> dict[str, str]:
        """Tell what is left of that which was let go."""
        return {name: "gone" if left() is None else "kept alive" for name, left in self._gone.items()}
