"""Runtimes that keep what they are given when they are shut down: whoever waits is told all the same."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest
from crossawait_tests import Gate, Runtime

import crossawait
from event_loops import every_loop
from tasks import pending

Name = Literal["keeping", "alarmed"]
names = pytest.mark.parametrize("name", ["keeping", "alarmed"])


@every_loop
@names
async def test_whoever_waits_when_it_is_shut_down(name: Name, gate: Gate) -> None:
    runtime = Runtime(name)
    task = await pending(runtime.coroutine(gate, "spawn"))
    runtime.shutdown()
    with pytest.raises(crossawait.RuntimeClosedError):
        await task


@every_loop
@names
async def test_whoever_comes_afterwards(name: Name, gate: Gate) -> None:
    runtime = Runtime(name)
    awaitable = runtime.awaitable(gate)
    runtime.shutdown()
    with pytest.raises(crossawait.RuntimeClosedError):
        await awaitable


@names
async def test_callbacks_that_come_afterwards(name: Name, gate: Gate) -> None:
    runtime = Runtime(name)
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    awaitable = runtime.awaitable(gate)
    runtime.shutdown()
    # The loop hears of the shutdown while nobody waits.
    for _ in range(3):
        await asyncio.sleep(0)
    awaitable.add_done_callback(told.set_result)
    assert await told is awaitable
    assert isinstance(awaitable.exception(), crossawait.RuntimeClosedError)
