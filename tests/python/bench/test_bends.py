"""Where a curve bends, and the sentences about it, from points that are known."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from crossawait._bench.bends import BEND, scaling, shape
from crossawait._bench.report import Findings, Report, Result
from crossawait._bench.workload import BYTES
from crossawait._bench.workloads import WORKLOADS
from findings import FACTS, entry, findings, report

CURVES = {one.name.partition("-")[0]: one.curve for one in WORKLOADS if one.curve}
NOISY = (1.0e-6, 9.0e-6, 0.5e-6, 8.0e-6, 1.1e-6, 7.0e-6)


def points(kind: str, costs: Mapping[str, Mapping[int, float]]) -> list[Findings]:
    """A curve of that kind, with the microseconds of each contestant at each amount."""
    return [
        findings(
            {who: at_points[at] * 1e-6 for who, at_points in costs.items() if at in at_points},
            name=f"{kind}-{at}",
            curve=CURVES[kind],
            at=at,
        )
        for at in sorted({at for at_points in costs.values() for at in at_points})
    ]


def said(kind: str, costs: Mapping[str, Mapping[int, float]], *others: Findings) -> list[str]:
    return scaling(report(*points(kind, costs), *others))[CURVES[kind]]


def test_a_curve_falls_to_its_flat_part_and_rises_from_it() -> None:
    costs = {"tokio on asyncio": {1: 40.0, 10: 10.0, 100: 5.0, 1_000: 4.5, 10_000: 4.7, 100_000: 9.0}}
    found = shape(points("pending", costs), entry("tokio on asyncio"))
    assert found is not None
    assert (found.start, found.flat_from, found.flat_until, found.end) == (1, 100, 10_000, 100_000)
    assert found.falls == pytest.approx(40 / 4.5, rel=0.01)
    assert found.rises == pytest.approx(2.0, rel=0.01)


def test_what_may_be_noise_is_no_bend() -> None:
    flat = points("pending", {"tokio on asyncio": {1: 1.0, 10: BEND - 0.01}})
    noisy = findings({"tokio on asyncio": NOISY}, name="pending-100", curve=CURVES["pending"], at=100)
    found = shape([*flat, noisy], entry("tokio on asyncio"))
    assert found is not None
    assert (found.flat_from, found.flat_until) == (1, 100)
    assert (found.falls, found.rises) == (1.0, 1.0)


def test_one_point_has_no_shape_and_no_sentence() -> None:
    lone = points("pending", {"tokio on asyncio": {1: 1.0}})
    assert shape(lone, entry("tokio on asyncio")) is None
    assert scaling(report(*lone)) == {}


def test_a_rise_that_the_loop_shares_is_laid_to_the_tasks_and_their_memory() -> None:
    memory = findings({"tokio on asyncio": 1_000.0}, name="memory", unit=BYTES)
    costs = {
        "asyncio": {100: 2.0, 1_000: 2.0, 100_000: 3.0},
        "tokio on asyncio": {100: 40.0, 1_000: 4.0, 100_000: 6.0},
    }
    assert said("pending", costs, memory) == [
        "asyncio itself: 2.00 µs; bends after 1,000, and takes 1.5× more with 100,000.",
        (
            "tokio on asyncio: 40.0 µs with 100; 10.0× less from 1,000 on, 4.00 µs; "
            "bends after 1,000, and takes 1.5× more with 100,000."
        ),
        "It falls because one crossing alone pays for a whole wake-up of the loop, and a crowd shares it.",
        (
            "asyncio itself rises 1.5×: that is what tasks cost, and not the crossing. 100,000 tasks that "
            "wait take 100 MB, of which the processor's cache holds 32 MB."
        ),
    ]


def test_a_loop_whose_rise_may_be_noise_is_not_said_to_stay_level() -> None:
    costs = {"tokio on asyncio": {1: 4.0, 1_000: 12.0}}
    found = [
        Findings(**{**vars(one), "results": {**one.results, entry("asyncio"): Result(samples)}})
        for one, samples in zip(points("pending", costs), [NOISY, tuple(3 * x for x in NOISY)], strict=True)
    ]
    sentences = scaling(report(*found))[CURVES["pending"]]
    assert "asyncio itself: 4.05 µs; no bend beyond noise up to 1,000." in sentences
    assert sentences[-1] == "asyncio itself rises 3.0×: that is what tasks cost, and not the crossing."


def test_a_rise_that_the_loop_does_not_share_is_the_crossing() -> None:
    costs = {"asyncio": {1: 2.0, 1_000: 2.0}, "tokio on asyncio": {1: 4.0, 1_000: 12.0}}
    assert said("pending", costs)[-1] == "asyncio itself does not rise: that is what the crossing costs."
    del costs["asyncio"]
    assert said("pending", costs)[-1] == "It rises 3.0×."


def test_threads_have_rates_and_take_turns_at_the_interpreter_lock() -> None:
    costs = {"asyncio": {1: 5.0, 4: 5.0}, "tokio on asyncio": {1: 0.5, 4: 1.0}}
    assert said("producers", costs) == [
        "asyncio itself: 200,000 a second; no bend beyond noise up to 4.",
        "tokio on asyncio: 2.00 million a second; bends after 1, and makes 2.0× less with 4.",
        (
            "All threads that settle take turns at the one interpreter lock, and handing it over costs time; "
            "asyncio itself does not bend."
        ),
    ]


def test_without_the_lock_it_is_the_cores() -> None:
    costs = {"asyncio": {1: 5.0, 4: 10.0}, "tokio on asyncio": {1: 5.0, 4: 10.0}}
    free = Report({**FACTS, "free_threaded": True}, tuple(points("loops", costs)))
    assert scaling(free)[CURVES["loops"]][-1] == (
        "More event loops than the 2 cores take turns at these; asyncio itself bends, too, and has 2.0× less "
        "in the end."
    )


def test_every_curve_of_the_benchmarks_can_be_spoken_of() -> None:
    for kind in CURVES:
        costs = {"asyncio": {1: 1.0, 8: 1.0}, "tokio on asyncio": {1: 1.0, 8: 3.0}}
        sentences = said(kind, costs)
        assert len(sentences) == (2 if kind == "echo" else 3)
