"""``--compare``: what has become faster or slower since an older report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crossawait._bench import noise
from crossawait._bench.crew import Entry
from crossawait._bench.report import Report, from_json
from crossawait._bench.units import quantity
from crossawait._bench.verdicts import comparative, factor


@dataclass(frozen=True)
class Change:
    """What has changed of one contestant's work, beyond noise."""

    workload: str
    entry: Entry
    old: str
    new: str
    words: str
    better: bool


@dataclass(frozen=True)
class Comparison:
    """Two reports side by side."""

    changes: tuple[Change, ...]
    compared: int
    """How many results are in both; those without a change are within noise of what they were."""


def load(path: Path) -> Report:
    """Read a report.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no report, or none that this version can read.
    """
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply for a report") from error


def compare(old: Report, new: Report) -> Comparison:
    """Compare what is in both, with the same number of operations.

    The two were not measured in the same rounds: so it takes intervals that have nothing in common.
    """
    before = {(found.name, found.operations): found for found in old.findings}
    changes: list[Change] = []
    compared = 0
    for found in new.findings:
        earlier = before.get((found.name, found.operations))
        if earlier is None:
            continue
        for entry in [entry for entry in found.results if entry in earlier.results]:
            compared += 1
            then, now = earlier.results[entry].estimate, found.results[entry].estimate
            if noise.apart(then, now):
                changes.append(_change(found.name, found.unit, entry, then.median, now.median))
    return Comparison(tuple(changes), compared)


def _change(workload: str, unit: str, entry: Entry, then: float, now: float) -> Change:
    better = now < then
    less, more = sorted((then, now))
    word = comparative(unit, better=better)
    words = f"{factor(more / less)}× {word}" if less > 0 else word
    return Change(workload, entry, quantity(then, unit), quantity(now, unit), words, better)


def conclusion(comparison: Comparison) -> str:
    """Say in one sentence what has changed."""
    if not comparison.compared:
        return "Nothing was measured in both runs with the same number of operations."
    better = sum(change.better for change in comparison.changes)
    worse = len(comparison.changes) - better
    same = comparison.compared - len(comparison.changes)
    return f"Of {comparison.compared} results, {better} are better, {worse} worse, {same} within noise."


def as_rows(changes: Sequence[Change]) -> list[tuple[str, ...]]:
    """Return the cells of a table."""
    return [(one.workload, str(one.entry), one.old, one.new, one.words) for one in changes]
