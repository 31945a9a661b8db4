"""Fork is safe: the child works or is told at once why it cannot, and the parent notices nothing."""

from __future__ import annotations

import importlib.util
import itertools
import multiprocessing
import os

from experiment import WHEELS, Experiment, milliseconds

PROMISE = "fork is safe"

# A server's requests, and forks in one parent: the next is to find nothing left of the last.
IN_ONE_PARENT = 20

# Their own words on their way, and nothing else: no traceback, no panic, no worker that was killed.
GUNICORN = r"\[[-0-9: +]+\] \[\d+\] \[INFO\] .*"
UVICORN = r"INFO: .*"


def experiments() -> list[Experiment]:
    """Returns every way to come by a child process, on every runtime."""
    if not hasattr(os, "fork"):
        return []
    return [*forks(), *pools(), *servers()]


def forks() -> list[Experiment]:
    """Returns what is tried with `os.fork` itself."""
    ends = {"os._exit": "children end by os._exit", "end": "children end as programs do"}
    return [
        Experiment(
            PROMISE,
            row=f"os.fork, {'nothing started yet' if when == 'before' else 'calls in flight'}",
            way=way,
            runtime=runtime,
            program="forking.py",
            arguments=(when, end),
            each=IN_ONE_PARENT,
            bounds={"refusal": milliseconds(100)},
        )
        for runtime, when, (end, way) in itertools.product(WHEELS, ("before", "after"), ends.items())
    ]


def pools() -> list[Experiment]:
    """Returns what is tried with the standard library's pools of processes."""
    kinds = {"pool": "multiprocessing.Pool", "executor": "ProcessPoolExecutor"}
    methods = [method for method in ("fork", "forkserver", "spawn") if method in known_methods()]
    return [
        Experiment(
            PROMISE,
            row=f"{name}, {method}",
            way="nothing started yet" if when == "before" else "calls in flight",
            runtime=runtime,
            program="pooling.py",
            arguments=(when, kind, method),
            each=IN_ONE_PARENT,
            bounds={"refusal": milliseconds(100)},
        )
        for runtime, (kind, name), method, when in itertools.product(
            WHEELS, kinds.items(), methods, ("before", "after")
        )
    ]


def servers() -> list[Experiment]:
    """Returns what is tried with the servers that people run."""
    made = []
    for runtime, when in itertools.product(WHEELS, ("before", "after")):
        for row, server, needs, words in (
            ("gunicorn --preload, uvicorn's workers", "gunicorn", ("gunicorn", "uvicorn_worker"), GUNICORN),
            ("uvicorn --workers", "uvicorn", ("uvicorn",), UVICORN),
        ):
            # uvicorn spawns: what its first process has started nobody inherits.
            if all(map(importlib.util.find_spec, needs)) and not (server == "uvicorn" and when == "after"):
                made.append(
                    Experiment(
                        PROMISE,
                        row=row,
                        way="nothing started yet" if when == "before" else "started in the application",
                        runtime=runtime,
                        program="serving.py",
                        arguments=(when, server),
                        each=IN_ONE_PARENT,
                        stderr=words,
                        bounds={"refusal": milliseconds(100)},
                    )
                )
    return made


def known_methods() -> list[str]:
    """Returns how multiprocessing can start processes here."""
    return multiprocessing.get_all_start_methods()
