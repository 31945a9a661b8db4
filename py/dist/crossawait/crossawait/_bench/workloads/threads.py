"""Threads: Python called on those of a pool, and results that come from one of Python's own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from crossawait._bench.contestants import Contestant
from crossawait._bench.workload import Clock, Sample, Workload, sample_of


def nothing() -> None:
    """What is called."""


async def call(contestant: Contestant, count: int) -> Sample:
    """One call after another."""
    latencies = []
    for _ in range(count):
        start = time.perf_counter()
        await contestant.call(nothing)
        latencies.append(time.perf_counter() - start)
    return sample_of(latencies)


async def blocking(contestant: Contestant, count: int) -> Sample:
    """All calls at once."""

    async def one() -> None:
        await contestant.call(nothing)

    clock = Clock()
    await contestant.tasks.together(one for _ in range(count))
    return clock.each(count)


async def ping_pong(contestant: Contestant, count: int) -> Sample:
    """To a thread by a queue, and back by a future that the thread settles."""
    requests: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()

    def answer() -> None:
        while (settle := requests.get()) is not None:
            settle()

    thread = threading.Thread(target=answer)
    thread.start()
    latencies = []
    try:
        for _ in range(count):
            start = time.perf_counter()
            promise = contestant.promise()
            requests.put(promise.settle)
            await promise.wait()
            latencies.append(time.perf_counter() - start)
    finally:
        requests.put(None)
        thread.join()
    return sample_of(latencies)


WORKLOADS = (
    Workload("call", "a thread of the pool calls Python, {count} times one after another", 2_000, 300, call),
    Workload("blocking", "{count} calls on the blocking pool at once", 2_000, 500, blocking),
    Workload(
        "ping-pong", "{count} messages to a thread, each answered before the next", 2_000, 300, ping_pong
    ),
)
