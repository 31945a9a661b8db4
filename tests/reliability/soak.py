"""Uses all runtimes at once for as long as it is told, and looks at what the process has in use meanwhile.

`python tests/reliability/soak.py --minutes 10 --plot docs/soak.png`. Calls, cancellations, ticks, timers and
sockets of every installed runtime share one loop. It fails if memory, descriptors or threads grow, or if
anything errs.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import crossawait

# The programs' own, which measure the same.
sys.path.append(str(Path(__file__).with_name("programs")))
from measuring import descriptors, memory, percentile, quietly, start, threads, until

# How many of each kind go on at once, on each runtime, and how long each rests after a turn.
SIDE_BY_SIDE = 5
REST = 0.02
POOL = 4

# So much of the time is not counted: pools fill, caches too.
WARM_UP = 0.2
MOST_GROWTH = 5.0
# Connections come and go: at any moment so many may be on their way.
MOST_FILES = 4 * 2 * SIDE_BY_SIDE

SAMPLES = 120


@dataclass(slots=True)
class Tally:
    """What one runtime has done."""

    operations: int = 0
    # Of crossings since the last sample, in microseconds.
    latencies: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Samples:
    """What was seen over time."""

    minutes: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    # For each runtime: operations a second, and percentiles of a crossing in microseconds.
    rates: dict[str, list[float]] = field(default_factory=dict)
    medians: dict[str, list[float]] = field(default_factory=dict)
    p99s: dict[str, list[float]] = field(default_factory=dict)


async def cross(runtime: crossawait.Runtime, tally: Tally) -> None:
    begun = time.perf_counter()
    await runtime.yield_now()
    tally.latencies.append((time.perf_counter() - begun) * 1e6)


async def call(runtime: crossawait.Runtime, tally: Tally) -> None:
    del tally
    assert await runtime.run_blocking(sum, range(10)) == 45


async def cancel(runtime: crossawait.Runtime, tally: Tally) -> None:
    del tally
    task = asyncio.ensure_future(runtime.sleep(3600))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def sleep(runtime: crossawait.Runtime, tally: Tally) -> None:
    del tally
    await asyncio.gather(*[runtime.sleep(number / 1000) for number in range(5)])


async def tick(runtime: crossawait.Runtime, tally: Tally) -> None:
    del tally
    async for number in runtime.interval(0.001):
        if number == 4:
            break


async def talk(runtime: crossawait.Runtime, tally: Tally) -> None:
    del tally
    async with await runtime.listen("127.0.0.1", 0) as listener:
        client = await runtime.connect(listener.address[0], int(listener.address[1]))
        server, _ = await listener.accept()
        async with client, server:
            giving_up = asyncio.ensure_future(client.read(1))
            await asyncio.sleep(0)
            giving_up.cancel()
            for size in (1, 1000, 50_000):
                await client.write_all(b"x" * size)
                assert len(await server.read_exactly(size)) == size


Kind: TypeAlias = Callable[[crossawait.Runtime, Tally], Awaitable[None]]
KINDS: tuple[Kind, ...] = (cross, call, cancel, sleep, tick, talk)


async def go_on(
    kind: Kind,
    runtime: crossawait.Runtime,
    tally: Tally,
    end: float,
) -> None:
    """Does one thing again and again."""
    while time.monotonic() < end:
        await kind(runtime, tally)
        tally.operations += 1
        # Not in step with the others.
        await asyncio.sleep(REST * random.uniform(0.5, 1.5))


async def sample(tallies: dict[str, Tally], begun: float, end: float, samples: Samples) -> None:
    """Looks again and again."""
    pause = (end - begun) / SAMPLES
    while time.monotonic() + pause < end:
        before = time.monotonic()
        done = {name: tally.operations for name, tally in tallies.items()}
        await asyncio.sleep(pause)
        passed = time.monotonic() - before
        samples.minutes.append((time.monotonic() - begun) / 60)
        samples.memory.append(memory())
        samples.files.append(descriptors())
        samples.threads.append(threads())
        for name, tally in tallies.items():
            latencies, tally.latencies = tally.latencies or [0.0], []
            samples.rates.setdefault(name, []).append((tally.operations - done[name]) / passed)
            samples.medians.setdefault(name, []).append(percentile(latencies, 50))
            samples.p99s.setdefault(name, []).append(percentile(latencies, 99))


def idle(runtime: crossawait.Runtime) -> bool:
    return runtime.metrics().tasks_pending == 0


async def soak(minutes: float) -> tuple[Samples, dict[str, int], list[dict[str, object]]]:
    """Does everything at once; returns what was seen, how much was done, and what the loop complained of."""
    complaints = quietly(asyncio.get_running_loop())
    runtimes = [start(name, POOL) for name in crossawait.available()]
    tallies = {runtime.name: Tally() for runtime in runtimes}
    samples = Samples()
    begun = time.monotonic()
    end = begun + minutes * 60
    work = [
        go_on(kind, runtime, tallies[runtime.name], end)
        for runtime in runtimes
        for kind in KINDS
        for _ in range(SIDE_BY_SIDE)
    ]
    await asyncio.gather(sample(tallies, begun, end, samples), *work)
    for runtime in runtimes:
        await until(functools.partial(idle, runtime), "something stays pending")
        await runtime.aclose()
    return samples, {name: tally.operations for name, tally in tallies.items()}, complaints


def judge(samples: Samples) -> dict[str, float]:
    """Returns how much there was more at the end than after the warm-up, each the median of a tenth."""
    first, tenth = int(len(samples.minutes) * WARM_UP), max(1, len(samples.minutes) // 10)

    def growth(values: list[int] | list[float]) -> float:
        early, late = values[first : first + tenth], values[-tenth:]
        return round(percentile(late, 50) - percentile(early, 50), 2)

    return {
        "growth": growth(samples.memory),
        "files": growth(samples.files),
        "threads": growth(samples.threads),
    }


def main() -> int:
    """Returns 1 if anything grew or went wrong."""
    parser = argparse.ArgumentParser("soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (%(default)s)")
    parser.add_argument("--plot", type=Path, help="draw what was seen into this file")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    if sys.platform != "linux":
        print("NO VERDICT: what a process has in use is read from /proc")
        return 2
    samples, done, complaints = asyncio.run(soak(options.minutes))
    gc.collect()
    grown = judge(samples)
    figures = {
        "minutes": options.minutes,
        "operations": done,
        **grown,
        "memory": round(max(samples.memory), 1),
        "median crossing": {name: round(percentile(each, 50)) for name, each in samples.medians.items()},
        "p99 crossing": {name: round(percentile(each, 50)) for name, each in samples.p99s.items()},
    }
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        # Only here: it takes long to import, and much memory.
        import drawing

        drawing.draw(samples, options.plot)
    bad = [f"the loop was told: {complaint}" for complaint in complaints[:5]]
    bad += ["memory grew"] * (grown["growth"] > MOST_GROWTH)
    bad += ["descriptors were left"] * (grown["files"] > MOST_FILES)
    bad += ["threads were left"] * (grown["threads"] > POOL)
    print("\n".join(bad) if bad else "nothing grew")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
