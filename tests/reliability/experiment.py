"""What an experiment is: a program that tries to break a promise, and what is expected of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# `--times` of the full run. Everything else scales with it.
FULL = 200

WHEELS = ("tokio", "smol", "async-std")
# An executor of the test extension's, which only runs its own futures: no timers, no sockets.
CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that a figure may be."""

    most: float
    unit: str
    # Whether it is a time. Those hold on a machine that has nothing else to do; `--patience` stretches them.
    timed: bool = False


def seconds(most: float) -> Bound:
    """Returns a bound in seconds."""
    return Bound(most, "s", timed=True)


def milliseconds(most: float) -> Bound:
    """Returns a bound in milliseconds."""
    return Bound(most, "ms", timed=True)


def megabytes(most: float) -> Bound:
    """Returns a bound in megabytes."""
    return Bound(most, "MB")


def measured(unit: str) -> Bound:
    """Returns no bound: something that is told, and may be what it is."""
    return Bound(math.inf, unit)


def count(most: float) -> Bound:
    """Returns a bound of something that is counted."""
    return Bound(most, "")


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """One way to try one promise on one runtime."""

    promise: str
    # The line of the table that it is counted in, and which of its ways it is.
    row: str
    way: str
    runtime: str
    program: str
    arguments: tuple[str, ...] = ()
    # How many operations each of `--times` stands for, and how many of them one process does; None: all.
    operations: int = 1
    each: int | None = 1
    # What the process ends with, an exit code or minus a signal, and which lines it may write to stderr.
    status: int = 0
    stderr: str | None = None
    # Gets SIGINT once it has said that it is ready.
    interrupted: bool = False
    # What it measures, "exit" among it (from when it says that it is ready to its end), and the most of that.
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    # Whether it must not have company: what it measures is about the processors.
    alone: bool = False
    # A process that takes longer hangs.
    hangs: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.promise}, {self.row}, {self.way}, {self.runtime}"

    @property
    def line(self) -> tuple[str, str, str]:
        """The line of the table: several ways of doing the same share one."""
        return self.promise, self.row, self.runtime

    def processes(self, times: int) -> list[int]:
        """Returns how many operations each of the processes does."""
        total = times * self.operations
        if self.each is None:
            return [total]
        full, rest = divmod(total, self.each)
        return [self.each] * full + [rest] * (rest > 0)


@dataclass(slots=True)
class Trial:
    """What one process did."""

    status: int
    stdout: str
    stderr: str
    # None if all went as it had to end; else why not, "took more than 60 s".
    broken: str | None
    figures: dict[str, float]


@dataclass(slots=True)
class Verdict:
    """What became of an experiment."""

    experiment: Experiment
    times: int = 0
    # The worst of each.
    figures: dict[str, float] = field(default_factory=dict)
    # What was wrong, each with the end of what the process said.
    failures: list[str] = field(default_factory=list)

    def add(self, trial: Trial, operations: int, patience: float) -> None:
        """Judges a trial and counts it."""
        self.times += operations
        for name, value in trial.figures.items():
            self.figures[name] = max(value, self.figures.get(name, value))
        reasons = judge(self.experiment, trial, patience)
        if reasons:
            said = [line[:300] for line in (trial.stdout + trial.stderr).strip().splitlines()[-40:]]
            self.failures.append("\n".join(["; ".join(reasons), *(f"    {line}" for line in said)]))


def judge(experiment: Experiment, trial: Trial, patience: float) -> list[str]:
    """Returns what is wrong with a trial."""
    if trial.broken is not None:
        return [trial.broken]
    reasons = []
    if trial.status != experiment.status:
        reasons.append(f"{describe(trial.status)} instead of {describe(experiment.status)}")
    allowed = re.compile(experiment.stderr) if experiment.stderr else None
    lines = [line for line in trial.stderr.splitlines() if not (allowed and allowed.fullmatch(line))]
    if lines:
        reasons.append(f"wrote {len(lines)} lines to stderr that it should not have")
    for name, bound in experiment.bounds.items():
        most = bound.most * (patience if bound.timed else 1.0)
        if name not in trial.figures:
            reasons.append(f"did not measure {name}")
        elif trial.figures[name] > most:
            reasons.append(f"{name} {trial.figures[name]:.4g} {bound.unit} is more than {most:.4g}")
    return reasons


def describe(status: int) -> str:
    """Returns in words how a process ended."""
    if status < 0:
        import signal  # The one place that needs the names.

        return f"was killed by {signal.Signals(-status).name}"
    return f"exited with {status}"
