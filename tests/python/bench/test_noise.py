"""What samples prove: intervals of samples that are known, and ratios that are none."""

from __future__ import annotations

import random

import pytest

from crossawait._bench import noise


@pytest.mark.parametrize(
    ("count", "low", "high", "confidence"),
    [
        # By hand, from the binomial distribution of fair coins: 1 - 2 * sum(C(n, 0..k)) / 2**n.
        (1, 1, 1, 0),
        (2, 1, 2, 0.5),
        (5, 1, 5, 0.9375),
        (6, 1, 6, 0.96875),
        (8, 1, 8, 0.9921875),
        (9, 2, 8, 1 - 20 / 512),
        (15, 4, 12, 1 - 2 * (1 + 15 + 105 + 455) / 32768),
    ],
)
def test_an_interval_lies_between_the_samples_that_are_sure_enough(
    count: int, low: float, high: float, confidence: float
) -> None:
    samples = list(range(1, count + 1))
    random.Random(count).shuffle(samples)
    estimate = noise.median(samples)
    assert (estimate.low, estimate.high) == (low, high)
    assert estimate.median == (count + 1) / 2
    assert estimate.confidence == pytest.approx(confidence)


def test_no_samples_have_no_median() -> None:
    with pytest.raises(ValueError, match="no samples"):
        noise.median([])


def test_intervals_hold_the_true_median_as_often_as_they_say() -> None:
    chance = random.Random(1)
    # Skewed as times are: the median is that of the exponential distribution, the mean is another.
    estimates = [
        noise.median([chance.expovariate(0.6931471805599453) for _ in range(15)]) for _ in range(4000)
    ]
    held = sum(one.low <= 1 <= one.high for one in estimates) / len(estimates)
    # Three standard deviations of so many trials are 0.9 %.
    assert held == pytest.approx(estimates[0].confidence, abs=0.009)


def test_a_ratio_is_of_pairs_so_that_what_slows_both_does_not_count() -> None:
    weather = [1, 7, 2, 9, 4, 3, 8, 5]
    ratio = noise.ratio([1.4 * one for one in weather], weather)
    assert ratio is not None
    assert (ratio.low, ratio.median, ratio.high) == pytest.approx((1.4, 1.4, 1.4))
    assert noise.differs(ratio)
    # Not in the same rounds, nothing could be said.
    assert not noise.apart(noise.median([1.4 * one for one in weather]), noise.median(weather))


@pytest.mark.parametrize(
    ("ratios", "beyond"),
    [
        ([1.2, 1.3, 1.1, 1.4, 1.2, 1.3], True),
        ([0.8, 0.7, 0.9, 0.7, 0.8, 0.8], True),
        # Once the other was faster: with so few rounds that may be chance.
        ([1.2, 1.3, 0.9, 1.4, 1.2, 1.3], False),
        # Sure, and too little to mean anything.
        ([1.03, 1.02, 1.04, 1.03, 1.03, 1.02], False),
        # Five rounds are never enough.
        ([1.5, 1.5, 1.5, 1.5, 1.5], False),
    ],
)
def test_a_ratio_counts_beyond_noise_only(ratios: list[float], beyond: bool) -> None:
    assert noise.differs(noise.median(ratios)) is beyond


def test_nothing_is_in_no_ratio_to_something() -> None:
    assert noise.ratio([2, 2, 2], [0, 0, 0]) is None


@pytest.mark.parametrize(
    ("one", "other", "beyond"),
    [
        ((1.0, 1.2), (1.3, 1.5), True),
        ((1.3, 1.5), (1.0, 1.2), True),
        ((1.0, 1.2), (1.2, 1.5), False),
        ((1.0, 1.01), (1.02, 1.03), False),
        ((0.0, 0.0), (2.0, 2.0), True),
    ],
)
def test_medians_of_two_runs_are_apart_if_their_intervals_are(
    one: tuple[float, float], other: tuple[float, float], beyond: bool
) -> None:
    estimates = [noise.Estimate((low + high) / 2, low, high, 0.97) for low, high in (one, other)]
    assert noise.apart(*estimates) is beyond
