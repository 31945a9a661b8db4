"""The promises in their short form: each line of the table some ten times, with bounds for busy machines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROMISES = (
    "exit",
    "fork",
    "closed_loop",
    "settle_once",
    "leaks",
    "overload",
    "signals",
    "threads",
)

# Bounds of time are for a machine that does nothing else. Here they tell what is late from what never comes.
OPTIONS = ("--times", "10", "--spread", "--patience", "20", "--longest", "240")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_is_kept(promise: str) -> None:
    command = [sys.executable, str(Path(__file__).parent), "--promise", promise, *OPTIONS]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    # Some are about what this system or this installation does not have.
    if "NO VERDICT" in ended.stderr:
        pytest.skip("there is nothing to try here")
    assert ended.returncode == 0, ended.stdout + ended.stderr
