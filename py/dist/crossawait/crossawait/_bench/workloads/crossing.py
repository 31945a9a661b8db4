"""To a runtime and back: what awaiting costs, alone, in crowds, and on a loop that has other work."""

from __future__ import annotations

import time
from collections.abc import Callable

from crossawait._bench.contestants import Connection, Contestant
from crossawait._bench.workload import Clock, Sample, Workload, sample_of

NAP = 0.005
AN_HOUR = 3600.0
AWAITERS = 50
SPINNERS = 20
YIELDERS = 100


async def settle(contestant: Contestant, count: int) -> Sample:
    """Never suspends."""
    clock = Clock()
    for _ in range(count):
        await contestant.settled()
    return clock.each(count)


async def ready(contestant: Contestant, count: int) -> Sample:
    """Read bytes that have arrived: the first poll finds them."""
    if "ready" not in contestant.resources:
        contestant.resources["ready"] = await one_that_receives(contestant)
    send, receiver = contestant.resources["ready"]
    send(b"x" * (count + 1))
    # With the first byte all have come: on the loopback they arrive together.
    await receiver.read_exactly(1)
    clock = Clock()
    for _ in range(count):
        await receiver.read_exactly(1)
    return clock.each(count)


async def one_that_receives(
    contestant: Contestant,
) -> tuple[Callable[[bytes], object], Connection]:
    """Return a connection of the contestant's, and what sends to it without the contestant."""
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        connection = await contestant.connect(listener.getsockname())
        peer, _ = listener.accept()
    # Closed by its collection, after the contestant's end.
    return peer.sendall, connection


async def gather(contestant: Contestant, count: int) -> Sample:
    """Many at once: what a crossing costs when the wake-up is shared."""

    async def one() -> None:
        await contestant.yield_now()

    clock = Clock()
    await contestant.tasks.together(one for _ in range(count))
    return clock.each(count)


async def yields(contestant: Contestant, count: int) -> Sample:
    """Tasks that cross again and again."""
    each = count // YIELDERS

    async def one() -> None:
        for _ in range(each):
            await contestant.yield_now()

    clock = Clock()
    await contestant.tasks.together(one for _ in range(YIELDERS))
    return clock.each(each * YIELDERS)


async def latency(contestant: Contestant, count: int) -> Sample:
    """One after another: the whole way there and back."""
    latencies = []
    for _ in range(count):
        start = time.perf_counter()
        await contestant.yield_now()
        latencies.append(time.perf_counter() - start)
    return sample_of(latencies)


async def timers(contestant: Contestant, count: int) -> Sample:
    """Timers that are all due together."""

    async def one() -> None:
        await contestant.sleep(NAP)

    clock = Clock()
    await contestant.tasks.together(one for _ in range(count))
    return clock.each(count)


async def busy(contestant: Contestant, count: int) -> Sample:
    """Awaiters among tasks that never rest: a turn of the loop goes by before each result."""
    each = count // AWAITERS
    left = AWAITERS

    async def spin() -> None:
        while left:
            await contestant.tasks.turn()

    async def one() -> None:
        nonlocal left
        try:
            for _ in range(each):
                await contestant.yield_now()
        finally:
            left -= 1

    clock = Clock()
    await contestant.tasks.together([spin] * SPINNERS + [one] * AWAITERS)
    return clock.each(each * AWAITERS)


async def cancel(contestant: Contestant, count: int) -> Sample:
    """A storm of cancellations."""

    async def one() -> None:
        await contestant.sleep(AN_HOUR)

    clock = Clock()
    await contestant.tasks.cancel(one for _ in range(count))
    return clock.each(count)


WORKLOADS = (
    Workload(
        "settle", "futures made, settled and awaited by Python, {count} of them", 50_000, 10_000, settle
    ),
    Workload("ready", "reads that are ready at their first poll, {count} of one byte", 20_000, 5_000, ready),
    Workload("gather", "{count} tasks that cross once each, all together", 20_000, 3_000, gather),
    Workload(
        "yield", f"{YIELDERS} tasks that cross again and again, {{count}} times in all", 20_000, 3_000, yields
    ),
    Workload("latency", "{count} crossings one after another", 2_000, 500, latency),
    Workload("timers", "{count} sleeps of 5 ms started together", 10_000, 2_000, timers),
    Workload(
        "busy",
        f"{AWAITERS} tasks that cross {{count}} times in all, beside {SPINNERS} that never rest",
        5_000,
        1_000,
        busy,
    ),
    Workload("cancel", "{count} pending sleeps cancelled together", 5_000, 1_000, cancel),
)
