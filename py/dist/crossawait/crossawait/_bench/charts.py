"""Pictures of what was found, as SVG text that a page can hold."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from crossawait._bench.crew import Entry
from crossawait._bench.loops import where
from crossawait._bench.report import Findings, Result
from crossawait._bench.units import quantity, rate
from crossawait._bench.workload import A_SECOND, PERCENTILES, SECONDS

# Told apart by colour-blind readers too. Whatever a report shows, a runtime keeps its colour.
COLOURS = {None: "#8a8a8a", "tokio": "#0072b2", "smol": "#d55e00", "async-std": "#009e73"}
OTHERS = ("#cc79a7", "#b8860b", "#56b4e9")
MARKERS = {None: "o", "tokio": "s", "smol": "^", "async-std": "D"}

STYLE: dict[Any, Any] = {
    # Text stays text, in the reader's own font; names of parts are the same in each run.
    "svg.fonttype": "none",
    "svg.hashsalt": "crossawait",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "grid.color": "#e4e4e4",
}


def colour(runtime: str | None) -> str:
    """Return the colour of a runtime; grey is the loop by itself."""
    if runtime in COLOURS:
        return COLOURS[runtime]
    return OTHERS[sum(map(ord, runtime or "")) % len(OTHERS)]


def bars(found: Findings) -> str:
    """Draw one workload: how many a second, or how much, with the intervals as whiskers."""
    entries = list(found.results)
    with rc_context(STYLE):
        figure = Figure(figsize=(7.6, 0.75 + 0.26 * len(entries)), layout="constrained")
        axes = figure.add_subplot()
        for place, entry in enumerate(entries):
            _bar(axes, place, entry, found.results[entry], found.unit)
        axes.set_yticks(range(len(entries)), map(str, entries))
        axes.invert_yaxis()
        axes.margins(x=0.16)
        axes.set_xlim(left=0)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_xlabel("operations a second; more is better" if found.unit == SECONDS else found.unit)
        return _svg(figure)


def _bar(axes: Axes, place: int, entry: Entry, result: Result, unit: str) -> None:
    estimate = result.estimate
    low, middle, high = estimate.low, estimate.median, estimate.high
    if unit == SECONDS:
        # The fastest sample makes the highest rate.
        low, middle, high = 1 / high, 1 / middle, 1 / low
    axes.barh(place, middle, height=0.72, color=colour(entry.runtime))
    whiskers = [[middle - low], [high - middle]]
    axes.errorbar(middle, place, xerr=whiskers, color="#222222", linewidth=1, capsize=2)
    text = rate(estimate.median) if unit == SECONDS else quantity(estimate.median, unit)
    axes.annotate(text, (high, place), (5, 0), textcoords="offset points", va="center", color="#222222")


def percentiles(found: Findings) -> str:
    """Draw how long single operations took, the slow ones among them: a picture for each loop."""
    places = range(len(PERCENTILES))

    def draw(axes: Axes, loop: str) -> None:
        for entry, result in found.results.items():
            if entry.loop == loop and result.percentiles:
                _line(axes, entry, list(places), list(result.percentiles))
        axes.set_xticks(list(places), [f"p{share:g}" for share in PERCENTILES])

    return _for_each_loop([found], draw, "latency")


def curve(points: Sequence[Findings]) -> str:
    """Draw how the time of one operation, or their rate, changes with the amount: a picture for each loop."""
    points = sorted(points, key=lambda found: found.at)
    per_second = any(A_SECOND in found.curve for found in points)

    def draw(axes: Axes, loop: str) -> None:
        entries = dict.fromkeys(entry for found in points for entry in found.results if entry.loop == loop)
        for entry in entries:
            there = [found for found in points if entry in found.results]
            times = [found.results[entry].estimate.median for found in there]
            values = [1 / time for time in times] if per_second else times
            _line(axes, entry, [found.at for found in there], values)
        axes.set_xscale("log")
        axes.set_xticks([found.at for found in points], [f"{found.at:,}" for found in points])
        axes.xaxis.set_minor_locator(NullLocator())

    label = "how many a second" if per_second else "time for one"
    return _for_each_loop(points, draw, label, rate=per_second)


def _line(axes: Axes, entry: Entry, along: list[int], values: list[float]) -> None:
    name = entry.runtime or f"{entry.loop} itself"
    marker = MARKERS.get(entry.runtime, "v")
    axes.plot(along, values, marker=marker, markersize=4.5, label=name, color=colour(entry.runtime))


def _for_each_loop(
    points: Sequence[Findings], draw: Callable[[Axes, str], None], label: str, *, rate: bool = False
) -> str:
    words = _rates if rate else _times
    loops = list(dict.fromkeys(entry.loop for found in points for entry in found.results))
    with rc_context(STYLE):
        figure = Figure(figsize=(max(4.2, 2.9 * len(loops)), 2.9), layout="constrained")
        grid = figure.subplots(1, len(loops), sharey=True, squeeze=False)[0]
        for axes, loop in zip(grid, loops, strict=True):
            draw(axes, loop)
            axes.set_title(where(loop))
            axes.set_yscale("log")
            axes.grid()
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_formatter(FuncFormatter(words))
            axes.legend(fontsize=8, frameon=False)
        grid[0].set_ylabel(f"{label}; {'more' if rate else 'less'} is better")
        return _svg(figure)


def _times(value: float, _place: int) -> str:
    return quantity(value, SECONDS)


def _rates(value: float, _place: int) -> str:
    return f"{value:,.0f}"


def _svg(figure: Figure) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    # Without the head of a file, which has no place within a page.
    return text[text.index("<svg") :]
