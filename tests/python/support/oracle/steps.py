"""How many steps the machines have run, and how many they are to run."""

from __future__ import annotations

import collections
import math
import os

from hypothesis import HealthCheck, Phase, Verbosity, settings

from oracle.modes import Mode

Counts = collections.Counter[tuple[str, str]]

# Steps that were done on both sides and compared, by machine and mode.
RUN: Counts = collections.Counter()

# What continuous integration asks for, of each machine on an ordinary loop.
WANTED = {"futures": 12_000, "rust-backed": 9_500, "coroutines": 9_500}

STEPS_OF_AN_EXAMPLE = 100

# For longer runs, with other sequences each time: so many examples of each machine in each mode.
EXAMPLES = os.environ.get("CROSSAWAIT_ORACLE_EXAMPLES")


def wanted(machine: str, mode: Mode) -> int:
    """Return how many steps a machine is to run on a kind of loop."""
    return int(WANTED[machine] * mode.share)


def plan(machine: str, mode: Mode, examples: int | None = None) -> settings:
    """Return how long a machine is to run: for so many examples, or for as many steps as are wanted."""
    if examples is None:
        # Some steps find nothing to do, and do not count.
        enough = math.ceil(wanted(machine, mode) / STEPS_OF_AN_EXAMPLE * 1.35)
        examples = enough if EXAMPLES is None else int(EXAMPLES)
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS_OF_AN_EXAMPLE,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        # What fails is shortened in `machine.py`.
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
    )
