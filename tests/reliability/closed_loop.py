"""A closed loop is silent: whatever comes for it is thrown away, and nothing of it stays."""

from __future__ import annotations

import itertools
import sys

from experiment import WHEELS, Experiment, count, megabytes

PROMISE = "a closed loop is silent"

# Loops for each of `--times`, and how many one process closes.
LOOPS = 50
# Threads of the blocking pool, which come and go; see the program.
POOL = 4

WAYS = {
    "closed": "closed and freed at once",
    "closed late": "closed while completions come in",
    "thread gone": "its thread gone, never closed",
}


def experiments() -> list[Experiment]:
    """Returns every way to lose a loop, on every runtime."""
    # What is left is read from /proc.
    if sys.platform != "linux":
        return []
    return [
        Experiment(
            PROMISE,
            row=f"50 completions on the way, {row}",
            way="asyncio",
            runtime=runtime,
            program="closing.py",
            arguments=(way,),
            operations=LOOPS,
            each=None,
            # That a loop is freed unclosed is asyncio's to say, in development mode.
            bounds={"growth": megabytes(5), "files": count(0), "threads": count(POOL)},
            hangs=600,
        )
        for runtime, (way, row) in itertools.product(WHEELS, WAYS.items())
    ]
