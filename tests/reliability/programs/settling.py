"""Settles awaitables in every way there is, and counts: each ends once, none is left, nobody errs."""

from __future__ import annotations

import asyncio
import functools
import importlib
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from measuring import quietly, tell, told, until

# The test extension, which is not built for every interpreter that runs this.
extension: Any = importlib.import_module("crossawait_tests")
crossawait: Any = importlib.import_module("crossawait")

BATCH = 1000

name, operations, (way,) = told()


class Spin:
    """Lets so much time pass that either of two racers may win: it follows who has won of late."""

    def __init__(self) -> None:
        self._turns = 20.0
        self._random = random.Random(7)

    def wait(self) -> None:
        for _ in range(int(self._random.uniform(0, 2 * self._turns))):
            pass

    def cancelled(self, won: bool) -> None:
        self._turns = max(1.0, self._turns * (1.02 if won else 1 / 1.02))


async def all_told(told_of: list[Any], count: int) -> None:
    """Waits until so many callbacks have been called, and a little longer: there might be more."""
    await until(lambda: len(told_of) >= count, "a callback was never called")
    await asyncio.sleep(0)


async def race(count: int, outcomes: Counter[str]) -> None:
    """Cancels awaitables while runtime threads complete them."""
    runtime = extension.Runtime(name)
    spin = Spin()
    for start in range(0, count, BATCH):
        told_of: list[Any] = []
        racing: list[tuple[Any, bool]] = []
        for _ in range(min(BATCH, count - start)):
            awaitable = runtime.nothing()
            awaitable.add_done_callback(told_of.append)
            spin.wait()
            won = awaitable.cancel()
            spin.cancelled(won)
            racing.append((awaitable, won))
            assert awaitable.done()
            assert awaitable.cancel() is False
        await all_told(told_of, len(racing))
        assert len(told_of) == len(racing) == len({id(each) for each in told_of})
        for awaitable, won in racing:
            assert awaitable.cancelled() is won
            if not won:
                assert awaitable.result() is None
            outcomes["cancelled" if won else "completed"] += 1
    metrics = runtime.metrics()
    await until(lambda: runtime.metrics()["settled"] == metrics["spawned"], "a task never settled")
    runtime.shutdown()


async def race_tasks(count: int, outcomes: Counter[str]) -> None:
    """Cancels tasks that await a runtime's coroutines while those complete."""
    with crossawait.Runtime(name) as runtime:
        spin = Spin()
        for start in range(0, count, BATCH):
            tasks = [asyncio.ensure_future(runtime.yield_now()) for _ in range(min(BATCH, count - start))]
            await asyncio.sleep(0)
            for task in tasks:
                spin.wait()
                task.cancel()
            done, pending = await asyncio.wait(tasks, timeout=30)
            assert not pending
            for task in done:
                won = task.cancelled()
                outcomes["cancelled" if won else "completed"] += 1
                assert won or task.result() is None
        await until(lambda: runtime.metrics().tasks_pending == 0, "a task never settled")


class OddError(Exception):
    """What a future fails with."""


def ending(gate: Any, kind: str) -> str:
    """Ends a gate in one way; returns what is to come of it."""
    match kind:
        case "value":
            gate.give(1)
            return "int"
        case "error":
            gate.fail(OddError())
            return "OddError"
        case "panic":
            gate.panic("in poll")
            return "RustPanic"
        case "conversion fails":
            gate.odd("fails")
            return "error"
        case "conversion panics":
            gate.odd("panics")
            return "RustPanic"
        case "shutdown":
            return "RuntimeClosedError"
        case "rejecting" | "dropping":
            return "RuntimeClosedError"
    raise AssertionError(kind)


def outcome(awaitable: Any) -> str:
    if awaitable.cancelled():
        return "CancelledError"
    error = awaitable.exception()
    if error is None:
        return type(awaitable.result()).__name__
    return "error" if isinstance(error, (LookupError, ValueError, TypeError)) else type(error).__name__


def dropped_once(gates: list[Any]) -> bool:
    return all(gate.drops == 1 for gate in gates)


async def endings(count: int, outcomes: Counter[str], kind: str) -> None:
    """Has every future end in one odd way, with two waiters each: a callback and a task."""
    executor = kind if kind in ("rejecting", "dropping") else name
    for start in range(0, count, BATCH):
        runtime = extension.Runtime(executor)
        gates = [extension.Gate() for _ in range(min(BATCH, count - start))]
        awaitables = [runtime.awaitable(gate) for gate in gates]
        told_of: list[Any] = []
        for awaitable in awaitables:
            awaitable.add_done_callback(told_of.append)
        waiting = asyncio.gather(*awaitables, return_exceptions=True)
        expected = {ending(gate, kind) for gate in gates}
        if kind == "shutdown":
            await asyncio.get_running_loop().run_in_executor(None, runtime.shutdown)
        await asyncio.wait_for(waiting, 30)
        await all_told(told_of, len(gates))
        assert len(told_of) == len(gates) == len({id(each) for each in told_of})
        seen = Counter(map(outcome, awaitables))
        assert set(seen) == expected, seen
        await until(functools.partial(dropped_once, gates), "a future was not dropped")
        outcomes.update(seen)
        runtime.shutdown()


RACES: dict[str, Callable[[int, Counter[str]], Any]] = {"race": race, "race of tasks": race_tasks}


def main() -> None:
    outcomes: Counter[str] = Counter()
    loop = asyncio.new_event_loop()
    complaints = quietly(loop)
    if way in RACES:
        loop.run_until_complete(RACES[way](operations, outcomes))
        # With only one winner there was no race. On a busy machine the other seldom comes in time.
        assert min(outcomes["cancelled"], outcomes["completed"]) > operations / 1000, outcomes
    else:
        loop.run_until_complete(endings(operations, outcomes, way))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert not complaints, complaints[:3]
    assert sum(outcomes.values()) == operations
    tell(**outcomes)


main()
