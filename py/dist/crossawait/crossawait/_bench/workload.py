"""What a workload is, and what one sample of it says."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crossawait._bench.contestants import Contestant

SECONDS = "s"
BYTES = "B"
THREADS = "threads"

QUICK, FULL, ASKED = range(3)

PERCENTILES = (50.0, 90.0, 99.0, 99.9)


class Sample(NamedTuple):
    """What one round of one contestant has shown."""

    value: float
    """Seconds for one operation, or bytes or threads."""

    percentiles: tuple[float, ...] = ()
    """Of the single operations' seconds, as in ``PERCENTILES``; empty where they are not timed one by one."""


A_SECOND = " a second"
"""In the names of the curves that do not show the time of one."""

Work = Callable[[Contestant, int], Awaitable[Sample]]
"""Does that many operations."""


@dataclass(frozen=True)
class Workload:
    """A kind of work, and how much of it is a sample."""

    name: str
    title: str
    """With ``{count}`` where the number of operations goes."""

    count: int
    quick: int
    """The number of operations with ``--quick``."""

    work: Work

    unit: str = SECONDS
    fresh: bool = False
    """Whether each sample gets a process of its own, which it may leave in any state."""

    curve: str = ""
    """The chart that this is a point of, if it is one. It shows how many a second if its name says so."""

    at: int = 0
    """Where on that chart."""

    level: int = QUICK
    """In which runs it is: every one, those without ``--quick``, or only those that ask for it by name."""

    limit: bool = False
    """Whether the runtimes do it in Rust alone, too."""

    one_loop: bool = False
    """Whether it is measured on the first loop alone, since loops hardly matter to it and it takes long."""

    def operations(self, *, quick: bool) -> int:
        """Return the number of operations in a sample."""
        return self.quick if quick else self.count


class Clock:
    """Times the operations between its making and its end."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def each(self, count: int) -> Sample:
        """Return the time of one of so many operations."""
        return Sample((time.perf_counter() - self._start) / count)


def sample_of(latencies: Sequence[float]) -> Sample:
    """Sum up operations that were timed one by one."""
    ranked = sorted(latencies)
    # The nearest rank: always the time of an operation that took place.
    nearest = tuple(ranked[math.ceil(share / 100 * len(ranked)) - 1] for share in PERCENTILES)
    return Sample(sum(ranked) / len(ranked), nearest)
