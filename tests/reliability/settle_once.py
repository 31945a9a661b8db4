"""Every task settles once: raced, panicking, rejected, dropped, shut down; never twice, never not at all."""

from __future__ import annotations

import importlib.util
import itertools

from experiment import CUSTOM, WHEELS, Experiment

PROMISE = "every task settles once"

# For each of `--times`: a million races in the full run.
RACES = 5000
ENDINGS = 50

# Rust's own words on a panic, which go to stderr before anybody can catch it.
PANIC = r"thread .* panicked at .*|in poll|this value panics .*|note: run with .*|"

KINDS = ("value", "error", "panic", "conversion fails", "conversion panics", "shutdown")


def experiments() -> list[Experiment]:
    """Returns every way to settle, on every executor."""
    if importlib.util.find_spec("crossawait_tests") is None:
        return []
    made = [
        one("cancel against completion", "awaitables", runtime, "race", RACES)
        for runtime in (*WHEELS, CUSTOM)
    ]
    made += [one("cancel against completion", "tasks", name, "race of tasks", RACES) for name in WHEELS]
    made += [
        one("odd endings", kind, runtime, kind, ENDINGS)
        for runtime, kind in itertools.product((*WHEELS, CUSTOM), KINDS)
    ]
    made += [
        one("odd endings", f"a {kind} executor", CUSTOM, kind, ENDINGS) for kind in ("rejecting", "dropping")
    ]
    return made


def one(row: str, way: str, runtime: str, argument: str, operations: int) -> Experiment:
    """Returns one way to settle."""
    return Experiment(
        PROMISE,
        row=row,
        way=way,
        runtime=runtime,
        program="settling.py",
        arguments=(argument,),
        operations=operations,
        each=None,
        stderr=PANIC if "panic" in argument else None,
        environment={"RUST_BACKTRACE": "0"},
        hangs=900,
    )
