"""Requests per second and processor time per request, against `redis.asyncio`.

Every contestant has the same server, which runs on the same machine, and the same callers: each sets a key
and gets it again, one request after the other. The contestants take turns, round by round, so that a slow
moment of the machine is everybody's; the medians are compared. Processor time is that of this process with
all its threads, without the server's.

    python bench.py SITE... [--json FILE]

A SITE is a folder that a build of the extension is installed in: `make bench-redis` fills one for each
runtime.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import uvloop
from redis_server import RedisServer

CALLERS = {1: 2_000, 50: 10_000, 500: 20_000}
"""Callers at once, and the requests they make together in one sample."""

VALUE = b"v" * 100
GOAL = 2.0
"""As many times the requests of the fastest `redis.asyncio`, from 50 callers on."""

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}

Verb = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Contestant:
    """A client by its name, and how to connect one for so many callers; and whether it is a peer."""

    name: str
    connect: Callable[[str, int], Awaitable[Any]]
    is_peer: bool


@dataclass
class Samples:
    """What a contestant showed, one number a round."""

    per_second: list[float] = field(default_factory=list)
    cpu_microseconds: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        return {
            "requests_per_second": round(statistics.median(self.per_second)),
            "cpu_microseconds_per_request": round(statistics.median(self.cpu_microseconds), 2),
            "samples_per_second": [round(sample) for sample in self.per_second],
        }


# --- Contestants ---


def load(site: Path) -> ModuleType:
    """Import a build from its folder: there are several, and all have the same name."""
    [file] = site.glob("crossawait_redis_example/*.so")
    spec = importlib.util.spec_from_file_location("crossawait_redis_example", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def crossawait(site: Path) -> Contestant:
    """This example, on the runtime that the build was made for."""
    module = load(site)

    async def connect(url: str, _callers: int) -> Any:
        return await module.Client.connect(url)

    return Contestant(f"crossawait on {module.RUNTIME}", connect, is_peer=False)


def redis_asyncio(*, hiredis: bool) -> Contestant:
    """redis-py, which decides for or against hiredis while it is imported."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("redis", "hiredis")]:
        del sys.modules[name]
    if not hiredis:
        sys.modules["hiredis"] = None  # type: ignore[assignment]
    module = importlib.import_module("redis.asyncio")
    assert hiredis == importlib.import_module("redis.utils").HIREDIS_AVAILABLE
    if not hiredis:
        del sys.modules["hiredis"]

    async def connect(url: str, callers: int) -> Any:
        # What is fastest for it: a connection for every caller, no queue for them, and no limit of time.
        pool = module.ConnectionPool.from_url(url, max_connections=callers, socket_timeout=None, protocol=2)
        return module.Redis(connection_pool=pool)

    return Contestant(f"redis.asyncio {'with' if hiredis else 'without'} hiredis", connect, is_peer=True)


# --- Measuring ---


async def call(client: Any, key: str, requests: int) -> None:
    for _ in range(requests // 2):
        await client.set(key, VALUE)
        assert await client.get(key) == VALUE


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def sample(client: Any, callers: int, samples: Samples) -> None:
    """Have that many callers make their requests, and note what it took."""
    each = CALLERS[callers] // callers
    gc.collect()
    cpu, start = cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(call(client, f"key {number}", each) for number in range(callers)))
    seconds, cpu = time.perf_counter() - start, cpu_seconds() - cpu
    requests = each * callers
    samples.per_second.append(requests / seconds)
    samples.cpu_microseconds.append(cpu / requests * 1e6)


async def compare(contestants: list[Contestant], url: str, callers: int, rounds: int) -> dict[str, Samples]:
    clients = {contestant.name: await contestant.connect(url, callers) for contestant in contestants}
    for client in clients.values():
        await sample(client, callers, Samples())
    samples = {name: Samples() for name in clients}
    names = list(clients)
    for turn in range(rounds):
        first = turn % len(names)
        for name in [*names[first:], *names[:first]]:
            await sample(clients[name], callers, samples[name])
    for contestant in contestants:
        if contestant.is_peer:
            await clients[contestant.name].aclose()
    return samples


# --- Telling ---


def tell(loop: str, callers: int, contestants: list[Contestant], samples: Mapping[str, Samples]) -> None:
    """Print one comparison, and how often each makes the requests of the fastest peer."""
    summaries = {name: one.summary() for name, one in samples.items()}
    best = max(summaries[one.name]["requests_per_second"] for one in contestants if one.is_peer)
    print(f"\n{loop}, {callers} caller{'s' if callers > 1 else ''}: requests/s, ratio, CPU time per request")
    for name, summary in summaries.items():
        rate, cpu = summary["requests_per_second"], summary["cpu_microseconds_per_request"]
        print(f"  {name:<31}{rate:>9,} {rate / best:>6.2f} x{cpu:>8.1f} µs")


def missed(
    results: Mapping[str, Mapping[str, Mapping[str, Any]]], contestants: list[Contestant]
) -> list[str]:
    """Say where the goal was missed by the first contestant."""
    lines = []
    for loop, by_callers in results.items():
        for callers, summaries in by_callers.items():
            rates = {name: summary["requests_per_second"] for name, summary in summaries.items()}
            best = max(rates[one.name] for one in contestants if one.is_peer)
            ratio = rates[contestants[0].name] / best
            if int(callers) >= 50 and ratio < GOAL:
                lines.append(
                    f"{contestants[0].name}, {loop}, {callers} callers: {ratio:.2f} times, not {GOAL}"
                )
    return lines


def facts(server: str) -> dict[str, str | int]:
    """What the numbers were measured on."""
    version = importlib.import_module("importlib.metadata").version
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": platform.platform(),
        "cores": os.cpu_count() or 1,
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "python": platform.python_version(),
        "redis-server": server,
        **{package: version(package) for package in ("redis", "hiredis", "uvloop")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sites", type=Path, nargs="+", metavar="SITE")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    contestants = [crossawait(site) for site in options.sites]
    contestants += [redis_asyncio(hiredis=True), redis_asyncio(hiredis=False)]
    results: dict[str, dict[str, dict[str, Any]]] = {}
    with RedisServer() as server:
        for loop, make in LOOPS.items():
            for callers in CALLERS:
                with contextlib.closing(make()) as event_loop:
                    comparing = compare(contestants, server.url, callers, options.rounds)
                    samples = event_loop.run_until_complete(comparing)
                summaries = {name: one.summary() for name, one in samples.items()}
                results.setdefault(loop, {})[str(callers)] = summaries
                tell(loop, callers, contestants, samples)
    lines = missed(results, contestants)
    print("\n" + ("\n".join(lines) or f"goal reached: {GOAL} times from 50 callers on"))
    if options.json is not None:
        report = {"facts": facts(RedisServer.version()), "goal": GOAL, "missed": lines, "results": results}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
