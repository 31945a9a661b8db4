"""Turns measurements into a table for people, a verdict for each bound, and a structure for JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

from bridges import BARE, NATIVE, OURS, OWN_FUTURE, PEERS
from futures import ASYNCIO, MADE
from library import noise
from measure import Comparison, Counters, Timing

SUBJECT = OURS[0]
PEER = PEERS[0]

FASTER = {
    "busy": 20,
    "busy-yield": 20,
    "in-turn": 1.3,
    "sleeps": 10,
    "calls": 3,
    "calls-together": 8,
    "stream-in": 5,
}
"""How many times faster than the peer, at least."""

FASTER_THAN_NATIVE = {"gather": 4, "busy": 500, "in-turn": 2}
"""How many times faster than PyO3's own coroutine that awaits a task of tokio's, at least."""

# The bounds against asyncio's own `gather` are meant for these versions; older ones have a wider one.
MODERN = sys.version_info >= (3, 13)

Comparisons = Mapping[str, Comparison]
"""By workload."""
Isolated = Mapping[str, Mapping[str, Mapping[str, "int | None"]]]
"""By kind of measurement, then by contestant."""


@dataclass(frozen=True)
class Verdict:
    """One bound and what was measured."""

    work: str
    against: str
    value: float
    limit: float
    at_least: bool
    unit: str

    @property
    def met(self) -> bool:
        """Whether the bound holds."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def line(self) -> list[str]:
        """The cells of one row."""
        sign = "≥" if self.at_least else "≤"
        verdict = "met" if self.met else "NOT MET"
        return [
            self.work,
            self.against,
            f"{self.value:.2f}{self.unit}",
            f"{sign} {self.limit:g}{self.unit}",
            verdict,
        ]


def titled(work: str, subject: str) -> str:
    """The work, and what of ours has done it if that is not the rule."""
    of_tokio = subject.startswith(SUBJECT)
    return f"{work}{subject.removeprefix(SUBJECT)}" if of_tokio else f"{work}, {subject}"


def faster(
    comparisons: Comparisons, work: str, limit: float, subject: str = SUBJECT, other: str = PEER
) -> Verdict:
    """How many times faster than the peer."""
    found = comparisons[work].timings
    times = found[other].median / found[subject].median
    return Verdict(titled(work, subject), other, times, limit, at_least=True, unit="x faster")


def within(comparisons: Comparisons, work: str, other: str, limit: float, subject: str = SUBJECT) -> Verdict:
    """How many times as long as something of asyncio's own."""
    found = comparisons[work].timings
    times = found[subject].median / found[other].median
    return Verdict(titled(work, subject), other, times, limit, at_least=False, unit="x")


def streamed(comparisons: Comparisons, work: str) -> Verdict:
    """A million items a second, or on a slow machine many times as many as with a crossing for each."""
    rate = 1e9 / comparisons[work].timings[SUBJECT].median
    absolute = Verdict(work, "the clock", rate / 1e6, 1, at_least=True, unit=" million items/s")
    return absolute if absolute.met else faster(comparisons, work, 20)


def counted(comparisons: Comparisons) -> Counters:
    """The counters over every timed sample of crossawait on every runtime."""
    counters = [timing.counted for found in comparisons.values() for timing in found.timings.values()]
    return reduce(Counters.plus, counters, Counters(0, 0, 0))


def speed_verdicts(comparisons: Comparisons) -> Iterator[Verdict]:
    """The bounds on time."""
    for work in ("gather", "gather-direct"):
        if work in comparisons:
            yield faster(comparisons, work, 6)
            yield within(comparisons, work, OWN_FUTURE, 1.0 if MODERN and work == "gather" else 1.2)
    if "gather" in comparisons and MODERN:
        yield within(comparisons, "gather", BARE, 1.7)
    for work, limit in FASTER.items():
        if work in comparisons:
            yield faster(comparisons, work, limit)
    for work, limit in FASTER_THAN_NATIVE.items():
        if work in comparisons:
            yield faster(comparisons, work, limit, other=NATIVE)
    if "stream-out" in comparisons:
        yield streamed(comparisons, "stream-out")
    if "settled" in comparisons:
        yield within(comparisons, "settled", ASYNCIO, 1.3)
        yield within(comparisons, "settled", ASYNCIO, 1.3, MADE)
    if "callbacks" in comparisons:
        yield within(comparisons, "callbacks", OWN_FUTURE, 1)
    if "callbacks-made" in comparisons:
        yield within(comparisons, "callbacks-made", ASYNCIO, 1, MADE)
    if "ready" in comparisons:
        yield within(comparisons, "ready", NATIVE, 1, f"{SUBJECT} (coroutine)")
        for form in ("coroutine", "awaitable"):
            subject = f"{SUBJECT} ({form})"
            yield faster(comparisons, "ready", 100, subject)
            yield within(comparisons, "ready", BARE, 5, subject)


