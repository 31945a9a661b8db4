"""The comparison with other bridges: what pages say is what its JSON has."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BENCH = ROOT / "bench"


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, imported from the scripts' own folder."""
    monkeypatch.syspath_prepend(BENCH)
    import figures

    return figures


def publish(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BENCH / "publish.py", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_the_pages_say_what_the_results_do() -> None:
    result = publish("--check")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def samples(median: float) -> dict[str, Any]:
    around = [median * factor for factor in (1.0, 1.01, 0.99, 1.005, 0.995, 1.0)]
    return {"median": median, "operations": 2_000, "samples": around}


OURS, NATIVE, PEER = "crossawait tokio", "PyO3 async fn tokio", "pyo3-async-runtimes tokio"
DOCUMENT = {
    "machine": {
        "date": "2026-01-02T03:04:05+00:00",
        "processor": "AMD something",
        "cores": 2,
        "python": "CPython 3.14.0",
        "free_threaded": True,
        "crates": {"pyo3": "0.30.1", "pyo3-async-runtimes": "0.30.0", "tokio": "1.2.3"},
    },
    "settings": {"loop": "uvloop", "rounds": 9, "quick": False},
    "workloads": {
        "gather": {
            "cores_used_by_others": 0.02,
            "nanoseconds": {
                OURS: samples(8_000),
                NATIVE: samples(32_000),
                PEER: samples(100_000),
                "asyncio create_future + call_soon": samples(8_040),
            },
        },
        "busy": {
            "cores_used_by_others": 0.0,
            "nanoseconds": {OURS: samples(999.8), NATIVE: samples(2.5e6), PEER: samples(1e9)},
        },
    },
    "isolated": {
        "threads": {OURS: {"added": 2}, NATIVE: {"added": 3}, PEER: {"added": 514}},
        "held": {OURS: {"bytes": 658, "count": 100_000}, PEER: {"bytes": 1_915, "count": 100_000}},
    },
    "bounds": [
        {
            "work": "gather",
            "against": PEER,
            "value": 12.5,
            "limit": 6,
            "sense": "at least",
            "unit": "x faster",
            "met": True,
        },
        {
            "work": "threads",
            "against": "2 workers + 2",
            "value": 5,
            "limit": 4,
            "sense": "at most",
            "unit": "threads",
            "met": False,
        },
    ],
}


def test_a_table_has_times_and_how_many_times_ours_they_are_beyond_noise(figures: ModuleType) -> None:
    assert figures.table(DOCUMENT) == [
        ["time for one", "crossawait", "PyO3's own `async fn`", "pyo3-async-runtimes", "asyncio itself"],
        [
            "gather of 2,000 tasks, each awaiting a no-op",
            "8.00 µs",
            "32.0 µs (4.0×)",
            "100 µs (12×)",
            "8.04 µs",
        ],
        [
            "50 tasks awaiting no-ops beside 20 that never rest",
            "1.00 µs",
            "2.50 ms (2,501×)",
            "1.00 s (1,000,200×)",
            "-",
        ],
        ["**space**", "", "", "", ""],
        ["threads that the sleeps add", "2", "3 (1.5×)", "514 (257×)", "-"],
        ["bytes for a pending timer that is only held", "658", "-", "1,915 (2.9×)", "-"],
    ]


def test_the_sentence_says_on_what_and_whether_others_disturbed_it(figures: ModuleType) -> None:
    assert figures.sentence(DOCUMENT) == (
        "CPython 3.14.0 without a GIL on uvloop, 2 cores of an AMD something, 2026-01-02, pyo3 0.30.1, "
        "pyo3-async-runtimes 0.30.0, tokio 1.2.3; medians of 9 rounds that took turns, "
        "while nothing else ran."
    )
    disturbed = copy.deepcopy(DOCUMENT)
    disturbed["workloads"]["busy"]["cores_used_by_others"] = 0.83  # type: ignore[index]
    disturbed["settings"]["quick"] = True  # type: ignore[index]
    assert figures.sentence(disturbed).endswith(
        "took turns, with `--quick`, **while other processes kept up to 0.8 cores busy**."
    )


def test_bounds_are_shown_met_or_not(figures: ModuleType) -> None:
    assert figures.bounds(DOCUMENT)[1:] == [
        ["gather", PEER, "12.50× faster", "≥ 6× faster", "met"],
        ["threads", "2 workers + 2", "5.00 threads", "≤ 4 threads", "**not met**"],
    ]


def test_a_page_is_written_between_its_marks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)
    import publish as module

    page = f"before\n{module.BEGIN}\nold\n{module.END}\nafter\n"
    once = module.with_figures(page, "new")
    assert once == f"before\n{module.BEGIN}\n\nnew\n\n{module.END}\nafter\n"
    assert module.with_figures(once, "new") == once
    with pytest.raises(ValueError, match="unpack"):
        module.with_figures("no marks", "new")


def test_the_chart_has_a_row_for_each_work_that_was_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(BENCH)
    from chart import draw

    draw(DOCUMENT, tmp_path / "all.png")
    fewer = {**DOCUMENT, "workloads": {"busy": DOCUMENT["workloads"]["busy"]}}  # type: ignore[index]
    draw(fewer, tmp_path / "one.png")
    heights = [
        int.from_bytes((tmp_path / name).read_bytes()[20:24], "big") for name in ("all.png", "one.png")
    ]
    assert heights[0] > heights[1] > 0


def test_the_bounds_against_pyo3_are_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)
    import report
    from measure import Comparison, Counters, Timing

    def comparison(**nanoseconds: float) -> Comparison:
        timings = {
            name.replace("_", " "): Timing(1_000, [value] * 6, Counters(0, 0, 0))
            for name, value in nanoseconds.items()
        }
        return Comparison(timings, 6, 6, 0.0)

    native = NATIVE.replace(" ", "_")
    found = report.speed_verdicts(
        {
            "in-turn": comparison(
                **{"crossawait_tokio": 10.0, native: 21.0, "pyo3-async-runtimes_tokio": 30.0}
            ),
            "busy": comparison(**{"crossawait_tokio": 1.0, native: 499.0, "pyo3-async-runtimes_tokio": 30.0}),
        }
    )
    against = {one.work: (one.value, one.limit, one.met) for one in found if one.against == NATIVE}
    assert against == {"busy": (499.0, 500, False), "in-turn": (2.1, 2, True)}


def test_the_results_are_of_every_workload() -> None:
    from_file = json.loads((BENCH / "results" / "peers.json").read_text())
    assert {"gather", "yield", "busy", "in-turn", "ready", "sleeps", "calls"} <= set(from_file["workloads"])
    assert all(NATIVE in from_file["workloads"][work]["nanoseconds"] for work in ("gather", "busy", "ready"))
