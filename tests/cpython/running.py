"""Runs a suite in processes of its own, bounded in time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import suites
from reading import Reading, Run
from suites import Suite

CHILD = Path(__file__).with_name("child.py")

# A test that kills its process costs one more; after these many the rest is left.
PROCESSES = 4

LAST_LINES = 60

ALIVE: set[subprocess.Popen[bytes]] = set()
STOPPED = threading.Event()


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take."""

    seconds_per_test: float
    seconds_per_suite: float


def run(suite: Suite, package: str | None, limits: Limits, tests: Sequence[str] | None = None) -> Run:
    """Runs a suite, or some of its tests: with the awaitable of `package` or, given none, as it comes."""
    result = Run()
    started = time.monotonic()
    for _ in range(PROCESSES):
        remaining = run_process(suite, package, limits, tests, result)
        if not remaining or STOPPED.is_set():
            break
        tests = remaining
    result.seconds = time.monotonic() - started
    return result


def run_process(
    suite: Suite, package: str | None, limits: Limits, tests: Sequence[str] | None, result: Run
) -> list[str]:
    """Runs one process; adds to `result`, and returns the tests that it did not get to."""
    with tempfile.TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        report, log = folder / "report", folder / "log"
        command = [sys.executable, str(CHILD), suite.module]
        command += ["--replaced", suite.replaced, "--loop", suite.loop, "--report", str(report)]
        command += ["--seconds-per-test", str(limits.seconds_per_test)]
        if package is not None:
            command += ["--package", package]
        if tests is not None:
            wanted = folder / "wanted"
            wanted.write_text(json.dumps(tests), encoding="utf-8")
            command += ["--tests", str(wanted)]
        # Some tests leave files where they run.
        (folder / "work").mkdir()
        status = wait(command, folder / "work", log, environment(suite), limits.seconds_per_suite)
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
        last_words = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return Reading(result).read([json.loads(line) for line in lines], status, "\n".join(last_words))


def environment(suite: Suite) -> dict[str, str]:
    """Returns the environment of a suite's process, in which nothing but the suite chooses the mode."""
    names = ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "CROSSAWAIT_STRICT")
    variables = {name: value for name, value in os.environ.items() if name not in names}
    if suite.loop == suites.DEBUG:
        variables["PYTHONASYNCIODEBUG"] = "1"
    if suite.loop == suites.STRICT:
        variables["CROSSAWAIT_STRICT"] = "1"
    return variables


def wait(command: list[str], folder: Path, log: Path, variables: dict[str, str], seconds: float) -> str:
    """Runs a command to its end; returns how it ended, which is "" if all was well."""
    with log.open("wb") as output:
        # A session of its own, so that what it starts can be ended with it.
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        ALIVE.add(process)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            end(process)
            return f"took more than {seconds:.0f} s"
        finally:
            ALIVE.discard(process)
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with {code}" if code else ""


def end_all() -> None:
    """Ends whatever runs, and has nothing more started in its place."""
    STOPPED.set()
    for process in list(ALIVE):
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process with all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
