"""Says of each test whether our awaitable did as it should."""

from __future__ import annotations

from dataclasses import dataclass, field

import running
from exceptions import Exceptions, Reason
from reading import Outcome, Run
from running import Limits
from suites import Suite

# A test that disagrees is run this often again, each way: first with its whole suite, then without.
REPEATS = 3
# So many that disagree are not unsteady, they are wrong.
MOST_TO_REPEAT = 40

WELL = ("passed", "skipped", "failed as expected")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A test with another outcome than it should have."""

    test: str
    seen: Outcome
    # What it should be; None if only that it must not fail.
    expected: Outcome | None

    def __str__(self) -> str:
        return f"{self.test}: {self.seen}; natively: {self.expected or 'not run'}"


@dataclass(slots=True)
class Verdict:
    """What is said of one suite."""

    suite: Suite
    passed: int = 0
    skipped: int = 0
    # They do not pass with asyncio's own future either, and end the same with ours.
    alike: dict[str, Outcome] = field(default_factory=dict)
    excepted: dict[str, Reason] = field(default_factory=dict)
    failed: list[Disagreement] = field(default_factory=list)
    # They disagreed at first, and then did nothing that asyncio's own future does not.
    unsteady: list[Disagreement] = field(default_factory=list)
    made: int = 0
    seconds: float = 0.0


def judge(suite: Suite, ours: Run, native: Run | None, exceptions: Exceptions) -> Verdict:
    """Compares what became of each test; without a native run, each has to pass."""
    verdict = Verdict(suite, made=ours.made, seconds=ours.seconds + (native.seconds if native else 0.0))
    for test in dict.fromkeys([*(native.outcomes if native else ()), *ours.outcomes]):
        seen, expected = ours.of(test), native.of(test) if native else None
        if agrees(seen, expected):
            count_agreement(verdict, test, seen)
        elif reason := exceptions.find(suite, test):
            verdict.excepted[test] = reason
        else:
            verdict.failed.append(Disagreement(test, seen, expected))
    return verdict


def agrees(seen: Outcome, expected: Outcome | None) -> bool:
    """Returns whether an outcome is as good as the one expected, and as quiet."""
    if expected is None:
        return seen.outcome in WELL and not seen.noise
    return seen.outcome == expected.outcome and len(seen.noise) <= len(expected.noise)


def count_agreement(verdict: Verdict, test: str, seen: Outcome) -> None:
    """Counts a test that ended as it should."""
    if seen.outcome == "skipped":
        verdict.skipped += 1
    elif seen.outcome in WELL:
        verdict.passed += 1
    else:
        verdict.alike[test] = seen


def repeat(verdict: Verdict, native: Run | None, package: str, limits: Limits) -> None:
    """Runs the tests that disagree again, and acquits those that only time or chance had disturbed.

    Whatever one does in any of the repetitions with ours, it must have done in some native run. One that has
    killed its process, or hung, is past help.
    """
    tests = [disagreement.test for disagreement in verdict.failed]
    if len(tests) > MOST_TO_REPEAT or any(disagreement.seen.died for disagreement in verdict.failed):
        return
    # What has no name of its own, like a fixture, is repeated with its whole suite only.
    chosen = None if any(" " in test for test in tests) else tests
    selections = [None, *[chosen] * (REPEATS - 1)]
    ours = [running.run(verdict.suite, package, limits, selection) for selection in selections]
    natively = [running.run(verdict.suite, None, limits, selection) for selection in selections if native]
    verdict.seconds += sum(run.seconds for run in ours + natively)

    guilty = []
    for disagreement in verdict.failed:
        allowed: list[Outcome | None] = [disagreement.expected]
        allowed += [run.of(disagreement.test) for run in natively]
        if all(any(agrees(run.of(disagreement.test), one) for one in allowed) for run in ours):
            verdict.unsteady.append(disagreement)
            count_agreement(verdict, disagreement.test, ours[-1].of(disagreement.test))
        else:
            guilty.append(disagreement)
    verdict.failed = guilty
