"""Closes loops, or lets their threads go, with completions on the way; new ones take their places."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from typing import Any

from measuring import descriptors, memory, start, tell, threads, told, wait_until

import crossawait

IN_FLIGHT = 50
# The pool's threads come and go; more than these there are not.
POOL = 4
# Before memory is measured for the first time.
WARM_UP = 50

name, operations, (way,) = told()


def fly(runtime: crossawait.Runtime, loop: asyncio.AbstractEventLoop) -> list[Any]:
    """Has completions on the way to a loop that is not running any more."""

    async def begin() -> list[asyncio.Task[Any]]:
        coroutines: list[Any] = [runtime.sleep(number / 50_000) for number in range(IN_FLIGHT - 20)]
        coroutines += [runtime.yield_now() for _ in range(10)]
        coroutines += [runtime.run_blocking(time.sleep, 0) for _ in range(10)]
        tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
        await asyncio.sleep(0)
        return tasks

    tasks = loop.run_until_complete(begin())
    for task in tasks:
        # asyncio says of a pending task that is thrown away that it is. That is not what this is about.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    return tasks


def closed(runtime: crossawait.Runtime) -> int:
    """Closes a loop and lets go of it; returns where it was."""
    loop = asyncio.new_event_loop()
    tasks = fly(runtime, loop)
    loop.close()
    del tasks
    return id(loop)


def closed_late(runtime: crossawait.Runtime) -> int:
    """Closes a loop while completions come in, and keeps its tasks until later."""
    loop = asyncio.new_event_loop()
    tasks = fly(runtime, loop)
    time.sleep(0.0003)
    loop.close()
    time.sleep(0.0003)
    del tasks
    return id(loop)


def thread_gone(runtime: crossawait.Runtime) -> int:
    """Leaves a loop open whose thread has ended; it is freed unclosed, as a program does that forgets it."""
    places = []

    def run() -> None:
        loop = asyncio.new_event_loop()
        tasks = fly(runtime, loop)
        places.append(id(loop))
        del tasks

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    # One that was not closed is part of a cycle.
    gc.collect()
    return places[0]


WAYS = {"closed": closed, "closed late": closed_late, "thread gone": thread_gone}


async def works(runtime: crossawait.Runtime, number: int) -> None:
    """Sees to it that a new loop gets what is its own."""
    values = await asyncio.gather(*[runtime.run_blocking(int, number + each) for each in range(5)])
    assert values == [number + each for each in range(5)]


def main() -> None:
    places: set[int] = set()
    reused = 0
    before: tuple[float, int, int] | None = None
    with start(name, POOL) as runtime:
        for number in range(WARM_UP + operations):
            place = WAYS[way](runtime)
            reused += place in places
            places.add(place)
            if number % 10 == 0:
                loop = asyncio.new_event_loop()
                loop.run_until_complete(works(runtime, number))
                loop.close()
            if before is None and number >= WARM_UP:
                wait_until(lambda: runtime.metrics().tasks_pending == 0, "something stays pending")
                before = memory(), descriptors(), threads()
        wait_until(lambda: runtime.metrics().tasks_pending == 0, "something stays pending")
        gc.collect()
        assert before is not None
        most = before[1]
        # A worker lets go of a loop a moment after it has told of the last completion.
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: descriptors() <= most, "files stay open")
        assert reused > 0, "no loop came to lie where another had been"
        tell(
            addresses_reused=reused,
            growth=memory() - before[0],
            files=descriptors() - before[1],
            threads=threads() - before[2],
        )


main()
