"""The same work, more and more of it: pending awaitables, threads that settle, event loops."""

from __future__ import annotations

import threading
import time
from functools import partial

from crossawait._bench import loops
from crossawait._bench.contestants import Contestant
from crossawait._bench.workload import A_SECOND, ASKED, FULL, QUICK, Clock, Sample, Workload
from crossawait._bench.workloads.crossing import gather

PENDING = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
PRODUCERS = (1, 2, 4, 8, 16)
LOOPS = (1, 2, 4, 8)

IN_QUICK = {1, 4, 16, 100, 10_000}
# A million tasks take some gigabytes.
MOST_UNASKED = 100_000


async def pending(at: int, contestant: Contestant, count: int) -> Sample:
    """Cross in crowds of one size, as many crowds as the operations need."""
    crowds = max(1, count // at)
    clock = Clock()
    for _ in range(crowds):
        await gather(contestant, at)
    return clock.each(crowds * at)


async def producers(at: int, contestant: Contestant, count: int) -> Sample:
    """Threads of Python that settle futures which tasks wait for."""
    each = count // at
    promises = [contestant.promise() for _ in range(each * at)]
    start = threading.Event()

    def produce(first: int) -> None:
        start.wait()
        for promise in promises[first::at]:
            promise.settle()

    producing = [threading.Thread(target=produce, args=(number,)) for number in range(at)]
    for thread in producing:
        thread.start()

    async def begin() -> None:
        start.set()

    async def one(number: int) -> None:
        await promises[number].wait()

    # The last task lets the threads go: by then all others wait.
    waiting = [partial(one, number) for number in range(len(promises))]
    clock = Clock()
    await contestant.tasks.together([*waiting, begin])
    sample = clock.each(len(promises))
    for thread in producing:
        thread.join()
    return sample


async def several_loops(at: int, contestant: Contestant, count: int) -> Sample:
    """As many threads with a loop of their own, all on one runtime."""
    each = count // at
    ready = threading.Barrier(at)
    failed: list[BaseException] = []
    starts: list[float] = []
    ends: list[float] = []

    async def main() -> None:
        async def one() -> None:
            await contestant.yield_now()

        async with loops.tasks(contestant.loop) as tasks:
            ready.wait()
            starts.append(time.perf_counter())
            await tasks.together(one for _ in range(each))
        ends.append(time.perf_counter())

    def run() -> None:
        try:
            loops.run(contestant.loop, main)
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            failed.append(error)
            ready.abort()

    threads = [threading.Thread(target=run) for _ in range(at)]
    for thread in threads:
        thread.start()
    # This thread's own loop has nothing to do meanwhile.
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return Sample((max(ends) - min(starts)) / (each * at))


def plural(number: int, noun: str) -> str:
    """Return the two with an s where it belongs."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


WORKLOADS = (
    *(
        Workload(
            f"pending-{at}",
            f"{{count}} crossings in crowds of {at:,}",
            max(at, 2_000),
            max(at, 500),
            partial(pending, at),
            curve="crossings, by how many are pending at once",
            at=at,
            level=ASKED if at > MOST_UNASKED else QUICK if at in IN_QUICK else FULL,
            one_loop=True,
        )
        for at in PENDING
    ),
    *(
        Workload(
            f"producers-{at}",
            f"{{count}} futures settled by {plural(at, 'thread')}",
            16_000,
            1_600,
            partial(producers, at),
            curve=f"completions{A_SECOND}, by threads that settle",
            at=at,
            level=QUICK if at in IN_QUICK else FULL,
            one_loop=True,
        )
        for at in PRODUCERS
    ),
    *(
        Workload(
            f"loops-{at}",
            f"{{count}} crossings shared by {plural(at, 'event loop')}",
            16_000,
            3_200,
            partial(several_loops, at),
            curve=f"crossings{A_SECOND}, by event loops in as many threads",
            at=at,
            level=QUICK if at in IN_QUICK else FULL,
            one_loop=True,
        )
        for at in LOOPS
    ),
)
