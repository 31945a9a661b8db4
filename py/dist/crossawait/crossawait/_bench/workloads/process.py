"""What a runtime takes from the process: memory, threads, and time to start and to stop."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from crossawait._bench.contestants import Contestant, Unsupported
from crossawait._bench.workload import BYTES, THREADS, Clock, Sample, Workload
from crossawait._bench.workloads.crossing import AN_HOUR, timers

WARM_UP = 1_000
# Long enough for the runtime's threads to poll what they were given.
UNTIL_POLLED = 0.1


def resident() -> int:
    """Return the bytes of memory that this process occupies."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError as error:
        raise Unsupported("this system does not tell a process its memory") from error
    return pages * os.sysconf("SC_PAGE_SIZE")


def threads_now() -> int:
    """Return the number of this process's threads, Rust's among them."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError as error:
        raise Unsupported("this system does not tell a process its threads") from error


async def memory(contestant: Contestant, count: int) -> Sample:
    """How much the process grows by each task that waits for a timer."""

    async def one() -> None:
        await contestant.sleep(AN_HOUR)

    async def start(number: int) -> None:
        for _ in range(number):
            contestant.tasks.spawn(one)
        await contestant.tasks.sleep(UNTIL_POLLED)
        gc.collect()

    # The first ones start threads and fill the allocator's first pages.
    await start(WARM_UP)
    before = resident()
    await start(count)
    return Sample((resident() - before) / count)


async def threads(contestant: Contestant, count: int) -> Sample:
    """Threads besides the loop's own, once timers have been served."""
    await timers(contestant, count)
    return Sample(threads_now() - 1)


async def start_and_stop(contestant: Contestant, count: int) -> Sample:
    """From nothing to the first result, and to nothing again."""
    clock = Clock()
    for _ in range(count):
        await contestant.start_and_stop()
    return clock.each(count)


WORKLOADS = (
    Workload("start", "threads started, used once and stopped, {count} times", 20, 5, start_and_stop),
    Workload(
        "memory",
        "bytes for each of {count} tasks that wait for a timer",
        50_000,
        10_000,
        memory,
        BYTES,
        fresh=True,
    ),
    Workload("threads", "threads added by {count} timers", 10_000, 2_000, threads, THREADS, fresh=True),
)
