"""What the contestants are set to do. Each work does ``count`` operations, from start to finish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from crossawait._bench.contestants import MESSAGE, Contestant, Exchange

CONNECTIONS = 20
NAP = 0.005


@dataclass(frozen=True)
class Workload:
    """A kind of work, and how much of it is a round."""

    title: str
    count: int
    work: Callable[[Contestant, int], Awaitable[None]]


async def gather(contestant: Contestant, count: int) -> None:
    """Many at once: what a crossing costs when the wake-up is shared."""

    async def one() -> None:
        await contestant.no_op()

    await asyncio.gather(*(one() for _ in range(count)))


async def in_turn(contestant: Contestant, count: int) -> None:
    """One after another: the whole way there and back."""
    for _ in range(count):
        await contestant.no_op()


async def sleeps(contestant: Contestant, count: int) -> None:
    """Timers that are all due together."""
    await asyncio.gather(*(contestant.sleep(NAP) for _ in range(count)))


async def echo(contestant: Contestant, count: int) -> None:
    """Requests and replies, over several connections at once."""

    async def talk(exchange: Exchange) -> None:
        for _ in range(count // CONNECTIONS):
            reply = await exchange()
            if reply != MESSAGE:
                raise ConnectionError(f"the echo came back as {len(reply)} bytes")

    await asyncio.gather(*map(talk, await contestant.exchanges(CONNECTIONS)))


WORKLOADS = (
    Workload("{count:,} tasks that each await a no-op, gathered", 20_000, gather),
    Workload("{count:,} no-ops awaited one after another", 2_000, in_turn),
    Workload("{count:,} sleeps of 5 ms, gathered", 10_000, sleeps),
    Workload(
        f"{{count:,}} echo requests of {len(MESSAGE)} bytes over {CONNECTIONS} connections in one process",
        5_000,
        echo,
    ),
)
