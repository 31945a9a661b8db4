"""What is told of the verdicts: a table for people, and JSON for documents."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import sysconfig
import time
from pathlib import Path
from typing import Any

from experiment import Verdict

COLUMNS = ("promise", "how it was tried", "times", "runtime", "worst figures", "verdict")
RIGHT = {"times"}

# Where a page has its figures.
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def python() -> str:
    """Returns the interpreter's version, with a `t` if it runs without a GIL."""
    return platform.python_version() + ("t" if sysconfig.get_config_var("Py_GIL_DISABLED") else "")


def text(verdicts: list[Verdict], seconds: float) -> str:
    """Returns everything there is to say."""
    rows = [COLUMNS, *map(cells, gathered(verdicts))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [line(row, widths) for row in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    for verdict in verdicts:
        for failure in verdict.failures:
            lines += ["", f"BROKEN {verdict.experiment}: {failure}"]
    broken = sum(bool(verdict.failures) for verdict in verdicts)
    lines += ["", f"Python {python()}: {len(verdicts)} experiments, {broken} broken, {seconds:.0f} s"]
    return "\n".join(lines)


def gathered(verdicts: list[Verdict]) -> list[dict[str, Any]]:
    """Returns the rows: the ways of one line and runtime together, with the worst of their figures."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for verdict in verdicts:
        tried = verdict.experiment
        row = rows.setdefault(
            tried.line,
            {
                "promise": tried.promise,
                "row": tried.row,
                "runtime": tried.runtime,
                "ways": 0,
                "times": 0,
                "figures": {},
                "broken": 0,
            },
        )
        row["ways"] += 1
        row["times"] += verdict.times
        row["broken"] += len(verdict.failures)
        for name, value in verdict.figures.items():
            unit = tried.bounds[name].unit if name in tried.bounds else ""
            worst = max(value, row["figures"].get(name, {"worst": value})["worst"])
            row["figures"][name] = {"worst": round(worst, 4), "unit": unit}
            if name in tried.bounds and math.isfinite(tried.bounds[name].most):
                row["figures"][name]["most"] = tried.bounds[name].most
    return list(rows.values())


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Returns a row as words."""
    figures = ", ".join(
        f"{name} {figure['worst']:,.4g}{' ' * bool(figure['unit'])}{figure['unit']}"
        if figure["worst"] < 10000
        else f"{name} {figure['worst']:,.0f}{' ' * bool(figure['unit'])}{figure['unit']}"
        for name, figure in row["figures"].items()
    )
    ways = f"{row['row']} ({row['ways']} ways)" if row["ways"] > 1 else row["row"]
    verdict = f"BROKEN {row['broken']} times" if row["broken"] else "kept"
    return row["promise"], ways, f"{row['times']:,}", row["runtime"], figures, verdict


def line(row: tuple[str, ...], widths: list[int]) -> str:
    """Returns one line of the table."""
    return "  ".join(
        cell.rjust(width) if name in RIGHT else cell.ljust(width)
        for name, cell, width in zip(COLUMNS, row, widths, strict=True)
    ).rstrip()


def side_by_side(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Returns the rows as words, with the runtimes beside each other."""
    runtimes = list(dict.fromkeys(row["runtime"] for row in rows))
    told: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for row in rows:
        told.setdefault((row["promise"], row["row"]), {})[row["runtime"]] = cells(row)
    lines = [["promise", "how it was tried", "times", *runtimes], ["---"] * (3 + len(runtimes))]
    for of_runtimes in told.values():
        promise, how, times, *_ = next(iter(of_runtimes.values()))
        # What is measured, and unless all was well that it was not. Not every runtime is tried in every way.
        words = []
        for name in runtimes:
            figures, verdict = of_runtimes[name][-2:] if name in of_runtimes else ("not tried", "kept")
            words.append((figures or "kept") if verdict == "kept" else f"{verdict}: {figures}")
        lines.append([promise, how, times, *words])
    return lines


def write_page(path: Path, verdicts: list[Verdict], options: argparse.Namespace) -> None:
    """Puts the figures into a page, between its two marks."""
    page = path.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    table = "\n".join(f"| {' | '.join(row)} |" for row in side_by_side(gathered(verdicts)))
    where = f"CPython {python()}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    spread = " --spread" if options.spread else ""
    how = f"`--times {options.times}{spread} --patience {options.patience:g}`"
    said = f"{where}, {time.strftime('%Y-%m-%d', time.gmtime())}, {how}:"
    path.write_text(f"{before}{BEGIN}\n\n{said}\n\n{table}\n\n{END}{after}", encoding="utf-8")


def write(path: Path, verdicts: list[Verdict], options: argparse.Namespace) -> None:
    """Adds the run to the figures of other versions of Python."""
    runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    runs[python()] = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "crossawait": importlib.metadata.version("crossawait"),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "times": options.times,
        "spread": options.spread,
        "patience": options.patience,
        "rows": gathered(verdicts),
    }
    content = json.dumps(dict(sorted(runs.items())), indent=2)
    path.write_text(content + "\n", encoding="utf-8")
