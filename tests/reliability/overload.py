"""Overload degrades: the loop goes on answering, and memory is bounded by what is pending."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping

from experiment import CUSTOM, WHEELS, Bound, Experiment, count, measured, megabytes, milliseconds

PROMISE = "overload degrades"

# For each of `--times`: a million pending at once in the full run.
PENDING = 5_000
QUICK, SLOW, BURST = 5_000, 50, 50

# What one that is pending may take: task, timer, awaitable and coroutine, and the list that holds it.
BYTES = 2_048

LATEST = {"latest tick": milliseconds(50), "p99 tick": measured("ms")}
GROWTH = {**LATEST, "growth": megabytes(20)}


def steps(milliseconds_each: int) -> dict[str, Bound]:
    """Returns how many steps a timer of 10 ms may wait for: the same bound on a busy machine."""
    return {"steps between ticks": count((10 + LATEST["latest tick"].most) / milliseconds_each)}


def experiments() -> list[Experiment]:
    """Returns every kind of overload, on every runtime."""
    # Memory is read from /proc.
    if sys.platform != "linux":
        return []
    made = []
    for runtime in WHEELS:
        made += [
            one("pending at once", runtime, "pending", PENDING, {**LATEST, "bytes each": Bound(BYTES, "B")}),
            one("16 producers, quick steps", runtime, "flood, quick steps", QUICK, GROWTH),
            one("16 producers, steps of 2 ms", runtime, "flood, slow steps", SLOW, {**GROWTH, **steps(2)}),
        ]
    if importlib.util.find_spec("crossawait_tests"):
        made += [
            one("1,000 at once, steps of 4 ms", runtime, "burst, slow steps", BURST, {**LATEST, **steps(4)})
            for runtime in (*WHEELS, CUSTOM)
        ]
    return made


def one(row: str, runtime: str, way: str, operations: int, bounds: Mapping[str, Bound]) -> Experiment:
    """Returns one kind of overload: alone, since it is about how late things come."""
    return Experiment(
        PROMISE,
        row=row,
        way="a timer of 10 ms meanwhile",
        runtime=runtime,
        program="flooding.py",
        arguments=(way,),
        operations=operations,
        each=None,
        bounds=bounds,
        alone=True,
        hangs=600,
    )
