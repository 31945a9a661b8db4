"""Draws what the soak has seen."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soak import Samples

COLOURS = {"tokio": "#2a6f97", "smol": "#c8553d", "async-std": "#588157"}
PLAIN = "#444444"


def draw(samples: Samples, path: Path) -> None:
    """Writes a picture: memory, descriptors and threads, operations, and crossings over time."""
    # Installed for the soak alone.
    importlib.import_module("matplotlib").use("Agg")
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(4, 1, figsize=(9, 10), sharex=True, layout="constrained")
    memory, counts, rates, latencies = axes
    minutes = samples.minutes

    memory.plot(minutes, samples.memory, color=PLAIN)
    memory.set_ylim(0, max(samples.memory) * 1.2)
    finish(memory, "memory in use", "MB")

    counts.plot(minutes, samples.files, color=PLAIN, label="descriptors", linewidth=1)
    counts.plot(minutes, samples.threads, color=PLAIN, linestyle="--", label="threads")
    counts.set_ylim(0, max(samples.files) * 1.1)
    finish(counts, "descriptors and threads", "")

    for name, values in samples.rates.items():
        rates.plot(minutes, values, color=COLOURS.get(name), label=name, linewidth=1)
    rates.set_ylim(0, max(map(max, samples.rates.values())) * 1.1)
    finish(rates, "operations a second", "")

    for name, values in samples.medians.items():
        colour = COLOURS.get(name)
        latencies.plot(minutes, values, color=colour, label=name, linewidth=1.4)
        latencies.plot(minutes, samples.p99s[name], color=colour, linewidth=0.8, linestyle=":")
    latencies.set_yscale("log")
    finish(latencies, "a crossing with all of that going on: median, and dotted the 99th percentile", "µs")
    latencies.set_xlabel("minutes")
    latencies.set_xlim(0, minutes[-1])

    figure.savefig(path, dpi=110, metadata={"Software": None})


def finish(axes: Any, text: str, unit: str) -> None:
    """Names what is drawn, and takes away what is not needed to read it."""
    axes.set_title(text, loc="left", fontsize=10)
    axes.set_ylabel(unit)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    handles, _ = axes.get_legend_handles_labels()
    if handles:
        # Beside the title, where no line goes.
        place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
        axes.legend(ncols=len(handles), frameon=False, fontsize=9, **place)
