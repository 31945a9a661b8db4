"""Builds and tests with every Python that the project supports and this machine has: `make test-all-pythons`.

A Python is looked for on PATH, as `python3.12`, and in pyenv's folder. Each one that is found gets a virtual
environment, distributions and logs of its own in `target/pythons/<version>`; what cargo compiles, they share.
The targets that run are those that one's own Python has in `make test`, but for two kinds of tests: those in
Rust, and those that build from source with the package registries' help. Neither depends on the version.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "target" / "pythons"

# A `t` stands for the build without a GIL.
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.14t")

# Step by step; what fails in the first leaves nothing to be tested in the others.
STEPS = {"build": "install", "tests": "test-python", "conformance": "conformance"}

# Asks an interpreter who it is. One in a virtual environment names the one that this was made with.
PROBE = """
import json, platform, sys, sysconfig
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": "%d.%d" % sys.version_info[:2] + ("t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""),
    "release": platform.python_version(),
    "executable": getattr(sys, "_base_executable", None) or sys.executable,
}))
"""

LINES_OF_A_FAILURE = 40


@dataclass
class Python:
    """An interpreter, and how it has fared."""

    version: str
    release: str = ""
    executable: Path | None = None
    results: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where everything of its own goes."""
        return FOLDER / self.version

    @property
    def failed(self) -> bool:
        """Whether a step went wrong."""
        return any(result.startswith("FAILED") for result in self.results.values())


def candidates(version: str) -> Iterator[Path]:
    """Yield where an interpreter of that version may be, the likeliest first."""
    if on_path := shutil.which(f"python{version}"):
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/*/bin/python{version}"), key=by_number, reverse=True)
    yield Path(sys.executable)


def by_number(path: Path) -> list[int]:
    """Order 3.12.10 behind 3.12.9."""
    return [int(number) for number in re.findall(r"\d+", path.parts[-3])]


def find(version: str) -> Python:
    """Return the first candidate that is what its name says; of pyenv's on PATH many only say what to do."""
    for candidate in candidates(version):
        try:
            probed = subprocess.run(
                [candidate, "-c", PROBE], capture_output=True, text=True, timeout=60, check=True
            )
            told = json.loads(probed.stdout)
        except (OSError, subprocess.SubprocessError, ValueError):
            continue
        if told["implementation"] == "cpython" and told["version"] == version:
            return Python(version, told["release"], Path(told["executable"]))
    return Python(version)


def forget_another_release(python: Python) -> None:
    """Remove what was made with another release of the same version, which may be gone from the machine."""
    made_with = python.folder / "release"
    if made_with.is_file() and made_with.read_text() == python.release:
        return
    if python.folder.exists():
        shutil.rmtree(python.folder)
    python.folder.mkdir(parents=True)
    made_with.write_text(python.release)


def run_steps(python: Python) -> None:
    """Build and test with one interpreter."""
    forget_another_release(python)
    for step, target in STEPS.items():
        print(f"{python.version:6} {step:12}", end="", flush=True)
        begun = time.monotonic()
        log = python.folder / f"{step}.log"
        passed = make(target, python, log)
        minutes, seconds = divmod(round(time.monotonic() - begun), 60)
        said = summary(log)
        python.results[step] = f"{'passed' if passed else 'FAILED'}{f' ({said})' if said else ''}"
        print(f"{python.results[step]}, {minutes} min {seconds} s", flush=True)
        if not passed:
            print(*(f"    {line}" for line in tail(log)), f"    ... all of it: {log}", sep="\n", flush=True)
            if step == "build":
                return


def make(target: str, python: Python, log: Path) -> bool:
    """Run a target of the Makefile for that interpreter; everything it says goes into the log."""
    variables = {
        "PYTHON": python.executable,
        "VENV": python.folder / "venv",
        "DIST": python.folder / "dist",
        "PYTEST_OPTIONS": "-m 'not registry'",
    }
    # What the `make` that started this was given is not meant for these.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    command = [
        os.environ.get("MAKE", "make"),
        target,
        *(f"{name}={value}" for name, value in variables.items()),
    ]
    with log.open("w") as output:
        return subprocess.call(command, cwd=ROOT, env=environment, stdout=output, stderr=output) == 0


def tail(log: Path) -> list[str]:
    """Return how a log ends."""
    return log.read_text(errors="replace").splitlines()[-LINES_OF_A_FAILURE:]


def summary(log: Path) -> str:
    """Return the numbers that a run ends with, if any: pytest's, or the sums of conformance's table."""
    text = log.read_text(errors="replace")
    if counts := re.findall(r"^=* ?(\d+ \w+(?:, \d+ \w+)*) in \d", text, re.MULTILINE):
        return str(counts[-1])
    heads, sums = (re.findall(rf"^{word} .*$", text, re.MULTILINE) for word in ("suite", "total"))
    if heads and sums:
        # Numbers are to the right, and as many as the last heads.
        named = dict(zip(reversed(heads[-1].split()), reversed(sums[-1].split()), strict=False))
        return ", ".join(
            f"{named[name]} {name}" for name in ("passed", "excepted", "failed") if name in named
        )
    return ""


def table(pythons: list[Python]) -> list[str]:
    """Return the lines that say how all of them have fared."""
    rows = [("Python", "release", *STEPS)]
    for python in pythons:
        fared = [python.results.get(step, "") for step in STEPS] if python.executable else ["not found"]
        rows.append((python.version, python.release or "-", *fared))
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]


def main() -> int:
    """Return the exit code: 0 if every Python that was found has passed, and at least one was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", nargs="*", default=VERSIONS, help="which ones; all: " + " ".join(VERSIONS))
    parser.add_argument("--all", action="store_true", help="fail if one of them is not found")
    options = parser.parse_args()
    if unknown := set(options.version) - set(VERSIONS):
        parser.error(f"not supported: {' '.join(sorted(unknown))}")

    pythons = [find(version) for version in options.version]
    found = [python for python in pythons if python.executable]
    for python in pythons:
        print(f"{python.version:6} {python.executable or 'not found'}")
    for python in found:
        run_steps(python)
    print("", *table(pythons), sep="\n")
    complete = len(found) == len(pythons) if options.all else bool(found)
    return 0 if complete and not any(python.failed for python in found) else 1


if __name__ == "__main__":
    sys.exit(main())
