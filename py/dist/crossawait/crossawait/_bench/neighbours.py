"""Who else uses the processor during a measurement."""

from __future__ import annotations

import os
import time
from pathlib import Path


class Neighbours:
    """How many cores other processes keep busy: the more, the wider the intervals."""

    def __init__(self) -> None:
        self._start, self._busy = time.perf_counter(), self._others()

    def cores(self) -> float:
        """Return how many, from the making on."""
        return max(0.0, self._others() - self._busy) / (time.perf_counter() - self._start)

    def _others(self) -> float:
        """Seconds of everybody but this process and its children; 0 where the system does not say."""
        try:
            everybody = sum(map(int, Path("/proc/stat").read_text().split(maxsplit=4)[1:4]))
            mine = sum(map(_ticks, ["self", *_children()]))
        except OSError:
            return 0.0
        return (everybody - mine) / os.sysconf("SC_CLK_TCK")


def _children() -> list[str]:
    lists = Path("/proc/self/task").glob("*/children")
    return [child for children in lists for child in children.read_text().split()]


def _ticks(process: str) -> int:
    """The processor's time of a process and of the children that it has waited for."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))
