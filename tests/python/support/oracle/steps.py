"""How many steps the machines have run, and how many they are to run."""

from __future__ import annotations

import collections
import math
import os

from hypothesis import HealthCheck, Phase, Verbosity, settings

Counts = collections.Counter[tuple[str, str]]

# Steps that were done on both sides and compared, by machine and mode.
RUN: Counts = collections.Counter()

# What continuous integration asks for, of each machine in each mode.
WANTED = {"futures": 12_000, "rust-backed": 8_000, "coroutines": 8_000}

STEPS_OF_AN_EXAMPLE = 100

# For longer runs, with other sequences each time: so many examples of each machine in each mode.
EXAMPLES = os.environ.get("CROSSAWAIT_ORACLE_EXAMPLES")


def plan(machine: str, examples: int | None = None) -> settings:
    """Return how long a machine is to run: for so many examples, or for as many steps as are wanted."""
    if examples is None:
        # Some examples end early.
        enough = math.ceil(WANTED[machine] / STEPS_OF_AN_EXAMPLE * 1.2)
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
