"""Signals: Ctrl-C is heard at once wherever the main thread waits, and costs nobody else anything."""

from __future__ import annotations

import importlib.util
import itertools
import sys

from experiment import CUSTOM, WHEELS, Experiment, measured, milliseconds

PROMISE = "signals are heard"

WAYS = {
    "wait": "in Awaitable.wait",
    "block_on": "in Runtime::block_on",
    "run": "in asyncio.run",
    "trio": "in trio.run",
    "drain": "in a drain, the batch kept",
}


def experiments() -> list[Experiment]:
    """Returns every place to be interrupted in, on every executor."""
    needed = ("crossawait_tests", "trio")
    if sys.platform == "win32" or not all(map(importlib.util.find_spec, needed)):
        return []
    return [
        Experiment(
            PROMISE,
            row=row,
            way="SIGINT",
            runtime=runtime,
            program="interrupting.py",
            arguments=(way,),
            each=None,
            bounds={"latest": milliseconds(100), "median": measured("ms")},
            alone=True,
            hangs=300,
        )
        for runtime, (way, row) in itertools.product((*WHEELS, CUSTOM), WAYS.items())
    ]
