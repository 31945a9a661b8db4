"""`crossawait bench`: every installed runtime does every kind of work, and is in every table."""

from __future__ import annotations

import subprocess
import sys

import crossawait


def test_every_contestant_is_in_every_table() -> None:
    command = [sys.executable, "-m", "crossawait", "bench", "--quick"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    assert printed.stderr == ""
    tables = printed.stdout.strip().split("\n\n")
    assert len(tables) == 4
    for table in tables:
        title, _, *rows = table.splitlines()
        assert title.endswith("median of 3 rounds that took turns:")
        assert {row.split()[0] for row in rows} == {"asyncio", *crossawait.available()}
        assert all(float(row.split()[1]) > 0 for row in rows)
