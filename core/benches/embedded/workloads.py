"""What the benchmarks of the core do in Python. The module `crossawait_kit` is made in `mod.rs`."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable as AnyAwaitable
from collections.abc import Callable, Coroutine
from typing import Any

from crossawait_kit import Awaitable, kit

loop = asyncio.new_event_loop()
# When it would come depends on what ran before.
gc.disable()


async def nothing() -> None:
    """Await nothing at all."""


def future() -> AnyAwaitable[None]:
    """Return what asyncio itself has for something that ends later."""
    made = loop.create_future()
    loop.call_soon(made.set_result, None)
    return made


def by_hand() -> AnyAwaitable[None]:
    """Return the same with our awaitable."""
    made = Awaitable()
    loop.call_soon(made.set_result, None)
    return made


async def one(make: Callable[[], AnyAwaitable[None]]) -> None:
    """Await once."""
    await make()


async def gather(make: Callable[[], AnyAwaitable[None]], count: int) -> None:
    """Await in as many tasks at once. What they make ends behind the last of them, and is one batch."""
    tasks = [loop.create_task(one(make)) for _ in range(count)]
    loop.call_soon(kit.run_tasks)
    await asyncio.gather(*tasks)


async def in_turn(make: Callable[[], AnyAwaitable[None]], count: int) -> None:
    """Await one after the other: each has its own way through the loop."""
    for _ in range(count):
        made = make()
        loop.call_soon(kit.run_tasks)
        await made


async def at_once(make: Callable[[], AnyAwaitable[None]], count: int) -> None:
    """Await what suspends nothing."""
    for _ in range(count):
        await make()


async def settled(count: int) -> None:
    """Await, again and again, what has settled."""
    made = kit.awaitable()
    kit.run_tasks()
    for _ in range(count):
        await made


async def call_back(callbacks: int, count: int) -> None:
    """Have so many callbacks called for each awaitable."""
    called: list[Any] = []
    made = [kit.awaitable() for _ in range(count)]
    for each in made:
        assert isinstance(each, asyncio.Future)
        for _ in range(callbacks):
            each.add_done_callback(called.append)
    kit.run_tasks()
    # The loop comes to the drain in its next iteration, and to what that has scheduled in the one after.
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(called) == count * callbacks


# What one operation of each is, says docs/performance.md.
WORKLOADS: dict[str, Callable[[int], Coroutine[Any, Any, None]]] = {
    "gather": lambda count: gather(kit.awaitable, count),
    "gather of coroutines": lambda count: gather(kit.coroutine, count),
    "gather, made in Python": lambda count: gather(by_hand, count),
    "in turn": lambda count: in_turn(kit.awaitable, count),
    "ready at once": lambda count: at_once(kit.ready, count),
    "settled": settled,
    "callback": lambda count: call_back(1, count),
    "two callbacks": lambda count: call_back(2, count),
    "spawn, static": lambda count: gather(kit.spawned_static, count),
    "spawn, dyn": lambda count: gather(kit.spawned_dyn, count),
    "asyncio: gather": lambda count: gather(future, count),
    "asyncio: gather of nothing": lambda count: gather(nothing, count),
    "asyncio: in turn": lambda count: in_turn(future, count),
    "asyncio: ready at once": lambda count: at_once(nothing, count),
}


def run(name: str, count: int) -> None:
    """Do so many operations."""
    loop.run_until_complete(WORKLOADS[name](count))
