"""Eight threads with a loop each share a runtime, and hand each other awaitables to do with as they like.

What is done to each awaitable is drawn by lot: some thread settles, fails or cancels it, and its owner awaits
it, has another thread block on it, or drops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import queue
import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from measuring import quietly, tell, told, wait_until

extension: Any = importlib.import_module("crossawait_tests")

THREADS = 8
# That each thread has in flight at once.
BATCH = 50

ENDS = ("settle", "settle", "fail", "cancel", "settle and cancel")
USES = ("await", "await", "two await", "wait", "callback", "drop")

name, operations, (way,) = told()


class FailedError(Exception):
    """What an awaitable is made to fail with."""


Job = Callable[[], object]


class Hands(threading.Thread):
    """A thread that does to other threads' awaitables what it is asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.errors: list[BaseException] = []

    def run(self) -> None:
        while (job := self.jobs.get()) is not None:
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - it is to be seen
                self.errors.append(error)
            del job


class Owner(threading.Thread):
    """A thread with a loop of its own, whose awaitables others end."""

    def __init__(self, number: int, runtime: Any, hands: list[Hands]) -> None:
        super().__init__()
        self.lot = random.Random(number)
        self.runtime, self.hands = runtime, hands
        self.outcomes: Counter[str] = Counter()
        self.gates: list[tuple[Any, bool]] = []
        self.error: BaseException | None = None
        # How many fail and are dropped.
        self.unheard = 0
        self.complaints: list[dict[str, Any]] = []

    def run(self) -> None:
        loop = asyncio.new_event_loop()
        self.complaints = quietly(loop)
        try:
            for start in range(0, operations // THREADS, BATCH):
                loop.run_until_complete(self.batch(min(BATCH, operations // THREADS - start)))
        except BaseException as error:  # noqa: BLE001 - it is to be seen
            self.error = error
        finally:
            loop.close()

    async def batch(self, count: int) -> None:
        outcomes = await asyncio.wait_for(asyncio.gather(*[self.one() for _ in range(count)]), 60)
        self.outcomes.update(outcomes)

    async def one(self) -> str:
        """Makes an awaitable, has others end it, uses it; returns what came of it."""
        gate = extension.Gate()
        made = way == "made in Python"
        awaitable = extension.Awaitable() if made else self.runtime.awaitable(gate)
        end, use = self.lot.choice(ENDS), self.lot.choice(USES)
        if not made:
            self.gates.append((gate, use == "drop"))
        # One of Rust's is cancelled when it is dropped, unless it has failed before.
        self.unheard += (end, use) == ("fail", "drop")
        finish = settling(awaitable) if made else ending(gate)
        used = self.use(awaitable, use)
        for job in jobs(awaitable if use != "drop" or made else None, finish, end):
            self.lot.choice(self.hands).jobs.put(job)
        del awaitable, finish
        return await used

    def use(self, awaitable: Any, use: str) -> asyncio.Future[str]:
        loop = asyncio.get_running_loop()
        match use:
            case "await":
                return asyncio.ensure_future(outcome(awaitable))
            case "two await":
                return asyncio.ensure_future(same(outcome(awaitable), outcome(awaitable)))
            case "callback":
                told_of: asyncio.Future[str] = loop.create_future()
                awaitable.add_done_callback(lambda settled: told_of.set_result(kind(settled)))
                return told_of
            case "wait":
                waited: asyncio.Future[str] = loop.create_future()
                Waiter(awaitable, lambda seen: loop.call_soon_threadsafe(waited.set_result, seen)).start()
                return waited
        dropped: asyncio.Future[str] = loop.create_future()
        dropped.set_result("dropped")
        return dropped


class Waiter(threading.Thread):
    """A thread that blocks until an awaitable has settled."""

    def __init__(self, awaitable: Any, tell_outcome: Callable[[str], object]) -> None:
        super().__init__()
        self._awaitable, self._tell = awaitable, tell_outcome

    def run(self) -> None:
        with contextlib.suppress(FailedError, asyncio.CancelledError):
            self._awaitable.wait(60)
        seen = kind(self._awaitable)
        del self._awaitable
        self._tell(seen)


def settling(awaitable: Any) -> dict[str, Job]:
    """Returns how to end one that was made in Python. Whoever comes second is told so, and no more."""

    def unless_done(settle: Callable[[Any], None], value: object) -> None:
        try:
            settle(value)
        except asyncio.InvalidStateError:
            assert awaitable.done()

    return {
        "settle": lambda: unless_done(awaitable.set_result, 1),
        "fail": lambda: unless_done(awaitable.set_exception, FailedError()),
    }


def ending(gate: Any) -> dict[str, Job]:
    """Returns how to end one of Rust's."""
    return {"settle": lambda: gate.give(1), "fail": lambda: gate.fail(FailedError())}


def jobs(awaitable: Any, finish: dict[str, Job], end: str) -> list[Job]:
    """Returns what is asked of other threads."""
    cancel: Job = finish["settle"] if awaitable is None else awaitable.cancel
    match end:
        case "settle" | "fail":
            return [finish[end]]
        case "cancel":
            return [cancel]
    return [finish["settle"], cancel]


def kind(awaitable: Any) -> str:
    if awaitable.cancelled():
        return "cancelled"
    error = awaitable.exception()
    assert error is None or isinstance(error, FailedError), error
    return "failed" if error else "settled"


async def outcome(awaitable: Any) -> str:
    try:
        await awaitable
    except FailedError:
        return "failed"
    except asyncio.CancelledError:
        assert awaitable.cancelled()
        return "cancelled"
    return "settled"


async def same(first: Any, second: Any) -> str:
    """Two tasks await one awaitable: both see the same."""
    seen = set(await asyncio.gather(first, second))
    assert len(seen) == 1, seen
    return str(seen.pop())


def main() -> None:
    runtime = extension.Runtime(name)
    hands = [Hands() for _ in range(THREADS)]
    owners = [Owner(number, runtime, hands) for number in range(THREADS)]
    for thread in (*hands, *owners):
        thread.start()
    for owner in owners:
        owner.join()
    for hand in hands:
        hand.jobs.put(None)
        hand.join()
    for owner in owners:
        if owner.error:
            raise owner.error
        # As asyncio's futures do, those that fail and are dropped say so.
        unheard = [each for each in owner.complaints if isinstance(each.get("exception"), FailedError)]
        assert unheard == owner.complaints, owner.complaints[:3]
        assert len(unheard) <= owner.unheard
    errors = [error for hand in hands for error in hand.errors]
    assert not errors, errors[:3]
    outcomes = sum((owner.outcomes for owner in owners), Counter())
    assert sum(outcomes.values()) == operations // THREADS * THREADS
    assert {"settled", "failed", "cancelled", "dropped"} <= set(outcomes) or operations < 1000
    gc.collect()
    gates = [gate for owner in owners for gate, _ in owner.gates]
    wait_until(lambda: all(gate.drops == 1 for gate in gates), "a future was not dropped once")
    metrics = runtime.metrics()
    wait_until(lambda: runtime.metrics()["settled"] == metrics["spawned"], "a task never settled")
    runtime.shutdown()
    tell(**outcomes)


main()
