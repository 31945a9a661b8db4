"""The cells of a workload's table, the same on the terminal and on the page."""

from __future__ import annotations

from crossawait._bench import noise
from crossawait._bench.crew import Entry
from crossawait._bench.report import Findings, Result
from crossawait._bench.units import interval, quantity, rate
from crossawait._bench.verdicts import factor
from crossawait._bench.workload import PERCENTILES, SECONDS


def header(found: Findings, *, wide: bool) -> list[str]:
    """Return the headings; the first is of names, all others of numbers. A wide table says more."""
    start = ["", "median", "interval"]
    if found.unit != SECONDS:
        return [*start, "vs loop"]
    latencies = [f"p{PERCENTILES[which]:g}" for which in _shown(found, wide=wide)]
    return [*start, "a second", "vs loop", *(["processor"] if wide else []), *latencies]


def rows(found: Findings, *, wide: bool) -> list[list[str]]:
    """Return a row for each contestant, least first."""
    ranked = sorted(found.results.items(), key=lambda one: one[1].estimate.median)
    return [_row(found, entry, result, wide=wide) for entry, result in ranked]


def note(found: Findings) -> str:
    """Say what the intervals are worth, and what may have widened them."""
    estimates = [result.estimate for result in found.results.values()]
    if not estimates:
        return "no results"
    rounds = len(next(iter(found.results.values())).samples)
    words = f"{rounds} rounds, intervals of {min(one.confidence for one in estimates):.0%}"
    if found.others >= NOISY:
        words += f"; other processes kept {found.others:.1f} cores busy"
    return words


NOISY = 0.1
"""Cores of others that are worth mentioning."""


def failures(found: Findings) -> list[str]:
    """Return a line for each contestant that has no result."""
    return [f"{entry}: {reason}" for entry, reason in found.failures.items()]


def _shown(found: Findings, *, wide: bool) -> list[int]:
    """Which percentiles have a column: the middle and one of the slow ones, or all."""
    if not any(result.percentiles for result in found.results.values()):
        return []
    every = range(len(PERCENTILES))
    return list(every) if wide else [0, 2]


def _row(found: Findings, entry: Entry, result: Result, *, wide: bool) -> list[str]:
    estimate = result.estimate
    cells = [
        str(entry),
        quantity(estimate.median, found.unit),
        interval(estimate.low, estimate.high, found.unit),
    ]
    if found.unit != SECONDS:
        return [*cells, _against(found, entry, result)]
    cells += [rate(estimate.median), _against(found, entry, result)]
    if wide:
        cells.append(quantity(result.processor, SECONDS))
    return cells + [
        quantity(result.percentiles[which], SECONDS) if result.percentiles else ""
        for which in _shown(found, wide=wide)
    ]


def _against(found: Findings, entry: Entry, result: Result) -> str:
    """How many times its own loop's, if that is beyond noise."""
    own = found.results.get(Entry(entry.loop, None))
    if own is None or entry.runtime is None:
        return ""
    ratio = noise.ratio(result.samples, own.samples)
    if ratio is None:
        return ""
    return f"{factor(ratio.median)}×" if noise.differs(ratio) else "≈ 1"
