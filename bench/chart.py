"""The picture of a comparison: how long each contestant takes, work by work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from figures import COLUMNS, TIMES, Document, duration, factor

# Told apart by colour-blind readers, and on dark pages as well as on light ones: so is the grey of the words.
COLOURS = ("#2f8fd0", "#e07b39", "#c867a6", "#8a8a8a")
MARKERS = ("o", "D", "s", "|")
WORDS = "#7d8590"
LINES = "#7d859055"

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": WORDS,
    "axes.labelcolor": WORDS,
    "axes.edgecolor": LINES,
    "xtick.color": WORDS,
    "ytick.color": WORDS,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


def draw(document: Document, path: Path) -> None:
    """Writes a PNG without a background; each row has a point for each contestant, on powers of ten."""
    rows = [row for row in TIMES if row.subject in measured(document, row.work)]
    with rc_context(STYLE):
        figure = Figure(figsize=(9.2, 1.3 + 0.36 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        for place, row in enumerate(rows):
            found = measured(document, row.work)
            there = [found.get(name, {}).get("median") for name in row.contestants()]
            times = [time for time in there if time is not None]
            axes.plot([min(times), max(times)], [place, place], color=LINES, linewidth=2, zorder=1)
            for column, time in enumerate(there):
                if time is not None:
                    point(axes, column, place, time)
            beside(axes, place, factor(max(times) / times[0]))
        beside(axes, -0.8, "most")
        axes.set_yticks(range(len(rows)), [label(document, row) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xscale("log")
        axes.grid(axis="x", color=WORDS, alpha=0.25, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: re.sub(r"\.0+ ", " ", duration(value))))
        axes.set_xlabel("time for one; less is better. At the side: the most, in times of crossawait's")
        for column, name in enumerate(COLUMNS):
            axes.plot([], [], linestyle="", label=name.replace("`", ""), **look(column))
        figure.legend(loc="outside upper left", ncols=len(COLUMNS), frameon=False)
        figure.savefig(path, dpi=160, transparent=True, metadata={"Software": None})


def beside(axes: Any, place: float, text: str) -> None:
    """Words at the right end of a row."""
    axes.text(1.02, place, text, transform=axes.get_yaxis_transform(), va="center")


def measured(document: Document, work: str) -> dict[str, Any]:
    """The contestants of a workload."""
    found: dict[str, Any] = document["workloads"].get(work, {}).get("nanoseconds", {})
    return found


def label(document: Document, row: Any) -> str:
    """A row's title in a picture."""
    count = measured(document, row.work)[row.subject]["operations"]
    title: str = row.title.format(count=f"{count:,}").replace("`", "")
    return title


def look(column: int) -> dict[str, Any]:
    """How a contestant's points look; ours is the largest."""
    size = (8.5, 7.0, 7.0, 11.0)[column]
    return {
        "marker": MARKERS[column],
        "markersize": size,
        "color": COLOURS[column],
        "markeredgewidth": 2.5 if MARKERS[column] == "|" else 0,
    }


def point(axes: Any, column: int, place: int, time: float) -> None:
    """One median."""
    axes.plot([time], [place], linestyle="", zorder=4 - column / 4, **look(column))
