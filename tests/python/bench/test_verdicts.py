"""The words: what follows from known samples, and what does not follow from noise."""

from __future__ import annotations

import pytest

from crossawait._bench.verdicts import factor, summary, verdict
from crossawait._bench.workload import BYTES, THREADS
from findings import findings

NOISY = (1.0e-6, 3.0e-6, 0.8e-6, 2.5e-6, 1.2e-6, 0.9e-6)


def test_the_best_runtime_is_compared_with_each_other_and_with_the_loop() -> None:
    found = findings(
        {
            "asyncio": 2.0e-6,
            "tokio on asyncio": 1.4e-6,
            "smol on asyncio": 1.0e-6,
            "async-std on asyncio": NOISY,
        }
    )
    assert verdict(found) == [
        "On asyncio: smol 1.4× faster than tokio; within noise of async-std; 2.0× faster than asyncio itself."
    ]


def test_those_that_are_beaten_by_as_much_stand_together() -> None:
    found = findings({"tokio on asyncio": 3e-6, "smol on asyncio": 1e-6, "async-std on asyncio": 3e-6})
    assert verdict(found) == ["On asyncio: smol 3.0× faster than tokio and async-std."]


def test_what_is_equal_is_said_once() -> None:
    found = findings({"asyncio": 1e-6, "tokio on asyncio": 1e-6, "smol on asyncio": 1.01e-6})
    assert verdict(found) == ["On asyncio: tokio within noise of smol and asyncio itself."]


def test_one_runtime_is_compared_with_the_loop_alone() -> None:
    assert verdict(findings({"asyncio": 1e-6, "tokio on asyncio": 4.6e-6})) == [
        "On asyncio: tokio 4.6× slower than asyncio itself."
    ]
    assert verdict(findings({"asyncio": 1e-6, "tokio on asyncio": 1e-6})) == [
        "On asyncio: tokio within noise of asyncio itself."
    ]
    assert verdict(findings({"tokio on asyncio": 1e-6})) == ["On asyncio: tokio alone."]


def test_of_several_loops_the_best_of_all_is_named() -> None:
    found = findings({"asyncio": 3e-6, "uvloop": 1e-6, "tokio on asyncio": 2e-6, "tokio on uvloop": 1.01e-6})
    assert verdict(found) == [
        "On asyncio: tokio 1.5× faster than asyncio itself.",
        "On uvloop: tokio within noise of uvloop itself.",
        "Fastest of all: uvloop itself, within noise of tokio on uvloop.",
    ]


def test_rust_alone_is_the_limit_and_wins_nothing() -> None:
    own = {"asyncio": 4e-6, "tokio on asyncio": 3e-6, "smol on asyncio": 6e-6}
    assert verdict(findings({**own, "tokio in Rust alone": 1e-6, "smol in Rust alone": 1.5e-6})) == [
        "On asyncio: tokio 2.0× faster than smol; 1.3× faster than asyncio itself.",
        "The limit is 1.00 µs, of tokio in Rust alone; tokio on asyncio takes 3.0× as long.",
    ]
    assert verdict(findings({"tokio on asyncio": 1.01e-6, "tokio in Rust alone": 1e-6})) == [
        "On asyncio: tokio alone.",
        "The limit is 1.00 µs, of tokio in Rust alone; tokio on asyncio is within noise of it.",
    ]
    alone = findings({**own, "tokio in Rust alone": 1e-6})
    assert summary([alone]) == summary([findings(own)])


def test_a_long_list_is_only_counted() -> None:
    names = ("tokio", "smol", "async-std")
    everybody = {f"{name} on {loop}": 1e-6 for loop in ("asyncio", "uvloop") for name in names}
    assert verdict(findings(everybody))[-1] == "Fastest of all: tokio on asyncio, within noise of 5 others."


@pytest.mark.parametrize(
    ("unit", "own", "words"),
    [
        (BYTES, 500.0, "smol 3.0× less than tokio; 2.0× more than asyncio itself"),
        (THREADS, (0.0,) * 6, "smol 3.0× less than tokio; more than asyncio itself"),
    ],
)
def test_memory_and_threads_are_more_or_less_and_may_be_nothing(
    unit: str, own: float | tuple[float, ...], words: str
) -> None:
    found = findings({"asyncio": own, "tokio on asyncio": 3000.0, "smol on asyncio": 1000.0}, unit=unit)
    assert verdict(found) == [f"On asyncio: {words}."]


def test_nobody_left_is_no_verdict() -> None:
    assert verdict(findings({}, failures={"tokio on asyncio": "OSError: too many open files"})) == []


def test_the_summary_counts_and_averages_what_all_runtimes_have_done() -> None:
    found = [
        findings({"tokio on asyncio": 1e-6, "smol on asyncio": 4e-6, "tokio on uvloop": 0.5e-6}, name="one"),
        findings({"tokio on asyncio": 1e-6, "smol on asyncio": 1e-6, "tokio on uvloop": 0.5e-6}, name="two"),
        # Only one of the two, then memory, then a point of a curve whose work is counted already.
        findings({"tokio on asyncio": 1e-6}, name="three"),
        findings({"tokio on asyncio": 900.0, "smol on asyncio": 1.0}, name="memory", unit=BYTES),
        findings({"tokio on asyncio": 9e-6, "smol on asyncio": 1e-6}, name="four", curve="crossings, by x"),
    ]
    assert summary(found) == [
        (
            "On asyncio: tokio is the fastest, or within noise of it, in 2 of 2 workloads"
            " (1.00× the fastest's time on average);"
            " smol is the fastest, or within noise of it, in 1 of 2 workloads"
            " (2.00× the fastest's time on average)."
        ),
        "On uvloop instead of asyncio, the runtimes are 2.0× faster on average.",
    ]


def test_nothing_has_no_summary() -> None:
    assert summary([]) == []


def test_factors_have_the_digits_that_mean_something() -> None:
    assert [factor(value) for value in (1.062, 1.44, 12.64, 42.1, 1234.5)] == [
        "1.06", "1.4", "12.6", "42", "1,234",
    ]  # fmt: skip
