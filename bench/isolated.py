"""What only a process of one's own can show: threads, memory and its growth, of a single contestant.

`measure(kind, name, count)` starts this file again as a script for one contestant and watches that from
outside: then the watching costs the contestant neither a thread nor the interpreter lock.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bridges import NATIVES, OURS, OWN_FUTURE, PEERS, bridge, polled
from calls import CALLERS, nothing
from workloads import SLEEP

Call = Callable[[], Awaitable[object]]

THREADS = "threads"
HELD = "held"
AWAITED = "awaited"
EMPTY = "empty"
GROWTH = "growth"
GROWTH_CALLS = "growth-calls"

CONTESTANTS = {
    THREADS: (*OURS, *NATIVES, *PEERS),
    AWAITED: (*OURS, *NATIVES, *PEERS, OWN_FUTURE),
    # These coroutines begin when they are awaited: one that is only held has nothing pending.
    **dict.fromkeys((HELD, EMPTY), (*OURS, *PEERS, OWN_FUTURE)),
    # A million calls take the peers a minute and more.
    **dict.fromkeys((GROWTH, GROWTH_CALLS), (*OURS, PEERS[0])),
}
COUNTS = {
    THREADS: 10_000,
    HELD: 100_000,
    AWAITED: 100_000,
    EMPTY: 100_000,
    GROWTH: 1_000_000,
    GROWTH_CALLS: 1_000_000,
}

WARM_UP = 2_000
AN_HOUR = 3600.0


def threads_of(process: int | str) -> int | None:
    """Threads of a process now; None where the system does not say, or the process is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("Threads:"):
            return int(line.split()[1])
    return None


def resident() -> int:
    """Bytes of memory this process occupies now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def sleep_together(_kind: str, name: str, count: int) -> dict[str, int | None]:
    """Starts all sleeps at once, twice: the second time shows whether threads are kept or added."""
    call = bridge(name).sleep
    before = threads_of("self")
    for _ in range(2):
        await asyncio.gather(*[call(SLEEP) for _ in range(count)])
    return {"before": before, "after": threads_of("self")}


async def arrived(name: str, expected: int) -> None:
    """Waits until runtime threads have polled that many futures: only then is all memory in use."""
    while True:
        if not expected or polled(name) >= expected:
            return
        await asyncio.sleep(0.005)


def pending_call(kind: str, name: str) -> Call:
    """What makes one awaitable that stays pending."""
    if name == OWN_FUTURE:
        loop = asyncio.get_running_loop()

        def timer() -> asyncio.Future[None]:
            future: asyncio.Future[None] = loop.create_future()
            loop.call_later(AN_HOUR, future.set_result, None)
            return future

        return loop.create_future if kind == EMPTY else timer
    chosen = bridge(name)
    return chosen.pending if kind == EMPTY else lambda: chosen.sleep(AN_HOUR)


async def hold_pending(kind: str, name: str, count: int) -> dict[str, int | None]:
    """Bytes per pending awaitable, held by the caller alone or each awaited by a task."""
    call = pending_call(kind, name)
    counted = name != OWN_FUTURE

    async def wait_for_one() -> None:
        await call()

    def start() -> object:
        return asyncio.ensure_future(wait_for_one()) if kind == AWAITED else call()

    # The first ones start the runtime and its threads, and fill the allocator's first pages.
    first = [start() for _ in range(WARM_UP)]
    kept: list[object] = [None] * count
    await asyncio.sleep(0)
    await arrived(name, len(first) if counted else 0)
    gc.collect()
    before = resident()
    for index in range(count):
        kept[index] = start()
    await asyncio.sleep(0)
    await arrived(name, len(first) + count if counted else 0)
    gc.collect()
    return {"bytes": (resident() - before) // count, "count": count}


async def call_often(kind: str, name: str, count: int) -> dict[str, int | None]:
    """Bytes that so many calls leave behind, Python calling Rust or the other way round."""
    chosen = bridge(name)

    async def in_turn(times: int) -> None:
        for _ in range(times):
            await chosen.noop()

    async def calls(times: int) -> None:
        each = times // CALLERS
        await asyncio.gather(
            *[chosen.call(nothing, each) if kind == GROWTH_CALLS else in_turn(each) for _ in range(CALLERS)]
        )

    # Allocators of several threads take their time to find what they need.
    await calls(count // 10)
    gc.collect()
    before = resident()
    await calls(count)
    gc.collect()
    return {"growth": resident() - before, "count": count}


def main(kind: str, name: str, count: int) -> None:
    """The script's work: one measurement of one contestant."""
    sys.stdout.write("started\n")
    sys.stdout.flush()
    work = {THREADS: sleep_together, GROWTH: call_often, GROWTH_CALLS: call_often}.get(kind, hold_pending)

    async def measured() -> None:
        sys.stdout.write(json.dumps(await work(kind, name, count)) + "\n")
        sys.stdout.flush()
        # A hundred thousand awaitables that never finish are not worth tearing down one by one, and a thread
        # of the peers that comes back from a call while the interpreter ends may abort the process.
        os._exit(0)

    asyncio.run(measured())


def measure(kind: str, name: str, count: int) -> dict[str, int | None]:
    """Runs one measurement in a fresh process and adds the highest number of threads seen from outside."""
    command = [sys.executable, __file__, kind, name, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        output = child.stdout
        if output is None or output.readline() != "started\n":
            message = f"`{' '.join(command)}` did not start"
            raise RuntimeError(message)
        peak = 0
        while kind == THREADS and child.poll() is None:
            peak = max(peak, threads_of(child.pid) or 0)
            time.sleep(0.0005)
        text = output.read()
    if child.returncode != 0:
        message = f"`{' '.join(command)}` ended with status {child.returncode}"
        raise RuntimeError(message)
    result: dict[str, int | None] = json.loads(text)
    if kind == THREADS:
        before = result["before"]
        highest = max(peak, result["after"] or 0)
        result["added"] = None if before is None else highest - before
    return result


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