def isolated_verdicts(isolated: Isolated, workers: int) -> Iterator[Verdict]:
    """The bounds on threads and memory; none where the system does not tell."""
    for kind, found in isolated.items():
        added, growth = found[SUBJECT].get("added"), found[SUBJECT].get("growth")
        ours, theirs = found[SUBJECT].get("bytes"), found[PEER].get("bytes")
        if added is not None:
            against = f"{workers} workers + 2"
            yield Verdict("sleeps", against, added, workers + 2, at_least=False, unit=" threads")
        elif growth is not None:
            calls = f"{found[SUBJECT]['count']:,} calls"
            yield Verdict(kind, calls, growth / 1e6, 4, at_least=False, unit=" MB")
        elif ours is not None and theirs and kind != "awaited":
            # What `awaited` adds is the task, which is asyncio's and the same for everybody.
            yield Verdict(f"bytes, {kind}", PEER, ours / theirs, 0.45, at_least=False, unit="x")


def verdicts(comparisons: Comparisons, isolated: Isolated, workers: int) -> list[Verdict]:
    """The bounds that the project has set itself, as far as this run measured what they need."""
    found = [*speed_verdicts(comparisons), *isolated_verdicts(isolated, workers)]
    total = counted(comparisons)
    if total.batches:
        ratio = total.wakes / total.batches
        found.append(Verdict("wakes per drained batch", "all work above", ratio, 1, at_least=False, unit=""))
    return found


def table(header: list[str], rows: list[list[str]], left: int = 1) -> str:
    """Columns of equal width: the first `left` flush left, the others flush right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(row: list[str]) -> str:
        cells = (
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, rows)])


def duration(nanoseconds: float) -> str:
    """A time in the unit that keeps it readable."""
    return f"{nanoseconds:.0f} ns" if nanoseconds < 1000 else f"{nanoseconds / 1000:.2f} µs"


def times(timing: Timing, reference: Timing) -> str:
    """How many times as long, if that is more than noise. Rounds are compared one by one."""
    ratio = noise.ratio(timing.samples, reference.samples)
    if ratio is None or not noise.differs(ratio):
        return "" if timing is reference else "≈ 1"
    return f"{ratio.median:.2f}x"


def comparison_table(comparison: Comparison) -> str:
    """One workload, fastest first, each with its ratio to crossawait's, on tokio where runtimes matter."""
    found = comparison.timings
    ours = [name for name in found if name.startswith(SUBJECT)] or [MADE]
    reference = min((found[name] for name in ours), key=lambda timing: timing.median)
    rows = []
    for name, timing in sorted(found.items(), key=lambda item: item[1].median):
        estimate = timing.estimate
        batch = timing.counted.completions / timing.counted.wakes if timing.counted.wakes else None
        rows.append(
            [
                name,
                duration(timing.median),
                f"{duration(estimate.low)} to {duration(estimate.high)}",
                times(timing, reference),
                "" if batch is None else f"{batch:.1f}",
            ]
        )
    operations = max(timing.operations for timing in found.values())
    facts = (
        f"{operations:,} a sample; the {comparison.rounds} quietest of {comparison.taken} rounds, "
        f"other processes using {comparison.others:.2f} cores"
    )
    return f"({facts})\n" + table(["", "median", "interval", "ratio", "completions per wake"], rows)


COLUMNS = {
    "threads": ("added", "threads added"),
    "growth": ("growth", "bytes in all"),
    "growth-calls": ("growth", "bytes in all"),
}
"""What stands in a kind's table, if it is not bytes each."""


def isolated_table(kind: str, found: Mapping[str, Mapping[str, int | None]]) -> str:
    """Threads or bytes of every contestant."""
    column, heading = COLUMNS.get(kind, ("bytes", "bytes each"))
    reference = found[SUBJECT].get(column)
    rows = []
    for name, numbers in found.items():
        value = numbers.get(column)
        ratio = f"{value / reference:.2f}x" if value is not None and reference else ""
        rows.append([name, "unknown" if value is None else str(value), ratio])
    return table(["", heading, "ratio"], rows)


def verdict_table(found: list[Verdict]) -> str:
    """All bounds with what was measured."""
    return table(["work", "against", "measured", "bound", ""], [verdict.line() for verdict in found], left=2)


def structure(comparisons: Comparisons, isolated: Isolated, found: list[Verdict]) -> dict[str, object]:
    """Everything measured, every sample of it, for JSON."""
    return {
        "workloads": {
            work: {
                "rounds": comparison.rounds,
                "rounds_taken": comparison.taken,
                "cores_used_by_others": comparison.others,
                "nanoseconds": {
                    name: {
                        "median": timing.median,
                        "low": timing.estimate.low,
                        "high": timing.estimate.high,
                        "confidence": timing.estimate.confidence,
                        "operations": timing.operations,
                        "samples": timing.samples,
                        **timing.counted._asdict(),
                    }
                    for name, timing in comparison.timings.items()
                },
            }
            for work, comparison in comparisons.items()
        },
        "isolated": isolated,
        "bounds": [
            {
                "work": verdict.work,
                "against": verdict.against,
                "value": verdict.value,
                "limit": verdict.limit,
                "sense": "at least" if verdict.at_least else "at most",
                "unit": verdict.unit.strip(),
                "met": verdict.met,
            }
            for verdict in found
        ],
    }
