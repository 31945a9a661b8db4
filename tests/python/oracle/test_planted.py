"""The oracle's own proof: it finds bugs that were put there, and none where there is none."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import pytest

from oracle.coroutine_side import NativeCoroutines
from oracle.coroutines import Coroutines
from oracle.futures import Futures
from oracle.kinds import Kind, MadeInPython, SettledOnce
from oracle.lockstep import Disagreement, Lockstep
from oracle.machine import Machine, run
from oracle.modes import MODES
from oracle.planted import COROUTINES, FUTURES, PurePython, SecondWaiterLost, Wrapped
from oracle.resting import AtRest, WithCoroutines
from oracle.rust_backed import RustBackedFutures

MODE = MODES["asyncio"]
# Most bugs are found in the first few; what is none is looked for in as many.
MOST_EXAMPLES, EXAMPLES = 200, 20

FUTURE_MACHINES: dict[type[Machine], tuple[type[Lockstep], Callable[[type[Any]], Kind]]] = {
    Futures: (Lockstep, MadeInPython),
    RustBackedFutures: (AtRest, SettledOnce),
}


def renamed(future: type[Any]) -> type[Any]:
    """Return the same class under the name that all have here: nobody is to be found by the name."""
    return type("Planted", (future,), {})


def compare_futures(
    machine: type[Machine], expected: type[Any], actual: type[Any], examples: int = MOST_EXAMPLES
) -> None:
    lockstep, kind = FUTURE_MACHINES[machine]
    expected, actual = renamed(expected), renamed(actual)
    run(
        machine,
        MODE,
        lambda: lockstep(MODE, kind(expected), kind(actual)),
        examples=examples,
        counts=collections.Counter(),
        replays=0,
    )


def compare_coroutines(
    expected: Callable[[Any], Any], actual: Callable[[Any], Any], examples: int = MOST_EXAMPLES
) -> None:
    run(
        Coroutines,
        MODE,
        lambda: WithCoroutines(MODE, NativeCoroutines(expected), NativeCoroutines(actual)),
        examples=examples,
        counts=collections.Counter(),
        replays=0,
    )


@pytest.mark.parametrize("machine", FUTURE_MACHINES, ids=lambda machine: machine.name)
@pytest.mark.parametrize("planted", FUTURES, ids=lambda planted: planted.__name__)
def test_oracle_finds_planted_bugs(machine: type[Machine], planted: type[Any]) -> None:
    with pytest.raises(Disagreement):
        compare_futures(machine, PurePython, planted)


@pytest.mark.parametrize("planted", COROUTINES, ids=lambda planted: planted.__name__)
def test_oracle_finds_planted_bugs_in_coroutines(planted: Callable[[Any], Any]) -> None:
    with pytest.raises(Disagreement):
        compare_coroutines(Wrapped, planted)


@pytest.mark.parametrize("machine", FUTURE_MACHINES, ids=lambda machine: machine.name)
def test_oracle_finds_nothing_where_nothing_is(machine: type[Machine]) -> None:
    compare_futures(machine, PurePython, PurePython, EXAMPLES)


def test_oracle_finds_nothing_in_coroutines_where_nothing_is() -> None:
    compare_coroutines(Wrapped, Wrapped, EXAMPLES)


def test_what_led_to_a_disagreement_is_shortened() -> None:
    with pytest.raises(Disagreement) as found:
        run(
            Futures,
            MODE,
            lambda: Lockstep(
                MODE, MadeInPython(renamed(PurePython)), MadeInPython(renamed(SecondWaiterLost))
            ),
            counts=collections.Counter(),
        )
    # Make a future, add a callback, add another.
    assert str(found.value).count("Perform") <= 4
