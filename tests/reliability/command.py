"""The command: which experiments are made, how often, and what is told of them."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import closed_loop
import exit as exits
import fork
import leaks
import overload
import processes
import settle_once
import signals
import threads
from experiment import CUSTOM, FULL, WHEELS, Experiment, Verdict

import results

PROMISES: dict[str, Callable[[], list[Experiment]]] = {
    "exit": exits.experiments,
    "fork": fork.experiments,
    "closed_loop": closed_loop.experiments,
    "settle_once": settle_once.experiments,
    "leaks": leaks.experiments,
    "overload": overload.experiments,
    "signals": signals.experiments,
    "threads": threads.experiments,
}

# After so many failures an experiment's remaining processes tell nothing new.
MOST_FAILURES = 5


def parse() -> argparse.Namespace:
    """Returns the options."""
    parser = argparse.ArgumentParser("tests/reliability", description="Tries to break what is promised.")
    add = parser.add_argument
    add("--times", type=int, default=FULL, help="how often; all counts scale with it (%(default)s)")
    add("--spread", action="store_true", help="share the times among the ways of each line, for a short run")
    add("--runtime", action="append", choices=(*WHEELS, CUSTOM), help="this one only; may be repeated")
    add("--promise", action="append", choices=tuple(PROMISES), help="this one only; may be repeated")
    add("--way", default="", help="only experiments whose name has this in it")
    add(
        "--patience",
        type=float,
        default=1.0,
        help="stretches bounds of time, for busy machines (%(default)s)",
    )
    add(
        "--longest",
        type=float,
        default=math.inf,
        help="a process that takes more seconds hangs, however patient",
    )
    add("--jobs", type=int, default=2, help="processes at once (%(default)s)")
    add("--json", type=Path, help="add the figures to this file, under the version of this Python")
    add("--page", type=Path, help="put the table into this page, between its marks")
    add("--planted", type=Path, help="a folder for the programs' PYTHONPATH: faults that are to be found")
    add("--list", action="store_true", help="name the experiments and stop")
    return parser.parse_args()


def say(text: str) -> None:
    """Tells how things go, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def chosen(options: argparse.Namespace) -> list[Experiment]:
    """Returns the experiments that are asked for, and possible here."""
    promises = options.promise or PROMISES
    runtimes = options.runtime or (*WHEELS, CUSTOM)
    made = [experiment for promise in promises for experiment in PROMISES[promise]()]
    return [each for each in made if each.runtime in runtimes and options.way in str(each)]


def plan(experiments: list[Experiment], times: int, spread: bool) -> dict[Experiment, list[int]]:
    """Returns how many operations each process of an experiment does."""
    ways = Counter(experiment.line for experiment in experiments)

    def share(experiment: Experiment) -> int:
        # Only where each time is a process of its own, or nearly so: the others take as long as one.
        return math.ceil(times / ways[experiment.line]) if spread and experiment.each is not None else times

    return {experiment: experiment.processes(share(experiment)) for experiment in experiments}


class Progress:
    """Says of each experiment when its last process has ended."""

    def __init__(self, planned: dict[Experiment, list[int]]) -> None:
        self._left = {experiment: len(processes) for experiment, processes in planned.items()}
        self._total = len(planned)
        self._lock = threading.Lock()

    def ended(self, verdict: Verdict) -> None:
        with self._lock:
            self._left[verdict.experiment] -= 1
            if self._left[verdict.experiment] == 0:
                done = sum(left == 0 for left in self._left.values())
                state = "BROKEN" if verdict.failures else "kept"
                say(f"[{done}/{self._total}] {verdict.experiment}: {state}")


def make_all(experiments: list[Experiment], options: argparse.Namespace) -> list[Verdict]:
    """Makes every experiment: some at once, and then those that are to be alone."""
    verdicts = {experiment: Verdict(experiment) for experiment in experiments}
    planned = plan(experiments, options.times, options.spread)
    progress = Progress(planned)

    def make(experiment: Experiment, operations: int) -> None:
        verdict = verdicts[experiment]
        if not processes.STOPPED.is_set() and len(verdict.failures) < MOST_FAILURES:
            limit = min(experiment.hangs * options.patience, options.longest)
            trial = processes.run(experiment, operations, limit, options.planted)
            verdict.add(trial, operations, options.patience)
        progress.ended(verdict)

    for alone, jobs in ((False, options.jobs), (True, 1)):
        with ThreadPoolExecutor(jobs) as pool:
            made = [
                pool.submit(make, experiment, operations)
                for experiment, operations_of_each in planned.items()
                if experiment.alone == alone
                for operations in operations_of_each
            ]
            try:
                for each in made:
                    each.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                processes.end_all()
                raise
    return list(verdicts.values())


def main() -> int:
    """Returns the exit code: 0 if every promise was kept, 1 if one was broken, 2 if there is no verdict."""
    options = parse()
    # To be stopped like that ends the programs as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    experiments = chosen(options)
    if options.list:
        print("\n".join(map(str, experiments)))
        return 0
    if not experiments:
        say("NO VERDICT: there is no such experiment here.")
        return 2
    begun = time.monotonic()
    verdicts = make_all(experiments, options)
    print(results.text(verdicts, time.monotonic() - begun))
    if options.json is not None:
        results.write(options.json, verdicts, options)
    if options.page is not None:
        results.write_page(options.page, verdicts, options)
    return 1 if any(verdict.failures for verdict in verdicts) else 0
