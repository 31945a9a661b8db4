"""Times crossawait against PyO3, pyo3-async-runtimes and asyncio. `bench/README.md` says how and why.

Needs the extension in `bench/peers`; `make bench-peers` builds it, and has `publish.py` show the results.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import sys
import time
from pathlib import Path

import isolated
import machine
import report
from bridges import counters
from library import cores
from measure import Comparison, interleave
from workloads import FULL, QUICK, WORKLOADS, Scale, Workload

ISOLATED = {
    isolated.THREADS: "threads added by sleeps started together",
    isolated.HELD: "memory of an awaitable with a timer that the caller holds",
    isolated.AWAITED: "memory of an awaitable with a timer and of the task that awaits it",
    isolated.EMPTY: "memory of an awaitable with nothing in it that the caller holds",
    isolated.GROWTH: "memory that calls of Rust leave behind",
    isolated.GROWTH_CALLS: "memory that calls of Python leave behind",
}


def arguments() -> argparse.Namespace:
    """The command line."""
    names = [*(workload.key for workload in WORKLOADS), *ISOLATED]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all samples to a file")
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the time, for a look and not for a record"
    )
    parser.add_argument("--rounds", type=int, metavar="NUMBER", help="timed rounds of each workload")
    parser.add_argument(
        "--only", nargs="+", choices=names, default=names, metavar="WORK", help=", ".join(names)
    )
    parser.add_argument(
        "--loop", choices=("asyncio", "uvloop"), default="asyncio", help="the event loop to time on"
    )
    parser.add_argument("--check", action="store_true", help="exit with status 1 when a bound is not met")
    return parser.parse_args()


def progress(text: str) -> None:
    """Shows that something happens, apart from the report itself."""
    sys.stderr.write(text)
    sys.stderr.flush()


async def compared(chosen: list[Workload], scale: Scale, rounds: int) -> dict[str, Comparison]:
    """All workloads that share this process and its loop, printed as they come."""
    comparisons = {}
    for workload in chosen:
        progress(f"{workload.title} ")
        start = time.perf_counter()
        found = await interleave(workload.subjects(scale), rounds, counters, progress)
        progress(f" {time.perf_counter() - start:.0f} s\n")
        print(f"\n{workload.key}: {workload.title}\n{report.comparison_table(found)}\n", flush=True)
        comparisons[workload.key] = found
    return comparisons


def in_processes(kinds: list[str], *, quick: bool) -> dict[str, dict[str, dict[str, int | None]]]:
    """All measurements that want a process each."""
    results: dict[str, dict[str, dict[str, int | None]]] = {}
    for kind in kinds:
        count = isolated.COUNTS[kind] // (5 if quick else 1)
        progress(f"{ISOLATED[kind]} ")
        results[kind] = {}
        for name in isolated.CONTESTANTS[kind]:
            results[kind][name] = isolated.measure(kind, name, count)
            progress(".")
        progress("\n")
        print(
            f"\n{kind}: {ISOLATED[kind]} ({count:,})\n{report.isolated_table(kind, results[kind])}\n",
            flush=True,
        )
    return results


def new_event_loop(name: str) -> asyncio.AbstractEventLoop:
    """A loop of the asked-for kind."""
    if name == "asyncio":
        return asyncio.new_event_loop()
    made: asyncio.AbstractEventLoop = importlib.import_module(name).new_event_loop()
    return made


def main() -> int:
    """Measures, prints, writes."""
    chosen = arguments()
    scale = QUICK if chosen.quick else FULL
    rounds: int = chosen.rounds or scale.rounds
    facts = machine.facts()
    for name, value in facts.items():
        print(f"{name}: {value}")
    print(f"event loop: {chosen.loop}; timed rounds: {rounds}", flush=True)

    loop = new_event_loop(chosen.loop)
    try:
        workloads = [workload for workload in WORKLOADS if workload.key in chosen.only]
        comparisons = loop.run_until_complete(compared(workloads, scale, rounds))
    finally:
        loop.close()
    separate = in_processes([kind for kind in ISOLATED if kind in chosen.only], quick=chosen.quick)

    found = report.verdicts(comparisons, separate, cores())
    print(f"\nbounds of {report.SUBJECT}\n{report.verdict_table(found)}", flush=True)
    if chosen.json is not None:
        settings = {"loop": chosen.loop, "rounds": rounds, "quick": chosen.quick}
        document = {"machine": facts, "settings": settings, **report.structure(comparisons, separate, found)}
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        print(f"\nevery sample is in {chosen.json}")
    return 1 if chosen.check and not all(verdict.met for verdict in found) else 0


if __name__ == "__main__":
    sys.exit(main())
