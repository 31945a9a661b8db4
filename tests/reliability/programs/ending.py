"""Ends with a thousand awaitables of all kinds in flight: whence and how, it is told."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from measuring import ready, told

import crossawait

IN_FLIGHT = 1000
CONNECTIONS = 20
DAEMONS = 4

name, _, (origin, ending, shutdown) = told()
# What is in flight at the end is held until then.
left: list[Any] = []
# Where an interrupt is to end the program, it is not to come before the program has come to its end.
signal.signal(signal.SIGINT, signal.default_int_handler)

if name == "custom":
    extension: Any = importlib.import_module("crossawait_tests")
    runtime = extension.Runtime("custom")
else:
    runtime = crossawait.Runtime(name)


async def fly(count: int) -> None:
    """Leaves so many awaitables in flight on this loop."""
    coroutines = gates(count) if name == "custom" else await everything(count)
    assert len(coroutines) == count
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    for task in tasks:
        # asyncio says of a pending task that is thrown away that it is. That is not what this is about.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    left.extend(tasks)
    await asyncio.sleep(0)


def gates(count: int) -> list[Coroutine[Any, Any, Any]]:
    """Returns futures of the test extension's: every third one ends meanwhile, on other threads."""
    made = [extension.Gate() for _ in range(count)]
    coroutines = [runtime.coroutine(gate) for gate in made]
    for number, gate in enumerate(made[::3]):
        threads_or_not = {"elsewhere": number % 100 == 0}
        gate.give(number, **threads_or_not)
    left.extend(made)
    return coroutines


async def everything(count: int) -> list[Coroutine[Any, Any, Any]]:
    """Returns sleeps short and long, calls that end, crossings, and sockets that read, write and accept."""
    coroutines: list[Coroutine[Any, Any, Any]] = []
    listener = await runtime.listen("127.0.0.1", 0)
    for _ in range(CONNECTIONS * count // IN_FLIGHT):
        client = await runtime.connect(*listener.address)
        server, _ = await listener.accept()
        coroutines += [server.read(1), client.read(1), client.write_all(b"x" * (8 << 20)), listener.accept()]
        left.extend([client, server])
    coroutines += [runtime.run_blocking(time.sleep, 0.0005) for _ in range(count // 10)]
    coroutines += [runtime.yield_now() for _ in range(count // 10)]
    coroutines += [runtime.sleep(number / 2000) for number in range(count // 4)]
    return coroutines + [runtime.sleep(3600) for _ in range(count - len(coroutines))]


def leave(loop: asyncio.AbstractEventLoop, count: int) -> None:
    """Has awaitables in flight on a loop that runs no more, and is not closed."""
    loop.set_exception_handler(lambda *_: None)
    loop.run_until_complete(fly(count))
    left.append(loop)


def leave_running(count: int, flying: threading.Event) -> None:
    """Has awaitables in flight on a loop that goes on running."""

    async def stay() -> None:
        await fly(count)
        flying.set()
        await asyncio.Event().wait()

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    loop.run_until_complete(stay())


def end() -> None:
    """Ends the program, unless that is done by coming to its last line."""
    if shutdown == "shutdown":
        runtime.shutdown()
    ready()
    match ending:
        case "sys.exit":
            sys.exit(3)
        case "error":
            raise LookupError("the program's own")
        case "interrupt":
            # Not in one long sleep: of a signal that comes just before, Python would hear after it.
            while True:
                time.sleep(0.01)
        case "os._exit":
            os._exit(4)


async def end_inside() -> None:
    """Ends the program from within a task."""
    # Tasks that end with RuntimeClosedError, and that nobody asks, asyncio rightly tells of.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    await fly(IN_FLIGHT)
    if ending == "interrupt":
        ready()
        # Not in one long sleep, as below.
        while True:  # noqa: ASYNC110 - nothing is waited for
            await asyncio.sleep(0.01)
    end()


def in_thread() -> None:
    """Has awaitables in flight whose thread has gone."""
    thread = threading.Thread(target=leave, args=(asyncio.new_event_loop(), IN_FLIGHT))
    thread.start()
    thread.join()


def in_daemons() -> None:
    """Has awaitables in flight in daemon threads that run their loops."""
    flying = [threading.Event() for _ in range(DAEMONS)]
    for event in flying:
        threading.Thread(target=leave_running, args=(IN_FLIGHT // DAEMONS, event), daemon=True).start()
    for event in flying:
        event.wait()


ORIGINS: dict[str, Callable[[], object]] = {
    "main": lambda: leave(asyncio.new_event_loop(), IN_FLIGHT),
    "task": lambda: asyncio.run(end_inside()),
    "thread": in_thread,
    "daemons": in_daemons,
}

ORIGINS[origin]()
end()
