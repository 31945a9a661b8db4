"""``crossawait bench``: the installed runtimes and asyncio at the same work, on this machine."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack

from crossawait import _select
from crossawait._bench.contestants import Asyncio, Contestant, OnRuntime
from crossawait._bench.workloads import WORKLOADS, Workload


def run(*, quick: bool) -> int:
    """Measure and print; returns the exit status, 1 if no runtime is installed."""
    names = sorted(_select.installed(), key=_select.preference)
    if not names:
        print("no runtime is installed: there is nothing to compare", file=sys.stderr)
        return 1
    asyncio.run(_compare(names, rounds=3 if quick else 9, scale=5 if quick else 1))
    return 0


async def _compare(names: list[str], *, rounds: int, scale: int) -> None:
    contestants: list[Contestant] = [Asyncio(), *(OnRuntime(name) for name in names)]
    for workload in WORKLOADS:
        count = workload.count // scale
        print(f"\n{workload.title.format(count=count)}; median of {rounds} rounds that took turns:")
        _print_table(await _measure(workload, contestants, count, rounds))


async def _measure(
    workload: Workload, contestants: list[Contestant], count: int, rounds: int
) -> dict[str, float]:
    """Return the median time of one operation for each contestant, in seconds."""
    samples: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    async with AsyncExitStack() as stack:
        for contestant in contestants:
            await stack.enter_async_context(contestant)
            # Not counted: threads start, caches fill.
            await workload.work(contestant, count)
        for number in range(rounds):
            _show_progress(number, rounds)
            # Each round starts with another one: whoever is first has the quietest machine, or the coldest.
            first = number % len(contestants)
            for contestant in contestants[first:] + contestants[:first]:
                start = time.perf_counter()
                await workload.work(contestant, count)
                samples[contestant.name].append((time.perf_counter() - start) / count)
        _show_progress(rounds, rounds)
    return {name: statistics.median(times) for name, times in samples.items()}


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\r" + " " * 20 + "\r" if done == total else ""
        print(f"\r  round {done + 1} of {total}{end}", end="", file=sys.stderr, flush=True)


def _print_table(medians: dict[str, float]) -> None:
    floor = medians["asyncio"]
    width = max(map(len, medians))
    print(f"  {'':{width}}{'µs for one':>13}{'against asyncio':>18}")
    for name, median in sorted(medians.items(), key=lambda item: item[1]):
        faster = f"{floor / median:.2f}x as fast" if name != "asyncio" else ""
        print(f"  {name:{width}}{median * 1e6:13.2f}{faster:>18}")
