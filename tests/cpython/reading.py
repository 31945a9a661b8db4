"""Reads what the process of a suite wrote down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Stand where a test's name would.
EXIT = "(the interpreter's exit)"
BETWEEN = "(between two tests)"


class DidNotStartError(Exception):
    """A suite could not even be loaded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test."""

    outcome: str
    detail: str = ""
    # What was said beside: errors that asyncio logged, exceptions that nobody could catch, warnings.
    noise: tuple[str, ...] = ()

    @property
    def died(self) -> bool:
        """Whether it took its process with it."""
        return self.outcome.startswith("died")

    def __str__(self) -> str:
        return f"{self.outcome}, but not quietly" if self.noise else self.outcome


MISSING = Outcome("missing")


@dataclass(slots=True)
class Run:
    """What became of the tests of a suite."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    # How many awaitables of ours the loops made.
    made: int = 0
    seconds: float = 0.0

    def of(self, test: str) -> Outcome:
        """Returns what became of one."""
        return self.outcomes.get(test, MISSING)


class Reading:
    """Makes outcomes out of the report of one process."""

    def __init__(self, result: Run) -> None:
        self._result = result
        self._planned: list[str] | None = None
        self._running: str | None = None
        self._finished = False
        self._ended: set[str] = set()

    def read(self, lines: list[dict[str, Any]], status: str, last_words: str) -> list[str]:
        """Adds outcomes to the result; returns the tests that are left to another process."""
        for line in lines:
            self._read_line(line)
        if self._planned is None:
            raise DidNotStartError(f"the process {status or 'said nothing'}\n{last_words}")
        died = Outcome(f"died: {status}", last_words)
        if self._finished:
            if status:
                self._result.outcomes[EXIT] = died
            return []
        if self._running is None:
            # Another process would get no further.
            self._result.outcomes[BETWEEN] = died
            return []
        self._result.outcomes[self._running] = died
        return [test for test in self._planned if test not in self._ended and test != self._running]

    def _read_line(self, line: dict[str, Any]) -> None:
        if "planned" in line:
            self._planned = line["planned"]
        elif "started" in line:
            self._running = line["started"]
        elif "test" in line:
            self._running = None
            self._ended.add(line["test"])
            outcome = Outcome(line["outcome"], line["detail"], tuple(line["noise"]))
            self._result.outcomes[line["test"]] = outcome
        else:
            self._finished = True
            self._result.made += line["made"]
