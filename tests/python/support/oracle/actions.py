"""What can be done to futures and tasks. Every action is tiny, comparable, and can be done from anywhere."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oracle.callbacks import EQUAL, Callback, Uncallable
from oracle.describing import plain_text
from oracle.outcomes import MESSAGES, VALUES, VARIABLE, make_error
from oracle.side import Action, Side


@dataclass(frozen=True)
class Make(Action):
    """Make a future."""

    variety: str

    def do(self, side: Side, _actor: str) -> Any:
        return side.make(self.variety)


@dataclass(frozen=True)
class MakeGiven(Action):
    """Make a future that has its value from the beginning."""

    variety: str
    value: str

    def do(self, side: Side, _actor: str) -> Any:
        return side.take(side.kind.make_given(side.loop, self.variety, VALUES[self.value]))


@dataclass(frozen=True)
class Give(Action):
    """Settle a future with a value."""

    future: int
    value: str

    def do(self, side: Side, _actor: str) -> Any:
        return side.kind.give(side.future(self.future), VALUES[self.value])


@dataclass(frozen=True)
class Fail(Action):
    """Settle a future with an exception, or try to do so with what is none."""

    future: int
    error: str

    def do(self, side: Side, _actor: str) -> Any:
        future = side.future(self.future)
        return side.kind.fail(
            future, make_error(self.error, side.name, f"{self.error} of future {future.number}")
        )


@dataclass(frozen=True)
class Cancel(Action):
    """Cancel a future."""

    future: int
    message: str | None
    by_name: bool = False

    def do(self, side: Side, _actor: str) -> Any:
        return cancel(side.future(self.future), self.message, self.by_name)


def cancel(target: Any, message: str | None, by_name: bool) -> Any:
    """Cancel with or without a message."""
    if message is None:
        return target.cancel()
    return target.cancel(msg=MESSAGES[message]) if by_name else target.cancel(MESSAGES[message])


@dataclass(frozen=True)
class Add(Action):
    """Add a callback to a future: in the current context, or in one of the side's."""

    future: int
    slot: int
    context: int | None = None
    manner: str = "identity"
    raises: str | None = None
    script: tuple[Action, ...] = ()

    def do(self, side: Side, actor: str) -> Any:
        label = f"callback {self.slot}" if actor == "step" else f"{actor}, {self.slot}"
        callback = Callback(side, label, self.manner, self.script, self.raises)
        side.callbacks[self.slot] = callback
        return _add(side, side.future(self.future), callback, self.context)


@dataclass(frozen=True)
class AddUncallable(Action):
    """Add what cannot be called."""

    future: int

    def do(self, side: Side, _actor: str) -> Any:
        return side.future(self.future).add_done_callback(Uncallable(side, "uncallable"))


@dataclass(frozen=True)
class AddAgain(Action):
    """Add a callback that was added before, here or elsewhere."""

    future: int
    slot: int
    context: int | None = None

    def do(self, side: Side, _actor: str) -> Any:
        callback = side.callbacks.get(self.slot)
        return callback and _add(side, side.future(self.future), callback, self.context)


def _add(side: Side, future: Any, callback: Callback, context: int | None) -> Any:
    if context is None:
        return future.add_done_callback(callback)
    return future.add_done_callback(callback, context=side.contexts[context])


@dataclass(frozen=True)
class Remove(Action):
    """Remove a callback: the one that was added last, or one that is only equal to it."""

    future: int
    slot: int
    twin: bool = False

    def do(self, side: Side, _actor: str) -> Any:
        callback = side.callbacks.get(self.slot)
        if callback is None or self.twin:
            callback = Callback(side, callback.label if callback else f"callback {self.slot}", EQUAL)
        return side.future(self.future).remove_done_callback(callback)


QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "result": lambda future: future.result(),
    "exception": lambda future: future.exception(),
    "repr": lambda future: plain_text(repr(future)),
    "done": lambda future: (future.done(), future.cancelled()),
    "cancelled error": lambda future: future._make_cancelled_error(),
    "loop": lambda future: future.get_loop() is future._loop,
    "is future": lambda future: (asyncio.isfuture(future), asyncio.iscoroutine(future)),
    "ensured": lambda future: asyncio.ensure_future(future) is future,
    "wrapped": lambda future: asyncio.wrap_future(future, loop=future.get_loop()) is future,
    "stack": lambda future: future._source_traceback is not None,
    "equality": lambda future: (future == future, future != future, len({future, future})),
}


@dataclass(frozen=True)
class Ask(Action):
    """Ask a future something."""

    future: int
    question: str

    def do(self, side: Side, _actor: str) -> Any:
        return QUESTIONS[self.question](side.future(self.future))


@dataclass(frozen=True)
class Touch(Action):
    """Set one of the attributes that asyncio's own code sets."""

    future: int
    attribute: str
    value: object

    def do(self, side: Side, _actor: str) -> Any:
        setattr(side.future(self.future), self.attribute, self.value)


@dataclass(frozen=True)
class SetVariable(Action):
    """Set the context variable, wherever this is done."""

    value: str

    def do(self, _side: Side, _actor: str) -> Any:
        VARIABLE.set(self.value)


@dataclass(frozen=True)
class CallSoon(Action):
    """Have something unrelated called: what comes before and what after it is part of what is compared."""

    def do(self, side: Side, actor: str) -> Any:
        side.loop.call_soon(side.note, f"{actor}, soon", "called", context=contextvars.Context())


@dataclass(frozen=True)
class CancelTask(Action):
    """Cancel a task."""

    task: int
    message: str | None

    def do(self, side: Side, _actor: str) -> Any:
        return cancel(side.task(self.task), self.message, by_name=False)


@dataclass(frozen=True)
class Uncancel(Action):
    """Take the cancellation of a task back, as `asyncio.timeout` does."""

    task: int

    def do(self, side: Side, _actor: str) -> Any:
        # Since 3.11; before that both sides say that there is no such thing.
        task: Any = side.task(self.task)
        return task.uncancel()


@dataclass(frozen=True)
class Drop(Action):
    """Let go of a future, unless it is the last."""

    future: int

    def do(self, side: Side, _actor: str) -> Any:
        if len(side.futures) > 1:
            side.drop(self.future)


@dataclass(frozen=True)
class DropIdle(Action):
    """Let go of a future that nobody waits for."""

    future: int

    def do(self, side: Side, _actor: str) -> Any:
        if len(side.futures) > 1 and not side.future(self.future)._callbacks:
            side.drop(self.future)


@dataclass(frozen=True)
class DropTask(Action):
    """Let go of a task."""

    task: int

    def do(self, side: Side, _actor: str) -> Any:
        side.drop_task(self.task)
