"""A side that has coroutines, native or over Rust futures. Each waits at a gate, and ends as that says."""

from __future__ import annotations

import asyncio
import inspect
import sys
import time
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from crossawait_tests import Awaitable, Gate, Runtime

from oracle.describing import plain_text
from oracle.side import Side


class CoroutineKind(Protocol):
    """A way to have coroutines."""

    classes: tuple[type[Any], ...]
    settled: int

    def make(self, loop: asyncio.AbstractEventLoop, placement: str, name: str) -> tuple[Any, Any]:
        """Make a coroutine, and the gate that it waits at."""

    def open(self, coroutine: Any, gate: Any, how: str, what: Any) -> None:
        """Let the coroutine go on, and "give" or "fail" with something or "call" it."""

    def is_on_its_way(self, coroutine: Any) -> bool:
        """Tell whether it has been let go on, and its task does not know yet."""


class _Ending:
    """How a coroutine is to end. Whoever takes it leaves nothing that would keep an exception alive."""

    def __init__(self, how: str, what: Any) -> None:
        self._kept = [(how, what)]

    def take(self) -> tuple[str, Any]:
        return self._kept.pop()


async def _native(gate: asyncio.Future[Any]) -> Any:
    ending = await gate
    if not isinstance(ending, _Ending):
        # Not from the gate, but thrown in as a `StopIteration`.
        return ending
    how, what = ending.take()
    if how != "fail":
        return what() if how == "call" else what
    try:
        raise what
    finally:
        # Else the exception, its traceback and this frame would keep each other alive.
        del what


class NativeCoroutines:
    """What calling an `async def` gives."""

    classes = (asyncio.Future,)

    def __init__(self, wrap: Callable[[Any], Any] = lambda coroutine: coroutine) -> None:
        self.settled = 0
        self._wrap = wrap

    def make(self, loop: asyncio.AbstractEventLoop, _placement: str, name: str) -> tuple[Any, Any]:
        gate: asyncio.Future[_Ending] = loop.create_future()
        coroutine: Any = _native(gate)
        coroutine.__qualname__ = name
        coroutine.__name__ = name.rpartition(".")[2]
        return self._wrap(coroutine), gate

    def open(self, _coroutine: Any, gate: Any, how: str, what: Any) -> None:
        if not gate.done():
            self.settled += 1
            gate.set_result(_Ending(how, what))

    def is_on_its_way(self, _coroutine: Any) -> bool:
        return False


class RustCoroutines:
    """Coroutines whose body is a Rust future."""

    classes = (Awaitable,)

    def __init__(self, runtime: Runtime) -> None:
        self.settled = 0
        self._runtime = runtime

    def make(self, _loop: asyncio.AbstractEventLoop, placement: Any, name: str) -> tuple[Any, Any]:
        gate = Gate()
        return self._runtime.coroutine(gate, placement, name=name), gate

    def open(self, coroutine: Any, gate: Any, how: str, what: Any) -> None:
        self.settled += 1
        getattr(gate, how)(what)
        while coroutine.cr_suspended and not coroutine.cr_await.done():
            time.sleep(0.00001)

    def is_on_its_way(self, coroutine: Any) -> bool:
        waited_for = coroutine.cr_await
        return waited_for is not None and waited_for.done() and bool(waited_for._callbacks)


class CoroutineSide(Side):
    """Makes coroutines and tasks."""

    kind: Any

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.coroutines: dict[int, Any] = {}
        self.gates: dict[int, Any] = {}
        self.yielded: dict[int, Any] = {}
        self.iterators: dict[int, tuple[int, Any]] = {}
        self.placements: dict[int, str] = {}
        self.opened: set[int] = set()
        self._in_tasks: set[int] = set()
        self._known: list[weakref.ref[Any]] = []

    def call(self, placement: str) -> None:
        """Make a coroutine."""
        number = len(self._known)
        # Names last as long as the process: there are only so many.
        name = f"{self.name}:Stream.read{number % 10}"
        self.placements[number] = placement
        self.coroutines[number], self.gates[number] = self.kind.make(self.loop, placement, name)
        self._known.append(weakref.ref(self.coroutines[number]))

    def number(self, index: int) -> int:
        """Return the number of the coroutine that an index stands for."""
        numbers = list(self.coroutines)
        return numbers[index % len(numbers)]

    def hand_over(self, index: int) -> Any:
        """Return a coroutine to be put into a task. Once: see `known.py`."""
        number = self.number(index)
        if not self.is_ours(number):
            raise LookupError("a task drives it")
        self._in_tasks.add(number)
        return self.coroutines[number]

    def is_ours(self, number: int) -> bool:
        """Tell whether a coroutine may be driven by hand: no task does so."""
        return number in self.coroutines and (
            number not in self._in_tasks
            or inspect.getcoroutinestate(self.coroutines[number]) == inspect.CORO_CLOSED
        )

    def is_on_its_way(self) -> bool:
        """Tell whether an outcome has come that a task has not been told of."""
        coroutines = (reference() for reference in self._known)
        return any(coroutine is not None and self.kind.is_on_its_way(coroutine) for coroutine in coroutines)

    def open(self, number: int, how: str, what: Any) -> None:
        """Let a coroutine go on, unless it has been before."""
        coroutine = self._known[number]()
        if coroutine is None or number in self.opened:
            return
        # One that is to be spawned only if it waits: before, it would have to race with the runtime.
        if self.placements[number] != "spawn" or coroutine.cr_await is not None:
            self.opened.add(number)
            self.kind.open(coroutine, self.gates[number], how, what)

    def drop_coroutine(self, index: int) -> None:
        """Let go of a coroutine."""
        number = self.number(index)
        self.yielded.pop(number, None)
        if number in self.opened:
            del self.gates[number]
        # Else it is kept, and with it whoever waits behind it: the library does so, too.
        for place in [place for place, (whose, _) in self.iterators.items() if whose == number]:
            del self.iterators[place]
        self._gone[f"coroutine {number}"] = weakref.ref(self.coroutines.pop(number))

    def drop_all(self) -> None:
        for _ in range(len(self.coroutines)):
            self.drop_coroutine(0)
        super().drop_all()

    def look(self) -> dict[str, Any]:
        seen = super().look()
        for number, coroutine in self.coroutines.items():
            if coroutine.cr_await is None:
                # The library's future knows the outcome, and keeps it for as long as it is kept itself.
                self.yielded.pop(number, None)
            waited_for = self.yielded.get(number) if self.is_ours(number) else None
            seen[f"coroutine {number}"] = (
                describe_coroutine(coroutine),
                waited_for and (waited_for._state, waited_for.done(), waited_for._asyncio_future_blocking),
            )
        return seen


def describe_coroutine(coroutine: Any) -> Any:
    """Describe everything of a coroutine that a look does not change."""
    return (
        inspect.getcoroutinestate(coroutine),
        coroutine.cr_running,
        # Native ones tell since 3.11.
        sys.version_info >= (3, 11) and coroutine.cr_suspended,
        coroutine.cr_await is not None,
        coroutine.cr_frame is not None,
        plain_text(coroutine.__name__),
        plain_text(coroutine.__qualname__),
        plain_text(repr(coroutine)),
        asyncio.iscoroutine(coroutine),
        inspect.isawaitable(coroutine),
        asyncio.isfuture(coroutine),
    )
