"""Reports: what JSON has of them, that they are read again as they were, and what changed between two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossawait._bench.compare import compare, conclusion, load
from crossawait._bench.machine import differences, facts
from crossawait._bench.report import SCHEMA, Report, from_json, to_json
from crossawait._bench.units import interval, quantity, rate
from crossawait._bench.workload import BYTES, PERCENTILES, SECONDS, THREADS
from findings import FACTS, findings, report

FOUND = findings(
    {"asyncio": 1e-6, "tokio on asyncio": 2e-6},
    percentiles=(1e-6, 2e-6, 3e-6, 4e-6),
    failures={"smol on asyncio": "OSError: no"},
)


def written(one: Report) -> Any:
    words = {found.name: ["a verdict"] for found in one.findings}
    return json.loads(json.dumps(to_json(one, words, ["a summary"], {"a curve": ["it bends"]})))


def test_json_has_every_sample_the_words_and_the_machine() -> None:
    data = written(report(FOUND))
    assert data["schema"] == SCHEMA
    assert data["facts"] == FACTS
    assert data["summary"] == ["a summary"]
    assert data["scaling"] == {"a curve": ["it bends"]}
    (workload,) = data["workloads"]
    assert {key: value for key, value in workload.items() if key not in ("results", "failures")} == {
        "name": "gather",
        "title": "the work of gather",
        "unit": "s",
        "operations": 1_000,
        "curve": "",
        "at": 0,
        "cores_used_by_others": 0.0,
        "verdict": ["a verdict"],
    }
    own, tokio = workload["results"]
    assert (own["loop"], own["runtime"], tokio["runtime"]) == ("asyncio", None, "tokio")
    assert tokio["samples"] == pytest.approx([2e-6, 2.02e-6, 1.98e-6, 2.01e-6, 1.99e-6, 2e-6])
    assert (tokio["low"], tokio["median"], tokio["high"]) == pytest.approx((1.98e-6, 2e-6, 2.02e-6))
    assert tokio["confidence"] == pytest.approx(0.96875)
    assert tokio["percentiles"] == {"50.0": 1e-6, "90.0": 2e-6, "99.0": 3e-6, "99.9": 4e-6}
    assert len(PERCENTILES) == 4
    assert workload["failures"] == [{"loop": "asyncio", "runtime": "smol", "reason": "OSError: no"}]


def test_a_report_is_read_as_it_was_written() -> None:
    assert from_json(written(report(FOUND))) == report(FOUND)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[", "it is not JSON"),
        ("[]", "it is not a report of `crossawait bench --json`"),
        ('{"workloads": {}}', "it is not a report"),
        ('{"schema": 99, "workloads": []}', "its schema is 99, and this version reads 1"),
        ('{"schema": 1, "facts": {}, "workloads": [{"name": "x"}]}', "it is damaged: KeyError: 'title'"),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=reason.replace("[", "\\[")):
        load(path)


def test_a_comparison_tells_what_changed_beyond_noise_and_counts_the_rest() -> None:
    old = report(
        findings({"tokio on asyncio": 2e-6, "smol on asyncio": 1e-6, "asyncio": 1e-6}),
        findings({"tokio on asyncio": 900.0}, name="memory", unit=BYTES),
    )
    new = report(
        findings({"tokio on asyncio": 1e-6, "smol on asyncio": 1.01e-6, "asyncio": 3e-6, "uvloop": 1e-6}),
        findings({"tokio on asyncio": 1800.0}, name="memory", unit=BYTES),
        findings({"tokio on asyncio": 1e-6}, name="new"),
    )
    comparison = compare(old, new)
    assert [(one.workload, str(one.entry), one.old, one.new, one.words) for one in comparison.changes] == [
        ("gather", "tokio on asyncio", "2.00 µs", "1.00 µs", "2.0× faster"),
        ("gather", "asyncio", "1.00 µs", "3.00 µs", "3.0× slower"),
        ("memory", "tokio on asyncio", "900 B", "1,800 B", "2.0× more"),
    ]
    assert conclusion(comparison) == "Of 4 results, 1 are better, 2 worse, 1 within noise."


def test_reports_of_different_work_have_nothing_to_compare() -> None:
    comparison = compare(report(findings({"asyncio": 1e-6}, name="one")), report(FOUND))
    assert conclusion(comparison).startswith("Nothing was measured in both runs")


def test_another_machine_or_python_is_pointed_out() -> None:
    assert differences(FACTS, {**FACTS, "cores": 8, "date": "later", "crossawait": "0.2.0"}) == [
        "cores: 2 then, 8 now"
    ]


def test_the_facts_of_this_machine_are_those_of_a_report() -> None:
    found = facts(["asyncio", "uvloop"], ["tokio"], quick=False)
    assert found.keys() == FACTS.keys()
    assert all(found[name] not in (None, "") for name in found)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.5, SECONDS, "1.50 s"),
        (0.0012345, SECONDS, "1.23 ms"),
        (999.6e-6, SECONDS, "1.00 ms"),
        (12.34e-6, SECONDS, "12.3 µs"),
        (4e-10, SECONDS, "0.40 ns"),
        (1234.5, BYTES, "1,234 B"),
        (4.0, THREADS, "4"),
    ],
)
def test_quantities_have_three_digits_and_a_unit(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_rates_and_intervals() -> None:
    assert [rate(1e-6), rate(1e-5), rate(0.1)] == ["1.00 M", "100 k", "10.0"]
    assert interval(1e-6, 2e-6, SECONDS) == "1.00 to 2.00 µs"
    assert interval(9e-7, 2e-6, SECONDS) == "900 ns to 2.00 µs"
    assert interval(2, 3, THREADS) == "2 to 3"
