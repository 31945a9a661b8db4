"""Compares what was counted with what is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypedDict

TOLERANCE = 0.05
# What asyncio does by itself is shown, not judged.
REFERENCE = "asyncio: "
DYN, STATIC = "spawn, dyn", "spawn, static"
ACCEPT = "make accept-instructions"


class Counted(TypedDict):
    """Instructions of one operation: all, and those of the library itself and the crates it is built of."""

    total: float
    own: float


class Baseline(TypedDict):
    """What is known of one version of Python on one sort of processor."""

    python: str
    rustc: str
    counts: dict[str, Counted]


class Verdict(NamedTuple):
    """What is wrong, and what is only worth a line."""

    failures: list[str]
    hints: list[str]


def key_of(python: str, machine: str) -> str:
    """Return what baselines go by: the interpreter's minor version, and the processor's architecture."""
    return f"{'.'.join(python.split('.')[:2])} {machine}"


def load(path: Path) -> dict[str, Baseline]:
    """Read the baselines."""
    loaded: dict[str, Baseline] = json.loads(path.read_text())
    return loaded


def save(path: Path, baselines: Mapping[str, Baseline]) -> None:
    """Write the baselines."""
    path.write_text(json.dumps(baselines, indent=1, sort_keys=True) + "\n")


def judge(now: Baseline, known: Baseline) -> Verdict:
    """Compare, workload by workload.

    All instructions are compared only if the interpreter is the very same build, since another compiler makes
    another interpreter of it. The library's own are always compared.
    """
    verdict = Verdict([], [])
    same_python = now["python"] == known["python"]
    if not same_python:
        verdict.hints.append(
            f"only the library's own instructions are compared: this Python is {now['python']}, "
            f"the baseline's was {known['python']}"
        )
    for name in sorted(now["counts"].keys() | known["counts"].keys()):
        if name.startswith(REFERENCE):
            continue
        if name not in known["counts"]:
            verdict.failures.append(f"{name}: there is no baseline for it")
        elif name not in now["counts"]:
            verdict.failures.append(f"{name}: is in the baseline, and was not counted")
        else:
            _compare(name, now["counts"][name], known["counts"][name], same_python, verdict)
    _compare_dispatch(now["counts"], verdict)
    if verdict.failures and now["rustc"] != known["rustc"]:
        verdict.failures.append(f"(this compiler is {now['rustc']}, the baseline's was {known['rustc']})")
    return verdict


def _compare(name: str, now: Counted, known: Counted, same_python: bool, verdict: Verdict) -> None:
    pairs = [("of the library's own", now["own"], known["own"])]
    if same_python:
        pairs.append(("in all", now["total"], known["total"]))
    for what, count, before in pairs:
        change = count / before - 1 if before else float(count > 0)
        said = f"{name}: {count:,.0f} instructions {what}, {change:+.1%} to the baseline's {before:,.0f}"
        if change > TOLERANCE:
            verdict.failures.append(said)
        elif change < -TOLERANCE:
            verdict.hints.append(f"{said}; keep it: {ACCEPT}")


def _compare_dispatch(counts: Mapping[str, Counted], verdict: Verdict) -> None:
    """Hold an executor behind a pointer to what one of a known type costs."""
    if DYN in counts and STATIC in counts:
        overhead = (counts[DYN]["own"] - counts[STATIC]["own"]) / counts[STATIC]["total"]
        said = f"an executor behind a pointer costs {overhead:+.2%}"
        (verdict.failures if overhead > TOLERANCE else verdict.hints).append(said)
