"""Gets SIGINT again and again where the main thread waits or works, and looks how soon it hears of it."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import trio
from measuring import percentile, quietly, tell, told, wait_until

extension: Any = importlib.import_module("crossawait_tests")

# How far into a drain it comes: it takes so many steps of so many seconds each.
BATCH = 400
STEP = 0.0005

name, operations, (way,) = told()
# What a script starts in the background ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Interrupt:
    """Sends SIGINT to this process from another thread, once it is told that the time has come."""

    def __init__(self) -> None:
        self._now = threading.Event()
        self._sent = 0.0
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        self._now.wait()
        # The main thread goes from telling so into what it is to be interrupted in.
        time.sleep(0.02)
        self._sent = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)

    def is_sent(self) -> bool:
        return self._sent > 0

    def come(self) -> None:
        self._now.set()

    def heard(self) -> float:
        """Returns how long ago it was sent, in milliseconds."""
        heard = time.monotonic()
        self._thread.join()
        return (heard - self._sent) * 1000


def interrupted(action: Callable[[Interrupt], object]) -> float:
    """Does something that an interrupt is to end; returns how long that took."""
    interrupt = Interrupt()
    try:
        action(interrupt)
    except KeyboardInterrupt:
        return interrupt.heard()
    raise AssertionError("the interrupt went unheard")


def in_wait(runtime: Any) -> Callable[[Interrupt], object]:
    def action(interrupt: Interrupt) -> None:
        awaitable = runtime.awaitable(extension.Gate())
        interrupt.come()
        awaitable.wait()

    return action


def in_block_on(runtime: Any) -> Callable[[Interrupt], object]:
    def action(interrupt: Interrupt) -> None:
        interrupt.come()
        extension.block_on(runtime, extension.Gate())

    return action


def in_run(runtime: Any) -> Callable[[Interrupt], object]:
    async def main(interrupt: Interrupt) -> None:
        interrupt.come()
        await runtime.coroutine(extension.Gate())

    return lambda interrupt: asyncio.run(main(interrupt))


def in_trio(runtime: Any) -> Callable[[Interrupt], object]:
    async def main(interrupt: Interrupt) -> None:
        interrupt.come()
        await runtime.coroutine(extension.Gate())

    return lambda interrupt: trio.run(main, interrupt)


def in_drain(runtime: Any) -> Callable[[Interrupt], object]:
    """In the middle of a batch: all others of it are delivered all the same, when the loop runs on."""
    told_of: list[int] = []

    async def wait(awaitable: Any, number: int, interrupt: Interrupt) -> None:
        await awaitable
        if len(told_of) == BATCH // 10:
            interrupt.come()
        if len(told_of) == BATCH // 2:
            # On a busy machine it might come when all is over.
            wait_until(interrupt.is_sent, "the interrupt was never sent")
        until = time.perf_counter() + STEP
        while time.perf_counter() < until:
            pass
        told_of.append(number)

    def action(interrupt: Interrupt) -> None:
        told_of.clear()
        loop = asyncio.new_event_loop()
        complaints = quietly(loop)
        tasks: list[asyncio.Task[None]] = []

        async def begin() -> None:
            gates = [extension.Gate() for _ in range(BATCH)]
            awaitables = [runtime.awaitable(gate) for gate in gates]
            tasks.extend(
                asyncio.ensure_future(wait(each, number, interrupt)) for number, each in enumerate(awaitables)
            )
            await asyncio.sleep(0)
            for gate in gates:
                gate.give()
            for awaitable in awaitables:
                awaitable.wait()
            await asyncio.wait(tasks)

        heard: float | None = None
        try:
            loop.run_until_complete(begin())
        except KeyboardInterrupt:
            heard = interrupt.heard()
        assert heard is not None, "the interrupt went unheard"
        loop.run_until_complete(asyncio.wait(tasks, timeout=30))
        ended = [task.done() and task.exception() for task in tasks]
        hit = [error for error in ended if isinstance(error, KeyboardInterrupt)]
        # It hit a step, which ended with it, perhaps with its last word; or the loop between two steps.
        assert len(hit) <= 1
        assert BATCH - len(hit) <= len(told_of) == len(set(told_of)), len(told_of)
        tasks.clear()
        del ended, hit
        loop.close()
        assert not complaints, complaints
        latencies.append(heard)

    return action


latencies: list[float] = []

WAYS: dict[str, Callable[[Any], Callable[[Interrupt], object]]] = {
    "wait": in_wait,
    "block_on": in_block_on,
    "run": in_run,
    "trio": in_trio,
    "drain": in_drain,
}


def main() -> None:
    runtime = extension.Runtime(name)
    action = WAYS[way](runtime)
    for _ in range(operations):
        if way == "drain":
            action(Interrupt())
        else:
            latencies.append(interrupted(action))
    runtime.shutdown()
    tell(latest=max(latencies), median=percentile(latencies, 50))


main()
