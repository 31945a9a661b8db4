"""What samples prove: medians with intervals, and whether two contestants differ.

Nothing is assumed about how times are distributed, except that rounds are independent. The interval of a
median lies between two of the samples themselves (order statistics): it holds the true median unless too many
samples fell on one side of it, and how probable that is, the coins of the binomial distribution say exactly.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95

# The same program started twice differs by some percent, since its memory lies elsewhere, and so do two
# programs that cost the same. No number of rounds in one process sees that.
SMALLEST_DIFFERENCE = 0.05


@dataclass(frozen=True)
class Estimate:
    """A median and its interval."""

    median: float
    low: float
    high: float
    confidence: float
    """The probability that such an interval holds the true median; with few samples less than asked for."""


def median(samples: Sequence[float]) -> Estimate:
    """Estimate the median: the narrowest pair of samples, as far from either end, that is sure enough.

    Raises:
        ValueError: there is no sample.
    """
    if not samples:
        raise ValueError("no samples, no median")
    ranked = sorted(samples)
    count = len(ranked)
    outside = 0
    while count - 2 * outside > 2 and _confidence(count, outside + 1) >= CONFIDENCE:
        outside += 1
    return Estimate(
        statistics.median(ranked), ranked[outside], ranked[count - 1 - outside], _confidence(count, outside)
    )


def _confidence(count: int, outside: int) -> float:
    """The probability that more than ``outside`` of the samples lie on either side of the true median."""
    tail: int = sum(math.comb(count, number) for number in range(outside + 1))
    return 1 - 2 * tail / float(2**count)


def ratio(slower: Sequence[float], faster: Sequence[float]) -> Estimate | None:
    """Estimate how many times the one is the other, from rounds that both were in; None if one is zero.

    Round by round: what slowed down a whole round slowed down both, and does not count.
    """
    if not all(faster) or not all(slower):
        return None
    return median([one / other for one, other in zip(slower, faster, strict=True)])


def differs(estimate: Estimate) -> bool:
    """Whether a ratio is beyond noise: surely not 1, and far enough from it to matter."""
    if estimate.confidence < CONFIDENCE or estimate.low <= 1 <= estimate.high:
        return False
    return abs(math.log(estimate.median)) > math.log(1 + SMALLEST_DIFFERENCE)


def apart(one: Estimate, other: Estimate) -> bool:
    """Whether two medians that were not measured in the same rounds differ beyond noise."""
    if one.low <= other.high and other.low <= one.high:
        return False
    if one.median <= 0 or other.median <= 0:
        return True
    return abs(math.log(one.median / other.median)) > math.log(1 + SMALLEST_DIFFERENCE)


def geometric_mean(ratios: Sequence[float]) -> float:
    """The mean for ratios: twice as fast here and half as fast there is equally fast."""
    return statistics.geometric_mean(ratios)
