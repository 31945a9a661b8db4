"""Says where the cost of one operation bends as there are more of them, and why, if the run can tell."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from crossawait._bench import noise
from crossawait._bench.crew import Entry
from crossawait._bench.report import Findings, Report
from crossawait._bench.units import digits, quantity
from crossawait._bench.verdicts import factor, loops_of
from crossawait._bench.workload import A_SECOND, BYTES, SECONDS

BEND = 1.25
"""A point lies off the flat part of its curve if its cost is more than that many times the least."""

PENDING, SETTLING, LOOPS = "crossings, by how many", "completions", f"crossings{A_SECOND}"
"""How the curves begin whose bends have reasons."""


class Shape(NamedTuple):
    """A curve that falls to a flat part and rises from it, or does only one of these, or none."""

    start: int
    first: float
    """The cost there."""
    least: float
    flat_from: int
    """The first point that costs no more than `BEND` times the least, or may do so."""
    flat_until: int
    """The last such point."""
    end: int
    last: float

    @property
    def falls(self) -> float:
        """How many times the least the first point is; 1 where the curve begins flat."""
        return self.first / self.least if self.flat_from > self.start else 1.0

    @property
    def rises(self) -> float:
        """How many times the least the last point is; 1 where the curve ends flat."""
        return self.last / self.least if self.flat_until < self.end else 1.0


def curves(report: Report) -> dict[str, list[Findings]]:
    """Return the points of each curve that has several, in order."""
    found: dict[str, list[Findings]] = {}
    for one in sorted(report.findings, key=lambda one: one.at):
        if one.curve and one.results:
            found.setdefault(one.curve, []).append(one)
    order = dict.fromkeys(one.curve for one in report.findings)
    return {name: found[name] for name in order if len(found.get(name, [])) > 1}


def scaling(report: Report) -> dict[str, list[str]]:
    """Return what is to be said of each curve: a sentence for each contestant, and the reasons."""
    return {name: _said(name, points, report) for name, points in curves(report).items()}


def shape(points: Sequence[Findings], entry: Entry) -> Shape | None:
    """Return the shape of a contestant's curve; None if it has fewer than two points."""
    there = [found for found in points if entry in found.results]
    if len(there) < 2:
        return None
    costs = [found.results[entry].estimate for found in there]
    low = min(costs, key=lambda one: one.median)
    flat = [
        found.at
        for found, cost in zip(there, costs, strict=True)
        if cost.median <= BEND * low.median or not noise.apart(cost, low)
    ]
    return Shape(there[0].at, costs[0].median, low.median, flat[0], flat[-1], there[-1].at, costs[-1].median)


def _said(name: str, points: Sequence[Findings], report: Report) -> list[str]:
    loops = dict.fromkeys(loop for found in points for loop in loops_of(found))
    entries = dict.fromkeys(entry for found in points for entry in found.results if entry.loop in loops)
    shapes = {entry: found for entry in entries if (found := shape(points, entry)) is not None}
    sentences = [_sentence(name, entry, found) for entry, found in shapes.items()]
    return [*sentences, *_reasons(name, shapes, report)]


def _sentence(name: str, entry: Entry, found: Shape) -> str:
    who = str(entry) if entry.runtime else f"{entry.loop} itself"
    rate = A_SECOND in name
    better, worse = ("more", "less") if rate else ("less", "more")
    if found.falls > 1:
        begin = (
            f"{_amount(found.first, rate=rate)} with {found.start:,}; {factor(found.falls)}× {better} from "
            f"{found.flat_from:,} on, {_amount(found.least, rate=rate)}"
        )
    else:
        begin = _amount(found.least, rate=rate)
    if found.rises > 1:
        verb = "makes" if rate else "takes"
        bend = (
            f"bends after {found.flat_until:,}, and {verb} {factor(found.rises)}× {worse} with {found.end:,}"
        )
        return f"{who}: {begin}; {bend}."
    return f"{who}: {begin}; no bend beyond noise up to {found.end:,}."


def _amount(seconds: float, *, rate: bool) -> str:
    return f"{_rate(seconds)} a second" if rate else quantity(seconds, SECONDS)


def _rate(seconds: float) -> str:
    each = 1 / seconds
    return f"{digits(each / 1e6)} million" if each >= 1e6 else f"{each:,.0f}"


def _reasons(name: str, shapes: Mapping[Entry, Shape], report: Report) -> list[str]:
    """Return why, where the run itself shows it or the interpreter makes it so."""
    runtimes = {entry: found for entry, found in shapes.items() if entry.runtime}
    rising = {entry: found for entry, found in runtimes.items() if found.rises > 1}
    reasons = []
    if name.startswith(PENDING) and any(found.falls > 1 for found in runtimes.values()):
        reasons.append(
            "It falls because one crossing alone pays for a whole wake-up of the loop, and a crowd shares it."
        )
    if rising and name.startswith(PENDING):
        reasons.append(_why_pending(rising, shapes, report))
    if rising and name.startswith((SETTLING, LOOPS)):
        things = "threads that settle" if name.startswith(SETTLING) else "event loops"
        reasons.append(_why_threads(things, rising, shapes, report.facts))
    return reasons


def _why_pending(rising: Mapping[Entry, Shape], shapes: Mapping[Entry, Shape], report: Report) -> str:
    growth = statistics.median(found.rises for found in rising.values())
    end = max(found.end for found in rising.values())
    size, cache = _task_size(report), report.facts.get("cache") or 0
    memory = ""
    if size is not None and 0 < cache < size * end:
        memory = (
            f" {end:,} tasks that wait take {size * end / 1e6:,.0f} MB, of which the processor's cache holds "
            f"{cache / 1e6:,.0f} MB."
        )
    own = _own(rising, shapes)
    if own is None:
        return f"It rises {factor(growth)}×.{memory}"
    name, rise = own
    if rise - 1 >= (growth - 1) / 2:
        return f"{name} itself rises {factor(rise)}×: that is what tasks cost, and not the crossing.{memory}"
    alone = f"rises {factor(rise)}× only" if rise > BEND else "does not rise"
    return f"{name} itself {alone}: that is what the crossing costs.{memory}"


def _why_threads(
    things: str, rising: Mapping[Entry, Shape], shapes: Mapping[Entry, Shape], facts: Mapping[str, Any]
) -> str:
    own = _own(rising, shapes)
    if own is None:
        too = ""
    elif own[1] > BEND:
        too = f"; {own[0]} itself bends, too, and has {factor(own[1])}× less in the end"
    else:
        too = f"; {own[0]} itself does not bend"
    if facts["free_threaded"]:
        return f"More {things} than the {facts['cores']} cores take turns at these{too}."
    return f"All {things} take turns at the one interpreter lock, and handing it over costs time{too}."


def _own(rising: Mapping[Entry, Shape], shapes: Mapping[Entry, Shape]) -> tuple[str, float] | None:
    """The loop by itself and how much it rises, by its medians: noise is no reason to deny a rise."""
    loop = next(iter(rising)).loop
    own = shapes.get(Entry(loop, None))
    return None if own is None else (loop, own.last / own.least)


def _task_size(report: Report) -> float | None:
    """Bytes of one waiting task, if the run has measured them."""
    for found in report.findings:
        if found.unit == BYTES and found.results:
            return statistics.median(result.estimate.median for result in found.results.values())
    return None
