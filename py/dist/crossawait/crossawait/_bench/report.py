"""What a run has found, as values: every table, chart and file is made from these and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossawait._bench import noise
from crossawait._bench.crew import Entry
from crossawait._bench.workload import PERCENTILES

SCHEMA = 1
"""Raised when a reader of older files could no longer read newer ones, or the other way round."""


@dataclass(frozen=True)
class Result:
    """What one contestant has shown at one workload."""

    samples: tuple[float, ...]
    """Round by round: seconds for one operation, or what else the workload's unit is."""

    percentiles: tuple[float, ...] = ()
    """Of single operations, as in ``PERCENTILES``: of each percentile the median over the rounds."""

    processor: float = 0.0
    """Seconds of processor time for one operation, of all threads; the median over the rounds."""

    @property
    def estimate(self) -> noise.Estimate:
        """The median and its interval."""
        return noise.median(self.samples)


@dataclass(frozen=True)
class Findings:
    """What all contestants have shown at one workload."""

    name: str
    title: str
    unit: str
    operations: int
    curve: str
    at: int
    results: Mapping[Entry, Result]
    failures: Mapping[Entry, str] = field(default_factory=dict)
    """Why the others have no result."""

    others: float = 0.0
    """Processor cores that other processes kept busy meanwhile."""


@dataclass(frozen=True)
class Report:
    """A whole run."""

    facts: Mapping[str, Any]
    findings: tuple[Findings, ...]


def to_json(report: Report, verdicts: Mapping[str, list[str]], summary: list[str]) -> dict[str, Any]:
    """Return the report as JSON has it, with the words that were printed."""
    return {
        "schema": SCHEMA,
        "facts": dict(report.facts),
        "summary": summary,
        "workloads": [_findings_to_json(found, verdicts[found.name]) for found in report.findings],
    }


def _findings_to_json(found: Findings, verdict: list[str]) -> dict[str, Any]:
    return {
        "name": found.name,
        "title": found.title,
        "unit": found.unit,
        "operations": found.operations,
        "curve": found.curve,
        "at": found.at,
        "cores_used_by_others": found.others,
        "verdict": verdict,
        "results": [
            {
                "loop": entry.loop,
                "runtime": entry.runtime,
                "median": result.estimate.median,
                "low": result.estimate.low,
                "high": result.estimate.high,
                "confidence": result.estimate.confidence,
                "processor": result.processor,
                "percentiles": dict(zip(map(str, PERCENTILES), result.percentiles, strict=False)),
                "samples": list(result.samples),
            }
            for entry, result in found.results.items()
        ],
        "failures": [
            {"loop": entry.loop, "runtime": entry.runtime, "reason": reason}
            for entry, reason in found.failures.items()
        ],
    }


def from_json(data: Any) -> Report:
    """Return the report of a file.

    Raises:
        ValueError: it is none, or of another schema; the message says which.
    """
    if not isinstance(data, dict) or "schema" not in data or "workloads" not in data:
        raise ValueError("it is not a report of `crossawait bench --json`")
    if data["schema"] != SCHEMA:
        raise ValueError(f"its schema is {data['schema']}, and this version reads {SCHEMA}")
    try:
        findings = tuple(map(_findings_from_json, data["workloads"]))
        # A comparison begins with the date.
        return Report({"date": data["facts"]["date"], **data["facts"]}, findings)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"it is damaged: {type(error).__name__}: {error}") from error


def _findings_from_json(data: Mapping[str, Any]) -> Findings:
    return Findings(
        name=_text(data["name"]),
        title=_text(data["title"]),
        unit=_text(data["unit"]),
        operations=int(data["operations"]),
        curve=_text(data["curve"]),
        at=int(data["at"]),
        results={
            _entry(one): Result(
                _numbers(one["samples"], least=1),
                _numbers(one["percentiles"].values()),
                *_numbers([one["processor"]]),
            )
            for one in data["results"]
        },
        failures={_entry(one): _text(one["reason"]) for one in data["failures"]},
        others=_numbers([data["cores_used_by_others"]])[0],
    )


# What could not be compared is refused here, rather than when everything has been measured.


def _entry(data: Mapping[str, Any]) -> Entry:
    runtime = data["runtime"]
    return Entry(_text(data["loop"]), None if runtime is None else _text(runtime))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _numbers(values: Iterable[Any], least: int = 0) -> tuple[float, ...]:
    numbers = tuple(values)
    if len(numbers) < least or not all(
        isinstance(number, (int, float)) and math.isfinite(number) for number in numbers
    ):
        raise ValueError("these are not the numbers of a measurement")
    return numbers
