"""The judge notices what is wrong: its programs are run with faults planted in them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its figures are read from /proc")


def judge(folder: Path, fault: str, *options: str) -> tuple[int, str, dict[str, Any]]:
    """Run the command with a fault in its programs; return its exit code, what it printed, and its JSON."""
    # Imported by every program as it starts.
    (folder / "sitecustomize.py").write_text(fault)
    figures = folder / "figures.json"
    command = [sys.executable, str(HERE), "--runtime", "tokio", "--patience", "10", "--longest", "60"]
    command += ["--planted", str(folder), "--json", str(figures), *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    (run,) = json.loads(figures.read_text()).values()
    return ended.returncode, ended.stdout, run


EXIT = ("--promise", "exit", "--way", "from main, end, no shutdown()", "--times", "1")
FORK = ("--promise", "fork", "--way", "os.fork, calls in flight, children end by os._exit", "--times", "2")
LEAKS = ("--promise", "leaks", "--way", "crossings", "--times", "1")
CLOSED = ("--promise", "closed_loop", "--way", "freed at once", "--times", "4")
RACE = ("--promise", "settle_once", "--way", "completion, awaitables", "--times", "1")
OVERLOAD = ("--promise", "overload", "--way", "steps of 2 ms", "--times", "4")
SIGNALS = ("--promise", "signals", "--way", "in asyncio.run", "--times", "1")
THREADS = ("--promise", "threads", "--way", "made in Python", "--times", "1")

# Has every awaitable that a gather waits for bring something along that stays.
GATHER = """
import asyncio, os
kept, gather = [], asyncio.gather
def leaking(*awaitables, **options):
    {leak}
    return gather(*awaitables, **options)
asyncio.gather = leaking
"""

# One awaitable among many tells twice that it is done.
TWICE = """
import crossawait_tests
class Twice(crossawait_tests.Awaitable):
    def add_done_callback(self, callback):
        super().add_done_callback(callback)
        super().add_done_callback(callback)
class Runtime:
    def __init__(self, name):
        self.runtime, self.left = real(name), 500
    def __getattr__(self, name):
        return getattr(self.runtime, name)
    def nothing(self):
        self.left -= 1
        return self.runtime.nothing() if self.left else Twice()
real, crossawait_tests.Runtime = crossawait_tests.Runtime, Runtime
"""

# A child takes the parent's connections down with it.
DEAFENED = """
import os, socket
def take_down():
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        try:
            socket.socket(fileno=os.dup(descriptor)).shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
os.register_at_fork(after_in_child=take_down)
"""

LATE = """
import asyncio
sleep = asyncio.sleep
asyncio.sleep = lambda seconds: sleep(30 * seconds)
"""

NEVER_CANCELLED = """
import crossawait_tests
class Awaitable(crossawait_tests.Awaitable):
    def cancelled(self):
        return False
crossawait_tests.Awaitable = Awaitable
"""


@pytest.mark.parametrize(
    "options", [EXIT, FORK, LEAKS, CLOSED, RACE, SIGNALS, THREADS], ids=lambda options: options[1]
)
def test_what_keeps_its_promise_is_kept(tmp_path: Path, options: tuple[str, ...]) -> None:
    code, printed, run = judge(tmp_path, "", *options)
    assert (code, [row["broken"] for row in run["rows"]]) == (0, [0]), printed


@pytest.mark.parametrize(
    ("options", "fault", "said"),
    [
        (
            EXIT,
            "import atexit, os; atexit.register(os.abort)",
            "was killed by SIGABRT instead of exited with 0",
        ),
        (
            EXIT,
            "import atexit; atexit.register(print, 'x', file=__import__('sys').stderr)",
            "lines to stderr",
        ),
        (EXIT, "import atexit, time; atexit.register(time.sleep, 21)", "is more than 20"),
        (EXIT, "import atexit, os; atexit.register(os._exit, 7)", "exited with 7 instead of exited with 0"),
        (FORK, "import os; os.register_at_fork(after_in_child=os.abort)", "exited with 1"),
        (
            FORK,
            DEAFENED,
            "exited with 1",
        ),
        (LEAKS, GATHER.format(leak="kept.append(bytearray(1 << 20))"), "growth"),
        (LEAKS, GATHER.format(leak="kept.append(os.dup(0))"), "files"),
        (CLOSED, GATHER.format(leak="kept.append(os.dup(0))"), "files"),
        (RACE, TWICE, "assert len(told_of) == len(racing)"),
        (OVERLOAD, LATE, "steps between ticks"),
        (SIGNALS, "import time; time.monotonic = lambda clock=time.monotonic: 10_000 * clock()", "latest"),
        (THREADS, NEVER_CANCELLED, "exited with 1"),
    ],
)
def test_what_breaks_a_promise_is_seen(
    tmp_path: Path, options: tuple[str, ...], fault: str, said: str
) -> None:
    code, printed, run = judge(tmp_path, fault, *options)
    assert code == 1
    assert sum(row["broken"] for row in run["rows"]) > 0
    # What is broken may hang besides, which is seen as well.
    assert said in printed or "took more than 60 s" in printed


def test_what_hangs_is_ended_and_its_stacks_are_shown(tmp_path: Path) -> None:
    fault = "import atexit, threading; atexit.register(threading.Event().wait)"
    code, printed, _ = judge(tmp_path, fault, *EXIT, "--longest", "6")
    assert code == 1
    assert "took more than 6 s" in printed
    assert "in wait" in printed


def test_there_is_no_verdict_on_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE), "--way", "no such way"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "NO VERDICT" in ended.stderr
