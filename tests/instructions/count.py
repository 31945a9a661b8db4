"""Counts the instructions of the hot paths, and fails if there are over 5 % more than the baseline has.

`core/benches/instructions.rs` does the work, in one thread and in the same order each time, under callgrind.
What is compared is what one operation more takes: the difference between two numbers of them.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import baselines
import callgrind
import shown
from baselines import ACCEPT, Baseline

ROOT = Path(__file__).parents[2]
BASELINES = Path(__file__).with_name("baselines.json")
BUILD = [
    *("cargo", "bench", "--no-run", "--locked", "--package", "crossawait-core", "--features", "__bench"),
    *("--bench", "instructions", "--message-format=json-render-diagnostics"),
]


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser("tests/instructions/count.py", description=__doc__)
    parser.add_argument("--accept", action="store_true", help="make this count the baseline")
    parser.add_argument("--times", type=int, default=1, help="count so often, and say how the counts differ")
    parser.add_argument(
        "--profile", action="append", default=[], metavar="WORKLOAD", help="say where they are"
    )
    return parser.parse_args()


def build() -> Path:
    """Build the program, and return where it is."""
    built = subprocess.run(BUILD, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    (program,) = (message["executable"] for message in messages if message.get("executable"))
    return Path(program)


def compiler() -> str:
    """Return the compiler's version."""
    said = subprocess.run(["rustc", "--version"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return said.stdout.strip()


def count(program: Path) -> callgrind.Counts:
    """Run the program once."""
    with tempfile.TemporaryDirectory() as folder:
        return callgrind.run(program, Path(folder))


def summary(counts: callgrind.Counts, program: Path) -> Baseline:
    """Return what a baseline has."""
    return {
        "python": counts.python,
        "rustc": compiler(),
        "counts": {
            name: {
                "total": round(callgrind.total(places), 1),
                "own": round(callgrind.own(places, program), 1),
            }
            for name, places in counts.operations.items()
        },
    }


def main() -> int:
    """Count, show, and judge or accept."""
    options = parse()
    if sys.platform != "linux" or shutil.which("valgrind") is None:
        print("SKIPPED: no instructions are counted, since that takes Linux and valgrind.")
        print("On Debian and Ubuntu: apt-get install --yes valgrind; on Fedora: dnf install valgrind")
        return 0
    program = build()
    runs = [count(program) for _ in range(options.times)]
    summaries = [summary(run, program) for run in runs]
    now = summaries[0]
    known_ones = baselines.load(BASELINES) if BASELINES.exists() else {}
    key = baselines.key_of(now["python"], platform.machine())
    known = known_ones.get(key)
    print(shown.counts(now, known))
    for name in options.profile:
        print(shown.profile(name, runs[0].operations[name], program))
    if options.times > 1:
        print(shown.spread(summaries))
    if options.accept:
        baselines.save(BASELINES, {**known_ones, key: now})
        print(f"This is the baseline of {key} now; commit {BASELINES.relative_to(ROOT)}")
        return 0
    if known is None:
        print(f"SKIPPED: there is no baseline for {key}, only for {', '.join(known_ones)}.")
        print(f"What was counted just now becomes one with: {ACCEPT}")
        return 0
    verdict = baselines.judge(now, known)
    for line in verdict.hints:
        print(f"note: {line}")
    for line in verdict.failures:
        print(f"FAILED: {line}")
    if verdict.failures:
        print(
            f"More than {baselines.TOLERANCE:.0%}. If it has to be so: {ACCEPT}, and commit what it writes."
        )
    return 1 if verdict.failures else 0


if __name__ == "__main__":
    sys.exit(main())
