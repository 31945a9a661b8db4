"""Has worker processes of the standard library's do jobs, each way of starting them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from measuring import NEVER, tell, told

import crossawait

# CPython warns of every fork with threads; that there are some is the point here.
warnings.simplefilter("ignore", DeprecationWarning)

WORKERS = 2
# A worker is replaced after so many jobs, so that new ones are started while there is work.
JOBS_EACH = 5


async def job(name: str, number: int) -> int:
    """Has a runtime carry a number back and forth."""
    runtime = crossawait.use(name)
    async with await runtime.listen("127.0.0.1", 0) as listener:
        client = await runtime.connect(listener.address[0], int(listener.address[1]))
        server, _ = await listener.accept()
        async with client, server:
            await client.write_all(b"%d" % number)
            return await runtime.run_blocking(int, await server.read(100))


def work(arguments: tuple[str, int]) -> tuple[int, float]:
    """Tries a job on a loop of its own."""
    return asyncio.run(attempt(*arguments))


async def attempt(name: str, number: int) -> tuple[int, float]:
    """Does a job; returns its number and 0, or -1 and how long it took to be told that it cannot be done."""
    begun = time.monotonic()
    try:
        return await job(name, number), 0.0
    except crossawait.RuntimeClosedError as error:
        taken = time.monotonic() - begun
        if "spawn" not in str(error):
            raise
        return -1, taken


def by_pool(method: str, jobs: list[tuple[str, int]]) -> list[tuple[int, float]]:
    context = multiprocessing.get_context(method)
    with context.Pool(WORKERS, maxtasksperchild=JOBS_EACH) as pool:
        done = pool.map(work, jobs, chunksize=1)
        pool.close()
        pool.join()
    return done


def by_executor(method: str, jobs: list[tuple[str, int]]) -> list[tuple[int, float]]:
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(WORKERS, mp_context=context) as executor:
        return list(executor.map(work, jobs))


class InFlight:
    """A loop in another thread, with calls in flight that must be none the worse."""

    def __init__(self, name: str) -> None:
        self._runtime = crossawait.use(name)
        self._loop = asyncio.new_event_loop()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._ended = asyncio.run_coroutine_threadsafe(self._fly(), self._loop)

    async def _fly(self) -> int:
        times = 0
        while not self._stopped.is_set():
            calls: list[Any] = [self._runtime.sleep(0.001) for _ in range(20)]
            calls += [self._runtime.run_blocking(os.getpid) for _ in range(20)]
            assert set(await asyncio.gather(*calls)) == {None, os.getpid()}
            times += 1
        return times

    def end(self) -> None:
        self._stopped.set()
        assert self._ended.result(NEVER) > 0
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def main() -> None:
    name, operations, (when, kind, method) = told()
    way: Callable[[str, list[tuple[str, int]]], list[tuple[int, float]]] = {
        "pool": by_pool,
        "executor": by_executor,
    }[kind]
    flying = InFlight(name) if when == "after" else None
    done = way(method, [(name, number) for number in range(operations)])
    if flying is not None:
        flying.end()
    cannot = when == "after" and method == "fork" and name != "tokio"
    assert [number for number, _ in done] == ([-1] * operations if cannot else list(range(operations)))
    # Whatever the parent was told of its children, it works.
    assert asyncio.run(job(name, 7)) == 7
    tell(refusal=max(taken for _, taken in done) * 1000)


if __name__ == "__main__":
    main()
