"""Futures that take part in their cancellation: whoever cancels waits until they have ended."""

from __future__ import annotations

import asyncio
import gc

import anyio
import pytest
from crossawait_tests import Gate, Runtime, patient, patient_awaitable

from event_loops import every_loop
from tasks import cancelled, ended, pending, until


@pytest.fixture
def farewell() -> Gate:
    """What the future waits for when it is cancelled."""
    return Gate()


@every_loop
async def test_without_cancellation_nothing_is_different(rust: Runtime, gate: Gate, farewell: Gate) -> None:
    gate.give("value", elsewhere=True)
    assert await patient(rust, gate, farewell) == "value"
    assert farewell.polls == 0


@every_loop
async def test_a_cancelled_task_waits_until_the_future_has_ended(
    rust: Runtime, gate: Gate, farewell: Gate
) -> None:
    task = await pending(patient(rust, gate, farewell))
    task.cancel()
    await until(lambda: farewell.polls)
    for _ in range(10):
        await anyio.lowlevel.checkpoint() if not task.done() else None
    assert (task.done(), gate.drops, farewell.drops) == (False, 1, 0)
    farewell.give("ignored", elsewhere=True)
    assert await cancelled(task)
    assert farewell.drops == 1


# A scope of anyio's cancels in every iteration until the task has ended: now and then after the error.
@pytest.mark.not_loops("anyio")
@every_loop
async def test_an_error_of_its_own_takes_the_place_of_the_cancellation(
    rust: Runtime, gate: Gate, farewell: Gate
) -> None:
    task = await pending(patient(rust, gate, farewell))
    task.cancel()
    await until(lambda: farewell.polls)
    farewell.fail(LookupError("could not say goodbye"), elsewhere=True)
    assert isinstance(await ended(task), LookupError)


async def test_a_second_cancellation_changes_nothing(rust: Runtime, gate: Gate, farewell: Gate) -> None:
    task = asyncio.ensure_future(patient(rust, gate, farewell))
    await asyncio.sleep(0)
    task.cancel()
    await until(lambda: farewell.polls)
    task.cancel("again")
    await asyncio.sleep(0)
    assert not task.done()
    farewell.give(elsewhere=True)
    assert await cancelled(task)


async def test_an_awaitable_stays_pending_meanwhile(rust: Runtime, gate: Gate, farewell: Gate) -> None:
    awaitable = patient_awaitable(rust, gate, farewell)
    gate.wait_polled()
    assert awaitable.cancel("enough")
    assert awaitable.cancel("more than enough")
    assert (awaitable.done(), awaitable.cancelled()) == (False, False)
    farewell.give(elsewhere=True)
    with pytest.raises(asyncio.CancelledError, match="more than enough"):
        await awaitable
    assert awaitable.cancelled()
    assert not awaitable.cancel()


async def test_one_that_was_never_started_is_cancelled_at_once(
    rust: Runtime, gate: Gate, farewell: Gate
) -> None:
    awaitable = patient_awaitable(rust, gate, farewell, lazy=True)
    assert awaitable.cancel()
    assert awaitable.cancelled()
    assert (gate.polls, gate.drops, farewell.polls) == (0, 1, 0)


async def test_letting_go_of_one_asks_it_to_end(rust: Runtime, gate: Gate, farewell: Gate) -> None:
    awaitable = patient_awaitable(rust, gate, farewell)
    gate.wait_polled()
    del awaitable
    gc.collect()
    await until(lambda: farewell.polls)
    farewell.give(elsewhere=True)
    await until(lambda: farewell.drops)


async def test_a_timeout_waits_too(rust: Runtime, gate: Gate, farewell: Gate) -> None:
    waiting = asyncio.ensure_future(asyncio.wait_for(patient(rust, gate, farewell), 0.001))
    await until(lambda: farewell.polls)
    assert not waiting.done()
    farewell.give(elsewhere=True)
    with pytest.raises(asyncio.TimeoutError):
        await waiting


async def test_a_value_that_comes_first_is_not_cancelled(rust: Runtime, gate: Gate, farewell: Gate) -> None:
    awaitable = patient_awaitable(rust, gate, farewell)
    gate.give("value")
    awaitable.wait()
    assert not awaitable.cancel()
    assert await awaitable == "value"
