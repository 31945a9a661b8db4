"""Runs the program under callgrind, and reads what that has counted."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

# Costs of one line of the source: a position and a number, the former perhaps relative to the one before.
COST = re.compile(r"[+\-*\d]\S* (\d+)$")
NAMED = re.compile(r"(ob|fl|fi|fe|fn)=(?:\((\d+)\))?\s?(.*)$")
WINDOW = "crossawait_window"


class Place(NamedTuple):
    """Where instructions were executed: object file, source file, function."""

    object: str
    file: str
    function: str


class Counts(NamedTuple):
    """Where the instructions of one operation of each workload go, and on which Python."""

    python: str
    operations: dict[str, dict[Place, float]]


def read(profile: str) -> Counter[Place]:
    """Add up the costs of a profile's functions themselves, without what they call.

    A name is written out once, with a number to refer to it by from then on; and the line behind `calls=` has
    the costs of the callee.
    """
    costs: Counter[Place] = Counter()
    names: dict[tuple[str, str], str] = {}
    now = {"ob": "", "fl": "", "fn": ""}
    callee = False
    for line in profile.splitlines():
        if named := NAMED.match(line):
            key, number, name = named.groups()
            kind = "fl" if key in ("fi", "fe") else key
            if number is not None:
                name = names.setdefault((kind, number), name) if name else names[kind, number]
            now[kind] = name
        elif line.startswith(("cob=", "cfi=", "cfl=", "cfn=")):
            if named := NAMED.match(line[1:]):
                key, number, name = named.groups()
                if number is not None and name:
                    names[("fl" if key == "fi" else key), number] = name
        elif line.startswith("calls="):
            callee = True
        elif cost := COST.match(line):
            if not callee:
                costs[Place(now["ob"], now["fl"], now["fn"])] += int(cost[1])
            callee = False
    return costs


def run(program: Path, folder: Path) -> Counts:
    """Run the program once; its profiles are left in `folder`."""
    command = [
        "valgrind",
        "--tool=callgrind",
        f"--callgrind-out-file={folder / 'profile'}",
        f"--toggle-collect={WINDOW}",
        f"--dump-after={WINDOW}",
        "--quiet",
        str(program),
    ]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    said = [line.split(" ", 1) for line in ran.stdout.splitlines()]
    (python,) = (text for kind, text in said if kind == "python")
    windows = [text.split(" ", 1) for kind, text in said if kind == "window"]
    profiles = [read((folder / f"profile.{number}").read_text()) for number in range(1, len(windows) + 1)]
    seen: dict[str, list[dict[Place, float]]] = {}
    for (count, name), one, two in zip(windows[::2], profiles[::2], profiles[1::2], strict=True):
        costs = {place: (two[place] - one[place]) / int(count) for place in one | two}
        seen.setdefault(name, []).append({place: cost for place, cost in costs.items() if cost})
    return Counts(python, {name: sorted(each, key=total)[len(each) // 2] for name, each in seen.items()})


def total(places: dict[Place, float]) -> float:
    """Return all instructions of an operation."""
    return sum(places.values())


def own(places: dict[Place, float], program: Path) -> float:
    """Return those inside the program, which is this library and the crates it is built of."""
    return sum(cost for place, cost in places.items() if Path(place.object).name == program.name)
