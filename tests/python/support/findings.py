"""Findings as a run would have them, from samples that a test writes down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossawait._bench.crew import Entry
from crossawait._bench.loops import RUST
from crossawait._bench.report import Findings, Report, Result
from crossawait._bench.workload import SECONDS

JITTER = (1.0, 1.01, 0.99, 1.005, 0.995, 1.0)

FACTS = {
    "date": "2026-01-02T03:04:05+00:00",
    "quick": True,
    "processor": "a processor",
    "cores": 2,
    "cache": 32_000_000,
    "system": "a system",
    "python": "CPython 3.14.0",
    "free_threaded": False,
    "crossawait": "0.1.0",
    "runtimes": {"tokio": "0.1.0", "smol": "0.1.0", "async-std": "0.1.0"},
    "loops": {"asyncio": "3.14.0", "uvloop": "0.23.0"},
}


def entry(name: str) -> Entry:
    """The contestant that is written "tokio on uvloop", "uvloop" or "tokio in Rust alone"."""
    runtime, alone, _ = name.partition(" in Rust alone")
    if alone:
        return Entry(RUST, runtime)
    runtime, on, loop = name.partition(" on ")
    return Entry(loop, runtime) if on else Entry(runtime, None)


def around(value: float) -> tuple[float, ...]:
    """Samples that differ by a percent."""
    return tuple(value * factor for factor in JITTER)


def findings(
    samples: Mapping[str, float | Sequence[float]],
    *,
    name: str = "gather",
    unit: str = SECONDS,
    percentiles: tuple[float, ...] = (),
    failures: Mapping[str, str] | None = None,
    curve: str = "",
    at: int = 0,
) -> Findings:
    """One workload, with a median or with the samples of each contestant."""
    results = {
        entry(who): Result(
            around(given) if isinstance(given, (int, float)) else tuple(given), percentiles, 1e-6
        )
        for who, given in samples.items()
    }
    failed = {entry(who): why for who, why in (failures or {}).items()}
    return Findings(name, f"the work of {name}", unit, 1_000, curve, at, results, failed, 0.0)


def report(*found: Findings) -> Report:
    """A run that found so much."""
    return Report(FACTS, found)
