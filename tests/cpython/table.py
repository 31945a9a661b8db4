"""The verdicts as a table, and as JSON."""

from __future__ import annotations

import importlib.metadata
import platform
import sysconfig
from typing import Any

import suites
from judging import Verdict
from reading import Outcome

WORDS = ("suite", "ours is", "Python", "loop")
NUMBERS = ("passed", "skipped", "alike", "excepted", "failed", "futures", "seconds")
REPLACED = {suites.CLASS: "the class", suites.CREATE_FUTURE: "create_future"}


def python() -> str:
    """Returns the interpreter's version, with a `t` if it runs without a GIL."""
    return platform.python_version() + ("t" if sysconfig.get_config_var("Py_GIL_DISABLED") else "")


def text(verdicts: list[Verdict], notes: list[str], problems: list[str]) -> str:
    """Returns everything there is to say."""
    lines = [*table(verdicts), ""]
    for verdict in verdicts:
        lines += [f"{verdict.suite}: natively too, {test}: {seen}" for test, seen in verdict.alike.items()]
        lines += [f"{verdict.suite}: excepted {test}: {why.reason}" for test, why in verdict.excepted.items()]
        lines += [f"{verdict.suite}: unsteady {disagreement}" for disagreement in verdict.unsteady]
    lines += notes
    for verdict in verdicts:
        for disagreement in verdict.failed:
            lines += ["", f"FAILED {verdict.suite}: {disagreement}", *excerpt(disagreement.seen)]
    return "\n".join(lines + [f"\nFAILED {problem}" for problem in problems])


def table(verdicts: list[Verdict]) -> list[str]:
    """Returns the lines of the table."""
    rows: list[tuple[str, ...]] = [WORDS + NUMBERS]
    rows += [words(verdict) + tuple(str(number) for number in numbers(verdict)) for verdict in verdicts]
    sums = [sum(numbers(verdict)[column] for verdict in verdicts) for column in range(len(NUMBERS))]
    rows.append(("total", "", python(), "", *(str(round(number)) for number in sums)))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [line(row, widths) for row in rows]
    return [lines[0], "-" * len(lines[0]), *lines[1:-1], "-" * len(lines[0]), lines[-1]]


def words(verdict: Verdict) -> tuple[str, ...]:
    """Returns which suite it is."""
    return verdict.suite.module, REPLACED[verdict.suite.replaced], python(), verdict.suite.loop


def numbers(verdict: Verdict) -> tuple[float, ...]:
    """Returns the numbers of a suite, as `NUMBERS` names them."""
    named = len(verdict.alike), len(verdict.excepted), len(verdict.failed)
    return verdict.passed, verdict.skipped, *named, verdict.made, round(verdict.seconds, 1)


def line(row: tuple[str, ...], widths: list[int]) -> str:
    """Returns one line of the table: words to the left, numbers to the right."""
    cells = [cell.ljust(width) for cell, width in zip(row[: len(WORDS)], widths, strict=False)]
    cells += [cell.rjust(width) for cell, width in zip(row[len(WORDS) :], widths[len(WORDS) :], strict=True)]
    return "  ".join(cells)


def excerpt(outcome: Outcome) -> list[str]:
    """Returns the end of what a test said. One line of it may hold a whole traceback."""
    lines = [*outcome.detail.strip().splitlines()[-30:], *outcome.noise]
    return [f"    {line[:500]}" for line in lines]


def data(verdicts: list[Verdict], notes: list[str], problems: list[str]) -> dict[str, Any]:
    """Returns everything for a machine."""
    return {
        "python": python(),
        "implementation": platform.python_implementation(),
        "crossawait": importlib.metadata.version("crossawait"),
        "suites": [suite_data(verdict) for verdict in verdicts],
        "notes": notes,
        "problems": problems,
    }


def suite_data(verdict: Verdict) -> dict[str, Any]:
    """Returns one suite for a machine: its numbers, and what is behind them."""
    suite = verdict.suite
    return {
        "suite": suite.module,
        "replaced": suite.replaced,
        "loop": suite.loop,
        **dict(zip(NUMBERS, numbers(verdict), strict=True)),
        "natively": {test: str(outcome) for test, outcome in verdict.alike.items()},
        "exceptions": {test: why.reason for test, why in verdict.excepted.items()},
        "failures": [str(disagreement) for disagreement in verdict.failed],
        "unsteady": [str(disagreement) for disagreement in verdict.unsteady],
    }
