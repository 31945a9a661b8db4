"""The contestants as their processes, seen from the one that compares them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from crossawait._bench.loops import where
from crossawait._bench.workload import Sample, Workload

# The path is the parent's: what it compares is what it has imported, from wherever it was started.
START = (
    "import os, sys\n"
    "sys.path[:] = sys.argv[1].split(os.pathsep)\n"
    "from crossawait._bench.worker import main\n"
    "main()"
)

# Seconds after which a contestant that does not answer is taken to hang, and killed.
PATIENCE = 120.0


class ContestantError(Exception):
    """A contestant cannot do the work; the message says why."""


class UnsupportedError(ContestantError):
    """It lacks what the work is about."""


@dataclass(frozen=True)
class Entry:
    """A contestant's name."""

    loop: str
    runtime: str | None
    """None for the loop by itself."""

    def __str__(self) -> str:
        return f"{self.runtime} {where(self.loop)}" if self.runtime else self.loop


class Member:
    """A contestant and its process."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[str]

    def prepare(self, workload: Workload, count: int) -> None:
        """Have the contestant warm up for a workload.

        Raises:
            ContestantError: it cannot.
        """
        if self._process is None:
            self._process = self._start()
            self._receive()
        self._command(prepare=workload.name, count=count)

    def sample(self) -> tuple[Sample, float]:
        """Have the contestant do the work once; returns the processor's time for one operation, too.

        Raises:
            ContestantError: it cannot.
        """
        answer = self._command(sample=True)
        return Sample(answer["value"], tuple(answer["percentiles"])), answer["processor"]

    def finish(self) -> None:
        """End the workload.

        Raises:
            ContestantError: the contestant failed at it.
        """
        self._command(finish=True)

    def end(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            # Closes the pipes, too; a command that was never read may be in one.
            with suppress(BrokenPipeError):
                process.communicate()
            self._said.close()

    def _start(self) -> subprocess.Popen[str]:
        # The same hashes for all: by themselves they make sets and dictionaries, and with that a process,
        # some percent faster or slower.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        # A file and no pipe, which would be full if nobody read it.
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        arguments = [os.pathsep.join(sys.path), self.entry.loop, self.entry.runtime or ""]
        return subprocess.Popen(
            [sys.executable, "-c", START, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=environment,
        )

    def _command(self, **command: object) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        # If it has died, `_receive` says of what.
        with suppress(BrokenPipeError):
            print(json.dumps(command), file=self._process.stdin, flush=True)
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        late = threading.Event()
        alarm = threading.Timer(PATIENCE, _end_late, (self._process, late))
        alarm.start()
        try:
            line = self._process.stdout.readline()
        finally:
            alarm.cancel()
        if not line:
            words = self._last_words()
            raise ContestantError(f"no answer in {PATIENCE:.0f} s" if late.is_set() else words)
        answer: dict[str, Any] = json.loads(line)
        if "unsupported" in answer:
            raise UnsupportedError(answer["unsupported"])
        if "error" in answer:
            raise ContestantError(answer["error"])
        return answer

    def _last_words(self) -> str:
        process, self._process = self._process, None
        assert process is not None
        process.kill()
        process.communicate()
        with self._said as file:
            file.seek(0)
            said = file.read().strip().splitlines() or ["its process said nothing"]
        return f"{said[-1]} (exit status {process.returncode})"


def _end_late(process: subprocess.Popen[str], late: threading.Event) -> None:
    late.set()
    process.kill()
