"""Threads: eight loops share one runtime, and awaitables end wherever anybody has them."""

from __future__ import annotations

import importlib.util
import itertools

from experiment import CUSTOM, WHEELS, Experiment

PROMISE = "threads may share"

# Awaitables for each of `--times`.
AWAITABLES = 1000

WAYS = {
    "made in Python": "made in Python, settled anywhere",
    "Rust's": "of Rust, ended anywhere",
}


def experiments() -> list[Experiment]:
    """Returns both kinds of awaitables, on every executor."""
    if importlib.util.find_spec("crossawait_tests") is None:
        return []
    return [
        Experiment(
            PROMISE,
            row=f"8 loops in 8 threads, awaitables {row}",
            way="settled, cancelled, awaited, waited for, dropped",
            runtime=runtime,
            program="crossing.py",
            arguments=(way,),
            operations=AWAITABLES,
            each=None,
            hangs=300,
        )
        for runtime, (way, row) in itertools.product((*WHEELS, CUSTOM), WAYS.items())
    ]
