"""`crossawait bench`: real runs, and what it says when it cannot do what it is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import crossawait
from crossawait._bench import crew
from crossawait._bench.crew import ContestantError, Entry, Member, UnsupportedError
from crossawait._bench.loops import RUST
from crossawait._bench.measure import measure
from crossawait._bench.report import Findings
from crossawait._bench.workload import QUICK
from crossawait._bench.workloads import BY_NAME, WORKLOADS

RUNTIMES = crossawait.available()


def bench(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crossawait", "bench", "--quick", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, **environment},
    )


def test_a_run_prints_and_writes_everything_and_a_second_one_compares(tmp_path: Path) -> None:
    data, html = tmp_path / "one.json", tmp_path / "one.html"
    first = bench("--filter", "gath*", "--filter", "threads", "--json", str(data), "--html", str(html))
    assert (first.returncode, first.stderr) == (0, "")
    report = json.loads(data.read_text())
    assert [workload["name"] for workload in report["workloads"]] == ["gather", "threads"]
    contestants = {(loop, runtime) for loop in ("asyncio", "uvloop") for runtime in (None, *RUNTIMES)}
    for workload in report["workloads"]:
        assert workload["failures"] == []
        assert {(one["loop"], one["runtime"]) for one in workload["results"]} == contestants
        assert all(len(one["samples"]) == 6 for one in workload["results"])
        assert all(sentence in " ".join(first.stdout.split()) for sentence in workload["verdict"])
        assert len(workload["verdict"]) == 3
    timed = report["workloads"][0]["results"]
    assert all(0 < one["low"] <= one["median"] <= one["high"] < 1 for one in timed)
    assert all(one["processor"] > 0 for one in timed)
    assert crossawait.__version__ in first.stdout
    assert html.read_text().startswith("<!doctype html>")

    second = bench(
        "--filter", "gather", "--loop", "asyncio", "--runtime", RUNTIMES[0], "--compare", str(data)
    )
    assert (second.returncode, second.stderr) == (0, "")
    assert f"Compared with the report of {report['facts']['date']}" in second.stdout
    assert "not the same: loops" in second.stdout
    assert "Of 2 results, " in second.stdout


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "rloop", "trio"])
@pytest.mark.parametrize("name", [one.name for one in WORKLOADS if one.level == QUICK])
def test_every_workload_runs_with_every_contestant(name: str, loop: str) -> None:
    pytest.importorskip(loop)
    if loop == "rloop" and name.startswith("loops-"):
        pytest.skip("rloop 0.5 has faults with several loops in one process; a run measures this on asyncio")
    workload = BY_NAME[name]
    for runtime in (None, *RUNTIMES):
        member = Member(Entry(loop, runtime))
        try:
            member.prepare(workload, workload.quick // 4 or 1)
            sample, processor = member.sample()
            member.finish()
        except ContestantError as error:
            reason = str(error)
        else:
            reason = ""
            assert sample.value > 0 or name == "threads"
            assert processor >= 0
        finally:
            member.end()
        assert reason == UNSUPPORTED.get((name, loop, runtime is not None), "")


@pytest.mark.slow
@pytest.mark.parametrize("name", [one.name for one in WORKLOADS if one.limit and one.level == QUICK])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_runtime_does_in_rust_alone_what_has_a_limit(name: str, runtime: str) -> None:
    workload = BY_NAME[name]
    count = workload.quick
    member = Member(Entry(RUST, runtime))
    try:
        member.prepare(workload, count)
        sample, _ = member.sample()
        member.finish()
    finally:
        member.end()
    median, *_, slowest = sample.percentiles
    assert 0 < median <= slowest <= sample.value * count


def test_a_runtime_without_sockets_of_its_own_kind_has_no_limit() -> None:
    member = Member(Entry(RUST, None))
    try:
        with pytest.raises(UnsupportedError, match="it is made of Python"):
            member.prepare(BY_NAME["echo-1"], 10)
    finally:
        member.end()


HAND_MADE = "RuntimeError: this awaitable belongs to a different event loop"
UNSUPPORTED = {
    ("lines", "trio", False): "trio's streams have no lines",
    ("start", "trio", False): "trio's threads are never stopped",
    # An awaitable made by hand is taken for asyncio's.
    **{(f"producers-{at}", "trio", True): HAND_MADE for at in (1, 4, 16)},
    ("ping-pong", "trio", True): HAND_MADE,
}


def test_a_contestant_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    # Far too little for any process to start.
    monkeypatch.setattr(crew, "PATIENCE", 0.0)
    member = Member(Entry("asyncio", None))
    with pytest.raises(ContestantError, match="no answer in 0 s"):
        member.prepare(BY_NAME["settle"], 10)


def measured(name: str, *entries: Entry) -> Findings:
    members = [Member(entry) for entry in entries]
    ticks: list[None] = []
    try:
        found = measure(BY_NAME[name], members, quick=True, tick=lambda: ticks.append(None))
    finally:
        for member in members:
            member.end()
    # The bar comes to its end whoever fails: a warm-up or an end, and each round.
    assert len(ticks) == len(members) * 7
    return found


@pytest.mark.parametrize("name", ["settle", "threads"])
def test_who_fails_is_left_out_with_the_reason_and_the_others_go_on(name: str) -> None:
    broken, whole = Entry("asyncio", "zebra"), Entry("asyncio", None)
    found = measured(name, broken, whole)
    assert list(found.results) == [whole]
    assert found.failures == {broken: "KeyError: 'zebra'"}


def test_a_contestant_whose_process_ends_is_left_out_and_comes_back_for_the_next_workload() -> None:
    member = Member(Entry("asyncio", None))
    try:
        member.prepare(BY_NAME["settle"], 10)
        assert member._process is not None
        member._process.kill()
        with pytest.raises(ContestantError, match=r"its process said nothing \(exit status -9\)"):
            member.sample()
        member.prepare(BY_NAME["settle"], 10)
        assert member.sample()[0].value > 0
    finally:
        member.end()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--filter", "gater"], 'no workload matches "gater"; there are: settle, ready, gather, '),
        (["--runtime", "zebra"], f'the runtime "zebra" is not installed; there are: {", ".join(RUNTIMES)}\n'),
        (["--loop", "zebra"], 'the loop "zebra" is not installed; there are: asyncio, '),
        (["--json", "nowhere/x.json"], "nowhere/x.json cannot be written: there is no folder nowhere\n"),
        (["--compare", "nowhere.json"], "nowhere.json cannot be compared with: No such file or directory\n"),
        (["--compare", os.devnull], f"{os.devnull} cannot be compared with: it is not JSON: "),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_measured(arguments: list[str], message: str) -> None:
    result = bench(*arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"crossawait bench: {message}")


def test_a_name_written_out_is_measured_whatever_the_run_would_have() -> None:
    from crossawait._bench.options import choose

    assert [one.name for one in choose(["pending-1000000"], quick=True)] == ["pending-1000000"]
    assert "pending-1000000" not in [one.name for one in choose(["pending-*"], quick=False)]
    assert [one.name for one in choose(["loops-*"], quick=True)] == ["loops-1", "loops-4"]
    assert [one.name for one in choose(["loops-*"], quick=False)] == [
        "loops-1",
        "loops-2",
        "loops-4",
        "loops-8",
    ]
