"""One run from the first sample to the last file."""

from __future__ import annotations

import json

from rich.console import Console

from crossawait._bench import bends, terminal, verdicts
from crossawait._bench.crew import Entry, Member
from crossawait._bench.loops import RUST
from crossawait._bench.machine import facts
from crossawait._bench.measure import measure, rounds_of
from crossawait._bench.options import Options, Plan
from crossawait._bench.report import Findings, Report, to_json


def hold(plan: Plan, options: Options) -> None:
    """Measure, print, and write the files that were asked for.

    Raises:
        OSError: a file cannot be written.
    """
    console = terminal.output()
    found = _compare(plan, console, quick=options.quick)
    report = Report(facts(plan.loops, plan.runtimes, quick=options.quick), tuple(found))
    words = {one.name: verdicts.verdict(one) for one in found}
    summary = verdicts.summary(found)
    scaling = bends.scaling(report)
    terminal.show_end(console, report, summary, scaling)
    if plan.old is not None:
        terminal.show_comparison(console, plan.old, report)
    if options.json is not None:
        text = json.dumps(to_json(report, words, summary, scaling), indent=1, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
    if options.html is not None:
        # Half a second and much memory, for those who want pictures.
        from crossawait._bench.page import page

        options.html.write_text(page(report, words, summary, plan.old), encoding="utf-8")


def _compare(plan: Plan, console: Console, *, quick: bool) -> list[Findings]:
    """Measure one workload after the other, and print each when it is done."""
    members = [Member(Entry(loop, runtime)) for loop in plan.loops for runtime in (None, *plan.runtimes)]
    limits = [Member(Entry(RUST, runtime)) for runtime in plan.runtimes]
    crews = {
        workload.name: [one for one in members if one.entry.loop == plan.loops[0] or not workload.one_loop]
        + (limits if workload.limit else [])
        for workload in plan.workloads
    }
    steps = sum(len(crews[one.name]) * (rounds_of(one, quick=quick) + 1) for one in plan.workloads)
    found = []
    try:
        with terminal.progress(console) as progress:
            task = progress.add_task("", total=steps)
            for workload in plan.workloads:
                progress.update(task, description=workload.name)
                crew = crews[workload.name]
                found.append(measure(workload, crew, quick=quick, tick=lambda: progress.advance(task)))
                terminal.show_findings(console, found[-1], verdicts.verdict(found[-1]))
    finally:
        for member in (*members, *limits):
            member.end()
    return found
