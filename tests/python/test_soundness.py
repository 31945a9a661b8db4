"""docs/soundness.md lists every `unsafe`: it has to be the code's list."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `(?P<file>[\w./-]+\.rs)` \| (?P<times>\d+) \| \S", re.MULTILINE)


def count(text: str) -> int:
    """Count the word outside of comments and strings."""
    without_strings = re.sub(r'"(\\.|[^"\\])*"', '""', text)
    return sum(len(re.findall(r"\bunsafe\b", row.split("//")[0])) for row in without_strings.splitlines())


def test_every_unsafe_is_in_the_table_and_counted() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.rs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    texts = {name: (ROOT / name).read_text() for name in listed.stdout.split("\0") if (ROOT / name).is_file()}
    counted = {name: count(text) for name, text in texts.items() if count(text)}
    table = {row["file"]: int(row["times"]) for row in ROW.finditer((ROOT / "docs/soundness.md").read_text())}
    assert table == counted
