"""Writes quantities so that they can be read at a glance."""

from __future__ import annotations

from crossawait._bench.workload import SECONDS, THREADS

SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def quantity(value: float, unit: str) -> str:
    """Return a time, a number of bytes or of threads."""
    if unit == THREADS:
        return f"{value:.0f}"
    if unit != SECONDS:
        return f"{value:,.0f} {unit}"
    for scale, name in SCALES:
        # Not 1000 µs but 1.00 ms, after rounding as well as before.
        if value >= 0.9995 * scale or name == "ns":
            return f"{digits(value / scale)} {name}"
    raise AssertionError


def interval(low: float, high: float, unit: str) -> str:
    """Return two quantities, and a unit that is common to them once."""
    first, last = quantity(low, unit), quantity(high, unit)
    number, _, name = first.partition(" ")
    return f"{number} to {last}" if name and last.endswith(f" {name}") else f"{first} to {last}"


def rate(seconds: float) -> str:
    """Return how many that makes in a second."""
    each = 1 / seconds
    for scale, name in ((1e6, " M"), (1e3, " k")):
        if each >= 0.9995 * scale:
            return f"{digits(each / scale)}{name}"
    return digits(each)


def digits(value: float) -> str:
    """Return three digits of a number, or as many as stand in front of its point."""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
