"""Ours and asyncio's own through the same random sequences, with everything compared after every step.

What the machines do and how they compare is in `oracle` among the tests' support.
`CROSSAWAIT_ORACLE_EXAMPLES=2000` runs that many sequences of each kind, and others each time.
"""

from __future__ import annotations

import asyncio

import pytest
from crossawait_tests import Awaitable, Runtime

from oracle.coroutine_side import NativeCoroutines, RustCoroutines
from oracle.coroutines import Coroutines
from oracle.futures import Futures
from oracle.kinds import MadeInPython, RustBacked, SettledOnce
from oracle.lockstep import Lockstep
from oracle.machine import run
from oracle.modes import MODES, Mode
from oracle.resting import AtRest, WithCoroutines
from oracle.rust_backed import RustBackedFutures
from oracle.steps import EXAMPLES, RUN, WANTED, wanted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0 if EXAMPLES else 300)]


def test_made_in_python(mode: Mode) -> None:
    run(
        Futures,
        mode,
        lambda: Lockstep(mode, MadeInPython(asyncio.Future), MadeInPython(Awaitable)),
    )


def test_rust_backed(mode: Mode, one_worker: Runtime) -> None:
    run(
        RustBackedFutures,
        mode,
        lambda: AtRest(mode, SettledOnce(asyncio.Future), RustBacked(one_worker)),
    )


def test_coroutines(mode: Mode, one_worker: Runtime) -> None:
    if not mode.has_coroutines:
        pytest.skip("the tracebacks of eager tasks keep one twin longer than the other")
    run(
        Coroutines,
        mode,
        lambda: WithCoroutines(mode, NativeCoroutines(), RustCoroutines(one_worker)),
    )


def machines(mode: Mode) -> list[str]:
    """Return the machines that run on a kind of loop."""
    return [machine for machine in WANTED if mode.has_coroutines or machine != "coroutines"]


in_ci = pytest.mark.skipif(EXAMPLES is not None, reason="as many examples were run as were asked for")


@in_ci
@pytest.mark.parametrize("name", MODES)
def test_the_machines_have_run_their_steps(name: str) -> None:
    ran = {machine: RUN[machine, name] for machine in machines(MODES[name])}
    if 0 in ran.values():
        pytest.skip("not all machines were selected")
    assert [machine for machine in ran if ran[machine] < wanted(machine, MODES[name])] == []


@in_ci
def test_a_hundred_thousand_steps() -> None:
    if {(machine, name) for name, mode in MODES.items() for machine in machines(mode)} - RUN.keys():
        pytest.skip("not all machines were selected")
    assert sum(RUN.values()) >= 100_000
