"""Tables and progress on the terminal, by rich."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from crossawait._bench import compare, machine, rows
from crossawait._bench.report import Findings, Report

# Where the output goes to no terminal, the width that the widest table needs.
WIDTH = 110


def output() -> Console:
    """Return the console of standard output."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, soft_wrap=False)


def progress(console: Console) -> Progress:
    """Return a bar below the output, or on standard error; nothing is shown if neither is a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console if sys.stdout.isatty() else Console(stderr=True),
        transient=True,
        disable=not (sys.stdout.isatty() or sys.stderr.isatty()),
    )


def show_findings(console: Console, found: Findings, verdict: Sequence[str]) -> None:
    """Print one workload: what it is, its table, who failed, and what follows."""
    console.print()
    console.print(Text(f"{found.name}: {found.title}", style="bold"))
    console.print(Text(rows.note(found), style="dim"))
    if found.results:
        console.print(_table(rows.header(found, wide=False), rows.rows(found, wide=False)))
    for line in rows.failures(found):
        console.print(Text(f"  no result: {line}", style="yellow"))
    for sentence in verdict:
        console.print(Padding(Text(sentence, style="green"), (0, 0, 0, 2)))


def show_end(
    console: Console, report: Report, summary: Sequence[str], scaling: Mapping[str, Sequence[str]]
) -> None:
    """Print what follows from everything, and on what it was measured."""
    for curve, sentences in scaling.items():
        console.print()
        console.print(Text(f"Scaling: {curve}", style="bold"))
        for sentence in sentences:
            console.print(Padding(Text(sentence), (0, 0, 0, 2)))
    console.print()
    for sentence in summary:
        console.print(Text(sentence, style="bold green"))
    console.print()
    for name, value in machine.lines(report.facts):
        console.print(Text(f"{name:12} {value}", style="dim"))


def show_comparison(console: Console, old: Report, new: Report) -> None:
    """Print what has changed since an older report."""
    comparison = compare.compare(old, new)
    console.print()
    console.print(Text(f"Compared with the report of {old.facts['date']}", style="bold"))
    for line in machine.differences(old.facts, new.facts):
        console.print(Text(f"  not the same: {line}", style="yellow"))
    if comparison.changes:
        header = ["", "contestant", "then", "now", ""]
        console.print(_table(header, [list(row) for row in compare.as_rows(comparison.changes)], left=2))
    console.print(Text(compare.conclusion(comparison)))


def _table(header: Sequence[str], cells: Sequence[Sequence[str]], left: int = 1) -> Padding:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(header):
        table.add_column(Text(heading), justify="left" if number < left else "right", no_wrap=True)
    for row in cells:
        table.add_row(*map(Text, row))
    return Padding(table, (0, 0, 0, 2))
