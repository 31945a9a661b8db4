"""Forks again and again, before or after the runtime has started, with calls in flight.

The parent, its calls and its sockets are to notice nothing. The child is to find fresh runtimes that work, or
at once a `RuntimeClosedError` that says what to do, and what it inherited is to raise.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from measuring import NEVER, tell, told, until

import crossawait

T = TypeVar("T")

# CPython warns of every fork with threads; that there are some is the point here.
warnings.simplefilter("ignore", DeprecationWarning)

# A child that takes longer hangs, and ends by SIGALRM.
CHILD_HANGS = 30

name, forks, (when, end) = told()
# smol and async-std keep their reactor in the process, which does not survive a fork.
works_in_child = name == "tokio" or when == "before"
refusals: list[float] = []


async def job(runtime: crossawait.Runtime) -> None:
    """Uses everything a runtime has."""
    async with await runtime.listen("127.0.0.1", 0) as listener:
        host, port = listener.address[0], int(listener.address[1])
        client = await runtime.connect(host, port)
        server, _ = await listener.accept()
        async with client, server:
            await client.write_all(b"%d" % os.getpid())
            assert await server.read(100) == b"%d" % os.getpid()
    assert await runtime.run_blocking(os.getpid) == os.getpid()
    await asyncio.gather(*[runtime.sleep(0.001) for _ in range(20)])


def run(awaitable: Any) -> None:
    """Awaits something on a loop of its own."""

    async def awaited() -> None:
        await awaitable

    asyncio.run(awaited())


def refused(action: Callable[[], object]) -> str:
    """Expects that an action is refused; notes how long that took, and returns what was said."""
    begun = time.monotonic()
    try:
        action()
    except crossawait.RuntimeClosedError as error:
        refusals.append(time.monotonic() - begun)
        return str(error)
    raise AssertionError("it was not refused")


def child(inherited: list[Any]) -> None:
    """Does what a child process may want to do."""
    if works_in_child:
        fresh = crossawait.use(name) if when == "before" else crossawait.runtime()
        assert fresh.name == name
        for runtime in (fresh, crossawait.Runtime(name)):
            asyncio.run(job(runtime))
    else:
        for use in (crossawait.runtime, lambda: crossawait.Runtime(name), lambda: inherited[0].sleep(0)):
            said = refused(use)
            assert "spawn" in said, said
            assert "child" in said, said
        # Another kind is none the worse.
        asyncio.run(job(crossawait.Runtime("tokio")))
    for each in inherited[1:]:
        refused(functools.partial(run, each))


def fork(inherited: list[Any]) -> int:
    """Forks; in the child does its work, tells how long refusals took, and ends; returns its process id."""
    process = os.fork()
    if process:
        return process
    # As multiprocessing does it: asyncio's running loop stayed in the parent.
    asyncio._set_running_loop(None)
    signal.alarm(CHILD_HANGS)
    try:
        child(inherited)
        os.write(writing, f"{max(refusals, default=0.0) * 1000}\n".encode())
        status = 0
    except BaseException:  # noqa: BLE001 - it is told
        traceback.print_exc()
        status = 1
    if end == "os._exit":
        sys.stderr.flush()
        os._exit(status)
    # The other end is that of a program: everything is run that is to run at exit, on what was inherited.
    sys.exit(status)


class Parent:
    """What is in flight in the parent: before a fork, and after it."""

    async def open(self) -> None:
        self.runtime = crossawait.runtime()
        self.listener = await self.runtime.listen("127.0.0.1", 0)
        self.client = await self.connect()
        self.server, _ = await self.listener.accept()
        self.sleeping = [asyncio.ensure_future(self.runtime.sleep(3600)) for _ in range(20)]

    async def connect(self) -> crossawait.Stream:
        host, port = self.listener.address[0], int(self.listener.address[1])
        return await self.runtime.connect(host, port)

    async def begin(self) -> list[Any]:
        """Begins calls, and returns what the child is to try: the runtime, and what will be refused."""
        runtime = self.runtime
        self.reading = asyncio.ensure_future(self.server.read(100))
        self.accepting = asyncio.ensure_future(self.listener.accept())
        self.flying = [asyncio.ensure_future(runtime.yield_now()) for _ in range(50)]
        self.flying += [asyncio.ensure_future(runtime.run_blocking(time.sleep, 0)) for _ in range(20)]
        self.fresh = [runtime.sleep(60), self.server.read(1), self.listener.accept(), runtime.sleep(60)]
        awaitable: Any = self.fresh[-1].send(None)
        await asyncio.sleep(0)
        return [runtime, *self.fresh[:-1], awaitable]

    async def check(self, process: int, number: int) -> None:
        """Waits for the child's end, and sees to it that what was in flight is none the worse."""
        _, status = await self.runtime.run_blocking(os.waitpid, process, 0)
        assert status == 0, f"the child ended with {os.waitstatus_to_exitcode(status)}"
        for coroutine in self.fresh:
            coroutine.close()
        await self.client.write_all(b"%d" % number)
        assert await self.reading == b"%d" % number
        other = await self.connect()
        accepted, _ = await self.accepting
        await accepted.close()
        await other.close()
        await asyncio.gather(*self.flying)

    async def close(self) -> None:
        for task in self.sleeping:
            assert not task.done()
            task.cancel()
        await asyncio.wait(self.sleeping)
        for stream in (self.client, self.server, self.listener):
            await stream.close()
        await until(lambda: self.runtime.metrics().tasks_pending == 0, "something is left pending")


async def fork_in_the_loop() -> None:
    """Forks on the thread of the loop on which everything is in flight."""
    parent = Parent()
    await parent.open()
    for number in range(forks):
        process = fork(await parent.begin())
        await parent.check(process, number)
    await parent.close()


def fork_beside_the_loop() -> None:
    """Forks on the main thread while the loop runs in another one.

    A child that ends as a program does may not inherit a loop on its own thread: it would close it, and with
    it take the parent's descriptors out of the epoll instance that they share. That is asyncio's own doing.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(NEVER)

    parent = Parent()
    on_loop(parent.open())
    for number in range(forks):
        process = fork(on_loop(parent.begin()))
        on_loop(parent.check(process, number))
    on_loop(parent.close())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def fork_first() -> None:
    """Forks while nothing has been started, not even in the parent's thoughts."""
    for _ in range(forks):
        _, status = os.waitpid(fork([]), 0)
        assert status == 0, f"the child ended with {os.waitstatus_to_exitcode(status)}"
    asyncio.run(job(crossawait.use(name)))


def main() -> None:
    if when == "before":
        fork_first()
    else:
        crossawait.use(name)
        if end == "os._exit":
            asyncio.run(fork_in_the_loop())
        else:
            fork_beside_the_loop()
    os.close(writing)
    with os.fdopen(reading) as lines:
        told_by_children = [float(line) for line in lines]
    assert len(told_by_children) == forks
    tell(refusal=max(told_by_children))


reading, writing = os.pipe()
main()
