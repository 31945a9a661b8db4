"""Makes millions of calls, and looks from time to time at what they have left behind."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from measuring import descriptors, memory, start, tell, threads, told, until

import crossawait

# Threads of the blocking pool, which come and go.
POOL = 4

# Of all calls, so many come before memory is measured for the first time: one in ten.
WARM_UP = 10
# How often it is looked at after that.
LOOKS = 20

name, operations, (way,) = told()


async def crossings(runtime: crossawait.Runtime, count: int) -> None:
    for _ in range(count // 1000):
        await asyncio.gather(*[runtime.yield_now() for _ in range(1000)])


async def cancellations(runtime: crossawait.Runtime, count: int) -> None:
    for _ in range(count // 1000):
        tasks = [asyncio.ensure_future(runtime.sleep(3600)) for _ in range(1000)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def timers(runtime: crossawait.Runtime, count: int) -> None:
    for _ in range(count // 1000):
        await asyncio.gather(*[runtime.sleep(number / 1_000_000) for number in range(1000)])


async def blocking(runtime: crossawait.Runtime, count: int) -> None:
    for _ in range(count // 1000):
        await asyncio.gather(*[runtime.run_blocking(bytes, 1000) for _ in range(1000)])


async def sockets(runtime: crossawait.Runtime, count: int) -> None:
    """A connection for each ten calls, half of which are cancelled while they wait."""
    async with await runtime.listen("127.0.0.1", 0) as listener:
        for _ in range(count // 10):
            with socket.create_connection((listener.address[0], int(listener.address[1]))) as peer:
                stream, _ = await listener.accept()
                async with stream:
                    for _ in range(4):
                        reading = asyncio.ensure_future(stream.read(10))
                        await asyncio.sleep(0)
                        reading.cancel()
                        await asyncio.wait([reading])
                        peer.sendall(b"x")
                        assert await stream.read(1) == b"x"
                    await stream.write_all(b"x")


def all_dropped(gates: list[Any]) -> bool:
    return all(gate.drops for gate in gates)


async def dropped(count: int) -> None:
    """Awaitables that nobody awaited, dropped: each is to cancel its future, which is counted."""
    extension: Any = importlib.import_module("crossawait_tests")
    runtime = extension.Runtime(name)
    for first in range(0, count, 1000):
        gates = [extension.Gate() for _ in range(min(1000, count - first))]
        awaitables = [runtime.awaitable(gate) for gate in gates]
        for gate in gates[::2]:
            gate.wait_polled()
        del awaitables
        await until(functools.partial(all_dropped, gates), "a future was not dropped")
        assert {gate.drops for gate in gates} == {1}
    runtime.shutdown()


CALLS: dict[str, Callable[[crossawait.Runtime, int], Awaitable[None]]] = {
    "crossings": crossings,
    "cancellations": cancellations,
    "timers": timers,
    "blocking": blocking,
    "sockets": sockets,
}


async def garbage(runtime: crossawait.Runtime, calls: Callable[[crossawait.Runtime, int], Any]) -> int:
    """Returns how many objects of the library's the collector finds: those that only it can free."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    await calls(runtime, 1000)
    gc.collect()
    found = [item for item in gc.garbage if "crossawait" in type(item).__module__]
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()
    return len(found)


async def main() -> None:
    if way == "dropped":
        await dropped(operations)
        tell(dropped_unawaited=operations)
        return
    calls = CALLS[way]
    with start(name, POOL) as runtime:
        await calls(runtime, max(1000, operations // WARM_UP))
        found = await garbage(runtime, calls)
        await until(lambda: runtime.metrics().tasks_pending == 0, "something stays pending")
        gc.collect()
        before = memory(), descriptors(), threads()
        growth = 0.0
        for _ in range(LOOKS):
            await calls(runtime, max(1000, operations // LOOKS))
            await until(lambda: runtime.metrics().tasks_pending == 0, "something stays pending")
            growth = max(growth, memory() - before[0])
        gc.collect()
        # Of the last look: what has come and gone in between is no leak, but it is no flat line either.
        tell(
            growth=memory() - before[0],
            growth_in_between=growth,
            files=descriptors() - before[1],
            threads=threads() - before[2],
            garbage=found,
        )


asyncio.run(main())
