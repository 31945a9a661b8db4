"""Has CPython's own test suite judge our awaitable: `python tests/cpython`.

Two questions are asked of the interpreter that runs this. Do the suites for `asyncio.Future` pass with
`Awaitable` in its place? And when the loops' `create_future` makes an awaitable of ours, does every suite of
asyncio's end as it does with asyncio's own future, test by test? For that one each suite is run both ways.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import judging
import running
import suites
import table
from exceptions import Exceptions
from judging import Verdict
from reading import DidNotStartError, Run
from running import Limits
from suites import Suite

# A suite's run with ours, and the one with asyncio's own future if there is one to compare with.
Runs: TypeAlias = tuple[Suite, Run, Run | None]


def parse() -> argparse.Namespace:
    """Returns the options."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("tests/cpython", description=__doc__, formatter_class=formatter)
    parser.add_argument("--package", default="_crossawait_tokio", help="whose Awaitable (%(default)s)")
    parser.add_argument("--suite", action="append", help="run this module only; may be given several times")
    parser.add_argument("--loop", action="append", help="run on this loop only; may be given several times")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (%(default)s)")
    parser.add_argument("--seconds-per-test", type=float, default=30.0, help="then it hangs (%(default)s)")
    parser.add_argument("--seconds-per-suite", type=float, default=300.0, help="likewise (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the counts to this file")
    return parser.parse_args()


def say(text: str) -> None:
    """Tells how things go, apart from the result."""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """Says when a run has ended."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._ended = 0
        self._lock = threading.Lock()

    def ended(self, future: Future[Run], what: str) -> None:
        """Says so; called by whichever thread ran it."""
        if future.cancelled() or future.exception() is not None:
            return
        run = future.result()
        with self._lock:
            self._ended += 1
            say(f"[{self._ended}/{self._total}] {what}: {len(run.outcomes)} tests in {run.seconds:.1f} s")


def run_all(chosen: list[Suite], options: argparse.Namespace, limits: Limits) -> list[Runs]:
    """Runs every suite, some at once."""
    compared = [suite for suite in chosen if suite.replaced == suites.CREATE_FUTURE]
    progress = Progress(len(chosen) + len(compared))
    with ThreadPoolExecutor(options.jobs) as pool:

        def start(suite: Suite, package: str | None) -> Future[Run]:
            future = pool.submit(running.run, suite, package, limits)
            what = f"{suite}, {'native' if package is None else 'ours'}"
            future.add_done_callback(lambda future: progress.ended(future, what))
            return future

        started = [
            (suite, start(suite, options.package), start(suite, None) if suite in compared else None)
            for suite in sorted(chosen, key=suites.by_length)
        ]
        try:
            return [
                (suite, ours.result(), native.result() if native else None) for suite, ours, native in started
            ]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            running.end_all()
            raise


def judge_all(
    runs: list[Runs], exceptions: Exceptions, repeat: Callable[[Verdict, Run | None], None]
) -> list[Verdict]:
    """Judges every suite, and has what disagrees run again, with nothing beside it."""
    verdicts = []
    for suite, ours, native in runs:
        verdict = judging.judge(suite, ours, native, exceptions)
        if verdict.failed:
            say(f"{suite}: again, {len(verdict.failed)} tests that disagree")
            repeat(verdict, native)
        verdicts.append(verdict)
    return sorted(verdicts, key=in_table)


def in_table(verdict: Verdict) -> tuple[str, str, str]:
    """Orders verdicts by what was replaced, then by loop."""
    return verdict.suite.replaced, verdict.suite.loop, verdict.suite.module


def idle(verdict: Verdict) -> bool:
    """Returns whether all went well and none of it had to do with ours."""
    taking_part = verdict.suite.replaced == suites.CLASS or verdict.made
    return not (taking_part or verdict.alike or verdict.failed or verdict.excepted)


def choose(available: list[Suite], options: argparse.Namespace) -> list[Suite]:
    """Returns the suites that are asked for."""
    modules = options.suite or [suite.module for suite in available]
    loops = options.loop or [suite.loop for suite in available]
    return [suite for suite in available if suite.module in modules and suite.loop in loops]


def main() -> int:
    """Returns the exit code: 0 if nothing failed, 1 if something did, 2 if there is no verdict."""
    options = parse()
    # To be stopped like that ends the processes of the suites as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if missing := suites.missing():
        say(f"NO VERDICT: this Python, {sys.executable}, comes without {', '.join(missing)}.")
        say("Install its test suite, which distributions keep in another package, or use another Python.")
        return 2
    available, notes = suites.available()
    chosen = choose(available, options)
    if not chosen:
        say(f"NO VERDICT: there is no such suite. There are: {', '.join(map(str, available))}.")
        return 2

    exceptions = Exceptions()
    limits = Limits(options.seconds_per_test, options.seconds_per_suite)

    def repeat(verdict: Verdict, native: Run | None) -> None:
        judging.repeat(verdict, native, options.package, limits)

    try:
        verdicts = judge_all(run_all(chosen, options, limits), exceptions, repeat)
    except DidNotStartError as error:
        say(f"NO VERDICT: {error}")
        return 2
    notes += [
        f"{verdict.suite} is not counted: it asks for no future" for verdict in verdicts if idle(verdict)
    ]
    verdicts = [verdict for verdict in verdicts if not idle(verdict)]
    problems = exceptions.stale([verdict.suite for verdict in verdicts])
    empty = [verdict.suite for verdict in verdicts if not (verdict.passed or verdict.excepted)]
    problems += [f"{suite}: nothing passed" for suite in empty]

    print(table.text(verdicts, notes, problems))
    if options.json is not None:
        content = json.dumps(table.data(verdicts, notes, problems), indent=2)
        options.json.write_text(content + "\n", encoding="utf-8")
    return 1 if problems or not verdicts or any(verdict.failed for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
