"""What a run is asked for, and whether it can be had: all of that is known before anything is measured."""

from __future__ import annotations

import fnmatch
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crossawait import _select
from crossawait._bench import loops
from crossawait._bench.compare import load
from crossawait._bench.report import Report
from crossawait._bench.workload import FULL, QUICK, Workload
from crossawait._bench.workloads import WORKLOADS

EXTRA = 'pip install "crossawait[bench]"'


QUICK_LOOPS = ("asyncio", "uvloop")
"""What most programs run on. With all loops there are too many contestants for two minutes."""


class BenchError(Exception):
    """The comparison cannot be made as asked; the message says why and what to do."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    quick: bool = False
    patterns: Sequence[str] = ()
    runtimes: Sequence[str] = ()
    loops: Sequence[str] = ()
    json: Path | None = None
    html: Path | None = None
    compare: Path | None = None


@dataclass(frozen=True)
class Plan:
    """What is going to be measured."""

    workloads: Sequence[Workload]
    runtimes: Sequence[str]
    loops: Sequence[str]
    old: Report | None


def plan(options: Options) -> Plan:
    """Return what the options mean on this machine.

    Raises:
        BenchError: it cannot be done.
    """
    runtimes = _chosen("runtime", options.runtimes, list(_select.installed()))
    on = _chosen("loop", options.loops, loops.installed())
    if options.quick and not options.loops:
        on = [name for name in on if name in QUICK_LOOPS]
    workloads = choose(options.patterns, quick=options.quick)
    _need("rich")
    if options.html is not None:
        _need("matplotlib")
    for path in (options.json, options.html):
        if path is not None and not path.parent.is_dir():
            raise BenchError(f"{path} cannot be written: there is no folder {path.parent}")
    return Plan(workloads, runtimes, on, _old_report(options.compare))


def choose(patterns: Sequence[str], *, quick: bool) -> list[Workload]:
    """Return the workloads that match one of the patterns, all of the run's if there is none.

    Raises:
        BenchError: a pattern matches nothing.
    """
    level = QUICK if quick else FULL
    if not patterns:
        return [workload for workload in WORKLOADS if workload.level <= level]
    chosen: set[str] = set()
    for pattern in patterns:
        # A name that is written out is meant; a pattern chooses from those that the run would have.
        matching = {
            workload.name
            for workload in WORKLOADS
            if workload.name == pattern
            or (workload.level <= level and fnmatch.fnmatchcase(workload.name, pattern))
        }
        if not matching:
            names = ", ".join(workload.name for workload in WORKLOADS)
            raise BenchError(f'no workload matches "{pattern}"; there are: {names}')
        chosen |= matching
    return [workload for workload in WORKLOADS if workload.name in chosen]


def _chosen(noun: str, asked: Sequence[str], installed: list[str]) -> list[str]:
    if not installed:
        raise BenchError(f"no {noun} is installed: there is nothing to compare")
    for name in asked:
        if name not in installed:
            raise BenchError(f'the {noun} "{name}" is not installed; there are: {", ".join(installed)}')
    return [name for name in installed if not asked or name in asked]


def _need(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise BenchError(f"it needs {module}, which is not installed; install it with: {EXTRA}")


def _old_report(path: Path | None) -> Report | None:
    if path is None:
        return None
    try:
        return load(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BenchError(f"{path} cannot be compared with: {reason}") from error
