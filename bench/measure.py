"""Times contestants against each other: interleaved, with a rotating order, summed up by medians.

A shared machine slows down and speeds up again within seconds. Run one after the other, whoever came at the
wrong moment would lose; run round by round, everybody meets the same weather, and the median drops the worst.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Sample = Callable[[], Awaitable[float]]
"""Does one sample's work and returns the seconds it took."""

# Long enough for a contestant's threads to finish what they do after their last result was delivered, so that
# nobody is timed with another's tail running on the second core.
PAUSE = 0.005


@dataclass(frozen=True)
class Subject:
    """One contestant's share of a workload: what to run, and how many operations one run holds."""

    name: str
    sample: Sample
    operations: int


class Counters(NamedTuple):
    """What crossawait's event-loop queues of this process have done so far."""

    wakes: int
    batches: int
    completions: int

    def since(self, earlier: Counters) -> Counters:
        """What was added after `earlier`."""
        return Counters(*(now - then for now, then in zip(self, earlier, strict=True)))

    def plus(self, other: Counters) -> Counters:
        """Both together."""
        return Counters(*(one + another for one, another in zip(self, other, strict=True)))


NOTHING = Counters(0, 0, 0)


@dataclass
class Timing:
    """What one contestant showed in one workload."""

    operations: int
    samples: list[float] = field(default_factory=list)
    """Nanoseconds per operation, one number a round."""
    counted: Counters = NOTHING
    """What the timed samples did to the counters, all rounds together."""

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The samples a quarter of the way from either end: half of all rounds lie between them."""
        if len(self.samples) < 2:
            return self.samples[0], self.samples[0]
        low, _, high = statistics.quantiles(self.samples, n=4, method="inclusive")
        return low, high


async def timed(subject: Subject) -> float:
    """One sample in nanoseconds per operation, begun with nothing left to collect or to finish."""
    gc.collect()
    await asyncio.sleep(PAUSE)
    return await subject.sample() / subject.operations * 1e9


async def interleave(
    subjects: Sequence[Subject], rounds: int, counters: Callable[[], Counters], tick: Callable[[], None]
) -> dict[str, Timing]:
    """Times every subject once a round; a first round warms up threads, pools and caches and is thrown away.

    The collector stays on, as it is in the programs this stands for: whatever a contestant makes it do is
    part of what the contestant costs.
    """
    timings = {subject.name: Timing(subject.operations) for subject in subjects}
    for subject in subjects:
        await timed(subject)
    tick()
    for number in range(rounds):
        first = number % len(subjects)
        for subject in [*subjects[first:], *subjects[:first]]:
            timing = timings[subject.name]
            before = counters()
            timing.samples.append(await timed(subject))
            timing.counted = timing.counted.plus(counters().since(before))
        tick()
    return timings
