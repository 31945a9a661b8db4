"""Runs the program of an experiment in a process of its own, bounded in time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

from experiment import Experiment, Trial

PROGRAMS = Path(__file__).with_name("programs")

# With this line a program says that it comes to what is measured. Any other line is its figures, as JSON.
READY = "ready"

# After SIGABRT, which has `faulthandler` write down where all threads are.
LAST_WORDS = 5.0

ALIVE: set[subprocess.Popen[str]] = set()
STOPPED = threading.Event()


def run(experiment: Experiment, operations: int, limit: float, planted: Path | None) -> Trial:
    """Runs one process to its end, or for as many seconds as the limit."""
    command = [sys.executable, "-X", "faulthandler", str(PROGRAMS / experiment.program)]
    command += [experiment.runtime, str(operations), *experiment.arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr:
        # A session of its own, so that what it starts can be ended with it.
        process = subprocess.Popen(
            command,
            env=environment(experiment, planted),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
        ALIVE.add(process)
        watchdog = Watchdog(process, limit)
        try:
            trial = follow(process, experiment.interrupted)
        finally:
            watchdog.cancel()
            ALIVE.discard(process)
        stderr.seek(0)
        trial.stderr = stderr.read()
    if watchdog.barked:
        trial.broken = f"took more than {limit:.0f} s"
    return trial


def environment(experiment: Experiment, planted: Path | None) -> dict[str, str]:
    """Returns the environment of a program, in which nothing but the experiment chooses how things are."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("CROSSAWAIT")}
    variables.update(experiment.environment)
    if planted is not None:
        variables["PYTHONPATH"] = str(planted)
    return variables


def follow(process: subprocess.Popen[str], interrupted: bool) -> Trial:
    """Reads what a process says until it has ended."""
    assert process.stdout is not None
    lines = []
    ready: float | None = None
    with process.stdout as stdout:
        while line := next_line(stdout):
            if line.strip() == READY:
                ready = time.monotonic()
                if interrupted:
                    process.send_signal(signal.SIGINT)
            else:
                lines.append(line)
    status = process.wait()
    ended = time.monotonic()
    trial = Trial(status, "".join(lines), "", None, {})
    if ready is not None:
        trial.figures["exit"] = ended - ready
    try:
        trial.figures.update({name: value for line in lines for name, value in json.loads(line).items()})
    except ValueError:
        trial.broken = "wrote what are no figures"
    return trial


def next_line(stdout: IO[str]) -> str:
    """Returns a line, or "" at the end."""
    return stdout.readline()


class Watchdog:
    """Ends a process that takes too long, and all that it has started."""

    def __init__(self, process: subprocess.Popen[str], limit: float) -> None:
        self._process = process
        self.barked = False
        self._timers = [threading.Timer(limit, self._ask), threading.Timer(limit + LAST_WORDS, self._end)]
        for timer in self._timers:
            timer.daemon = True
            timer.start()

    def cancel(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def _ask(self) -> None:
        self.barked = True
        self._process.send_signal(signal.SIGABRT)

    def _end(self) -> None:
        self.barked = True
        end(self._process)


def end_all() -> None:
    """Ends whatever runs, and has nothing more started in its place."""
    STOPPED.set()
    for process in list(ALIVE):
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Ends the session that a process leads. It may have ended, and left children that hold its pipe."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
