"""Nothing leaks: memory flat, descriptors and threads constant, nothing left to the garbage collector."""

from __future__ import annotations

import importlib.util
import itertools
import sys

from experiment import CUSTOM, WHEELS, Experiment, count, measured, megabytes

PROMISE = "nothing leaks"

# Calls for each of `--times`: together ten million in the full run, on each runtime.
CALLS = {
    "crossings": 25_000,
    "cancellations": 15_000,
    "timers": 5_000,
    "blocking": 4_500,
    "sockets": 500,
}
DROPPED = 5_000

# Threads of the blocking pool, which come and go; see the program.
POOL = 4


def experiments() -> list[Experiment]:
    """Returns every kind of call, on every runtime."""
    # What is left is read from /proc.
    if sys.platform != "linux":
        return []
    made = [
        Experiment(
            PROMISE,
            row=kind,
            way="gathered",
            runtime=runtime,
            program="leaking.py",
            arguments=(kind,),
            operations=operations,
            each=None,
            bounds={
                "growth": megabytes(5),
                "growth in between": measured("MB"),
                "files": count(0),
                "threads": count(POOL),
                "garbage": count(0),
            },
            hangs=1800,
        )
        for runtime, (kind, operations) in itertools.product(WHEELS, CALLS.items())
    ]
    if importlib.util.find_spec("crossawait_tests"):
        made += [
            Experiment(
                PROMISE,
                row="dropped un-awaited",
                way="counted",
                runtime=runtime,
                program="leaking.py",
                arguments=("dropped",),
                operations=DROPPED,
                each=None,
                hangs=1800,
            )
            for runtime in (*WHEELS, CUSTOM)
        ]
    return made
