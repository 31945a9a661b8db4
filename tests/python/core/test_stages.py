"""A coroutine at every stage of its life answers as an `async def`'s does, whatever is done to it."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import warnings
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

import pytest
from crossawait_tests import Gate, Runtime

from tasks import wait_until
from twins import NativeCoroutine, RustCoroutine, Twin, outcome, plain

OLD_WAY_TO_THROW = "ignore:the .type, exc, tb. signature:DeprecationWarning"

Stage = Callable[[Twin], None]
Action = Callable[[Any], Any]


def created(twin: Twin) -> None:
    pass


def suspended(twin: Twin) -> None:
    twin.given.send(None)


def due(twin: Twin) -> None:
    """What it waits for has come, and it has not been resumed."""
    suspended(twin)
    twin.settle("value")


def due_with_an_error(twin: Twin) -> None:
    suspended(twin)
    twin.settle("error")


def returned(twin: Twin) -> None:
    due(twin)
    resumed(twin, StopIteration)


def returned_at_once(twin: Twin) -> None:
    twin.settle_at_once("value")
    resumed(twin, StopIteration)


def raised(twin: Twin) -> None:
    due_with_an_error(twin)
    resumed(twin, LookupError)


def raised_at_once(twin: Twin) -> None:
    twin.settle_at_once("error")
    resumed(twin, LookupError)


def closed(twin: Twin) -> None:
    twin.given.close()


def closed_while_suspended(twin: Twin) -> None:
    suspended(twin)
    twin.given.close()


def thrown_into(twin: Twin) -> None:
    with pytest.raises(KeyError):
        twin.given.throw(KeyError("thrown"))


def thrown_into_while_suspended(twin: Twin) -> None:
    suspended(twin)
    thrown_into(twin)


def resumed(twin: Twin, end: type[BaseException]) -> None:
    with pytest.raises(end):
        twin.given.send(None)


STAGES: list[Stage] = [
    created,
    suspended,
    due,
    due_with_an_error,
    returned,
    returned_at_once,
    raised,
    raised_at_once,
    closed,
    closed_while_suspended,
    thrown_into,
    thrown_into_while_suspended,
]


async def awaiting(coroutine: Any) -> Any:
    return await coroutine


# Each would take what it awaits with it when it ends.
outer_ones: list[Coroutine[Any, Any, Any]] = []


def await_in_another(coroutine: Any) -> Any:
    outer_ones.append(awaiting(coroutine))
    return outer_ones[-1].send(None)


def send(coroutine: Any) -> Any:
    return coroutine.send(None)


def send_a_value(coroutine: Any) -> Any:
    return coroutine.send("value")


def throw(coroutine: Any) -> Any:
    return coroutine.throw(KeyError("thrown"))


def throw_a_class(coroutine: Any) -> Any:
    return coroutine.throw(KeyError)


def throw_class_and_value(coroutine: Any) -> Any:
    return coroutine.throw(KeyError, "thrown", None)


def throw_generator_exit(coroutine: Any) -> Any:
    return coroutine.throw(GeneratorExit)


def throw_stop_iteration(coroutine: Any) -> Any:
    return coroutine.throw(StopIteration("thrown"))


def throw_a_cancellation(coroutine: Any) -> Any:
    return coroutine.throw(asyncio.CancelledError("thrown"))


def close(coroutine: Any) -> Any:
    return coroutine.close()


ACTIONS: list[Action] = [
    send,
    send_a_value,
    throw,
    throw_a_class,
    throw_class_and_value,
    throw_generator_exit,
    throw_stop_iteration,
    throw_a_cancellation,
    close,
    await_in_another,
]


def looked_at(coroutine: Any) -> object:
    """Return what can be seen of a coroutine without doing anything to it."""
    suspended = coroutine.cr_suspended if sys.version_info >= (3, 11) else None
    return coroutine.cr_running, suspended, coroutine.cr_await is None, plain(repr(coroutine))


def lived_through(twin: Twin, stage: Stage, actions: tuple[Action, ...]) -> list[object]:
    """Bring it to a stage, act on it, and return all that was seen."""
    stage(twin)
    seen = [looked_at(twin.given)]
    for act in actions:
        kind, result = outcome(partial(act, twin.given))
        # What is yielded is a future: which one, the yielder decides.
        seen += [kind, "a future" if asyncio.isfuture(result) else result, looked_at(twin.given)]
    twin.given.close()
    while outer_ones:
        outer_ones.pop().close()
    return seen


def differences(rust: Runtime, stage: Stage, sequences: Iterable[tuple[Action, ...]]) -> dict[object, object]:
    """Return where the twins were not the same, and what each of them was."""
    found: dict[object, object] = {}
    for actions in sequences:
        ours, native = (
            lived_through(make(rust), stage, actions) for make in (RustCoroutine, NativeCoroutine)
        )
        if ours != native:
            found[tuple(action.__name__ for action in actions)] = ours, native
    return found


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
@pytest.mark.filterwarnings(OLD_WAY_TO_THROW)
async def test_whatever_is_done_to_it_it_does_as_its_twin_does(rust: Runtime, stage: Stage) -> None:
    # Twice in a row: what the first action did to it shows in the second.
    assert differences(rust, stage, itertools.product(ACTIONS, ACTIONS)) == {}


async def test_the_old_way_to_throw_warns_when_its_twin_does(rust: Runtime) -> None:
    def warnings_of(twin: Twin) -> list[tuple[str, type[Warning], str]]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with pytest.raises(KeyError):
                throw_class_and_value(twin.given)
        return [(str(each.message), each.category, each.filename) for each in caught]

    ours, native = (warnings_of(make(rust)) for make in (RustCoroutine, NativeCoroutine))
    assert ours == native
    assert bool(ours) is (sys.version_info >= (3, 12))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
async def test_thrown_away_it_warns_when_its_twin_does(rust: Runtime, stage: Stage) -> None:
    def warnings_of(twin: Twin) -> list[tuple[str, type[Warning], str, int]]:
        stage(twin)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del twin.given
            gc.collect()
        # The first line: in debug mode more follow, see `test_reports.py`.
        return [
            (str(each.message).splitlines()[0], each.category, each.filename, each.lineno) for each in caught
        ]

    ours, native = (warnings_of(make(rust)) for make in (RustCoroutine, NativeCoroutine))
    assert ours == native
    assert bool(ours) is (stage is created)


async def test_from_inside_itself_it_can_be_neither_driven_nor_closed(rust: Runtime) -> None:
    """Converting an outcome may run Python code, while the coroutine is on its way out."""

    def act() -> list[object]:
        coroutine = box[0]
        return [outcome(partial(action, coroutine)) for action in ACTIONS] + [coroutine.cr_running]

    async def acting() -> list[object]:
        return act()

    def seen() -> object:
        with pytest.raises(StopIteration) as stopped:
            box[0].send(None)
        while outer_ones:
            outer_ones.pop().close()
        return stopped.value.value

    box: list[Any] = [acting()]
    native = seen()
    for pending in False, True:
        gate = Gate()
        box[0] = rust.coroutine(gate)
        awaited = box[0].send(None) if pending else None
        gate.call(act)
        if awaited is not None:
            wait_until(awaited.done)
        assert seen() == native
