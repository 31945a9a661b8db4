"""What the programs share: how they are told what to do, and how they tell what they saw."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import crossawait

# Long enough for anything that comes about; what has not come by then does not.
NEVER = 30.0


def told() -> tuple[str, int, list[str]]:
    """Returns the runtime, how many operations to do, and what else the program was told."""
    runtime, operations, *rest = sys.argv[1:]
    return runtime, int(operations), rest


def start(name: str, pool: int) -> crossawait.Runtime:
    """Returns a runtime whose blocking pool has so many threads at most."""
    if name == "tokio":
        return crossawait.Runtime(name, max_blocking_threads=pool)
    # The other two share one pool for the process, which reads this when it starts.
    os.environ["BLOCKING_MAX_THREADS"] = str(pool)
    return crossawait.Runtime(name)


def ready() -> None:
    """Says that what is measured from outside begins now."""
    print("ready", flush=True)


def tell(**figures: float) -> None:
    """Tells figures; `_` in their names stands for a blank."""
    print(json.dumps({name.replace("_", " "): value for name, value in figures.items()}), flush=True)


def memory() -> float:
    """Returns the memory that this process has in use, in megabytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def descriptors() -> int:
    """Returns how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def threads() -> int:
    """Returns how many threads this process has, Rust's among them."""
    return len(list(Path("/proc/self/task").iterdir()))


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Holds this thread up until a condition has come true."""
    deadline = time.monotonic() + NEVER
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.001)


async def until(condition: Callable[[], object], what: str) -> None:
    """Lets the loop run until a condition has come true."""
    deadline = time.monotonic() + NEVER
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.001)


def quietly(loop: asyncio.AbstractEventLoop) -> list[dict[str, Any]]:
    """Has what a loop complains of listed, so that a program can see to it that there is nothing."""
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    return complaints


def percentile(values: Sequence[float], percent: float) -> float:
    """Returns the value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
