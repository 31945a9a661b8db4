"""The collector finds its way through everything that an awaitable or a coroutine refers to."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from crossawait_tests import Awaitable, Gate, Runtime

variable: contextvars.ContextVar[object] = contextvars.ContextVar("variable")


class Subclass(Awaitable[Any]):
    """One with attributes of its own, in a dictionary and in a slot."""

    __slots__ = ("slot",)

    slot: object


def over_the_result(_: Runtime) -> object:
    awaitable: Awaitable[Any] = Awaitable()
    awaitable.set_result({"key": [awaitable]})
    return awaitable


def over_the_exception(_: Runtime) -> object:
    awaitable: Awaitable[Any] = Awaitable()
    error = LookupError(awaitable)
    awaitable.set_exception(error)
    awaitable.exception()
    return awaitable


def over_a_frame_that_awaited_it(_: Runtime) -> object:
    async def wait(awaitable: Awaitable[Any]) -> None:
        await awaitable

    awaitable: Awaitable[Any] = Awaitable()
    awaitable.set_exception(LookupError("missing"))
    with pytest.raises(LookupError):
        wait(awaitable).send(None)
    return awaitable


def over_the_cancel_message(rust: Runtime) -> object:
    awaitable = rust.awaitable(Gate())
    awaitable.cancel([awaitable])
    return awaitable


def over_a_callbacks_context(_: Runtime) -> object:
    awaitable: Awaitable[Any] = Awaitable()
    context = contextvars.Context()
    context.run(variable.set, awaitable)
    awaitable.add_done_callback(id, context=context)
    return awaitable


def over_several_callbacks(_: Runtime) -> object:
    awaitable: Awaitable[Any] = Awaitable()
    for _number in range(3):
        awaitable.add_done_callback(partial(id, awaitable))
    return awaitable


def over_an_attribute(rust: Runtime) -> object:
    awaitable: Any = rust.awaitable(Gate())
    awaitable.itself = awaitable
    return awaitable


def over_a_subclass(_: Runtime) -> object:
    awaitable: Any = Subclass()
    awaitable.slot = awaitable.other = awaitable
    return awaitable


def over_its_iterator(rust: Runtime) -> object:
    awaitable: Any = rust.awaitable(Gate())
    awaitable.iterator = iter(awaitable)
    next(awaitable.iterator)
    return awaitable


def over_what_a_coroutine_waits_for(rust: Runtime) -> object:
    coroutine = rust.coroutine(Gate())
    awaited: Any = coroutine.send(None)
    awaited.coroutine = coroutine
    return coroutine


def over_the_argument_of_a_call(rust: Runtime) -> object:
    """One that has not started refers to what it is going to call, and is closed by it."""
    held: list[object] = []
    coroutine = rust.call_blocking(id, held)
    held.append(coroutine)
    return coroutine


def over_its_gate(rust: Runtime) -> object:
    """A value on its way is the Rust future's, where no collector looks, and is found when it has arrived."""
    gate = Gate()
    awaitable = rust.awaitable(gate)
    gate.give([awaitable])
    awaitable.wait()
    return awaitable


CYCLES: list[Callable[[Runtime], object]] = [
    over_the_result,
    over_the_exception,
    over_a_frame_that_awaited_it,
    over_the_cancel_message,
    over_a_callbacks_context,
    over_several_callbacks,
    over_an_attribute,
    over_a_subclass,
    over_its_iterator,
    over_what_a_coroutine_waits_for,
    over_the_argument_of_a_call,
    over_its_gate,
]


# The one that has never started says so, even when it is the collector that takes it.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize("cycle", CYCLES, ids=lambda cycle: cycle.__name__)
async def test_a_cycle_is_collected(rust: Runtime, cycle: Callable[[Runtime], object]) -> None:
    thing = cycle(rust)
    assert gc.is_tracked(thing)
    # The loop may have a callback to call first, which holds it.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.disable()
    try:
        reference = weakref.ref(thing)
        del thing
        assert reference() is not None, "it is no cycle"
        gc.collect()
        assert reference() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", ["awaitable", "coroutine"])
async def test_a_weak_references_callback_is_called(rust: Runtime, kind: str) -> None:
    thing: Any = rust.awaitable(Gate()) if kind == "awaitable" else rust.coroutine(Gate())
    gone: list[object] = []
    reference = weakref.ref(thing, gone.append)
    keys = weakref.WeakKeyDictionary({thing: "found"})
    values = weakref.WeakSet([thing])
    assert keys[thing] == "found"
    assert thing in values
    if kind == "coroutine":
        thing.close()
    del thing
    assert gone == [reference]
    assert (len(keys), len(values)) == (0, 0)


async def test_what_others_see_of_it_while_it_is_collected(rust: Runtime) -> None:
    """A finaliser elsewhere in a cycle may look at an awaitable that the collector takes with it."""

    class Looking:
        """Looks at an awaitable at its end."""

        def __init__(self, awaitable: Awaitable[Any]) -> None:
            self.awaitable = awaitable

        def __del__(self) -> None:
            seen.append((self.awaitable.done(), self.awaitable._state))

    seen: list[tuple[bool, str]] = []
    awaitable: Awaitable[Any] = Awaitable()
    awaitable.set_result(Looking(awaitable))
    pending: Any = Awaitable()
    pending.looking = Looking(pending)
    del awaitable, pending
    gc.collect()
    assert sorted(seen) == [(False, "PENDING"), (True, "FINISHED")]
