"""Calls from Rust come and go, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from crossawait_tests import Gate, Runtime, await_from_rust, await_until, call

from event_loops import asyncio_only, every_loop
from tasks import gather, spawn, until

pytestmark = every_loop


class Waits:
    """An asynchronous function that waits."""

    def __init__(self) -> None:
        self.begun = anyio.Event()

    async def __call__(self) -> None:
        self.begun.set()
        await anyio.Event().wait()


class Marker:
    """Something whose end can be seen."""


class Function(Marker):
    """A function that gives, or fails with, something of its own."""

    def __init__(self) -> None:
        self.result, self.error = Marker(), LookupError("missing")
        self.references: list[weakref.ref[Any]] = [weakref.ref(self), weakref.ref(self.result)]

    async def __call__(self, argument: object, fails: bool) -> Marker:
        await checkpoint()
        if fails:
            raise self.error
        return self.result


async def settled(references: list[weakref.ref[Any]]) -> None:
    """Wait until all of them are gone, which is when the loop has heard from the runtime."""

    def gone() -> bool:
        gc.collect()
        return all(reference() is None for reference in references)

    await until(gone)


async def test_nothing_is_kept_after_a_call(rust: Runtime) -> None:
    async def use(fails: bool) -> list[weakref.ref[Any]]:
        function, argument = Function(), Marker()
        if fails:
            with pytest.raises(LookupError):
                await call(rust, function, argument, fails)
            # Its traceback has this frame, which has it.
            function.error.__traceback__ = None
        else:
            assert await call(rust, function, argument, fails) is function.result
        return [*function.references, weakref.ref(argument)]

    for fails in (False, True):
        await settled(await use(fails))


async def test_nothing_is_kept_after_a_call_that_was_let_go(rust: Runtime) -> None:
    async def use(called: bool) -> list[weakref.ref[Any]]:
        function, gate = Waits(), Gate()
        task = spawn(await_until(rust, function, gate, called=called))
        if called:
            await function.begun.wait()
        gate.give(elsewhere=True)
        assert await task is None
        return [weakref.ref(function)]

    for called in (True, False):
        await settled(await use(called))
    function = Waits()
    reference = weakref.ref(function)
    call(rust, function).close()
    del function
    await settled([reference])


class Unfriendly(asyncio.Future[None]):
    """A future that takes no callbacks."""

    def add_done_callback(self, *_arguments: Any, **_options: Any) -> None:
        raise LookupError("no callbacks")


@asyncio_only
async def test_nothing_is_kept_of_what_cannot_be_waited_for(rust: Runtime) -> None:
    async def use() -> list[weakref.ref[Any]]:
        unfriendly = Unfriendly()
        with pytest.raises(LookupError, match="no callbacks"):
            await await_from_rust(rust, unfriendly)
        return [weakref.ref(unfriendly)]

    await settled(await use())


async def test_a_thousand_calls_leave_nothing(rust: Runtime) -> None:
    value = object()

    async def give(argument: object) -> object:
        await checkpoint()
        return argument

    async def use() -> None:
        await gather(*(call(rust, give, value) for _ in range(20)))
        gates = [Gate() for _ in range(5)]
        left = [spawn(await_until(rust, Waits(), gate)) for gate in gates]
        for gate in gates:
            gate.give(elsewhere=True)
        for task in left:
            await task

    def count() -> tuple[int, int, int]:
        gc.collect()
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        objects = sum(
            type(each).__name__ in ("RustCaller", "Task", "CancelScope") for each in gc.get_objects()
        )
        return sys.getrefcount(value), descriptors, objects

    await use()
    await call(rust, checkpoint)
    before = count()
    for _ in range(40):
        await use()
    await until(lambda: all(now <= then for now, then in zip(count(), before, strict=True)))


async def test_what_the_loop_has_let_go_of_is_dropped_on_its_thread(rust: Runtime) -> None:
    """Not on the runtime's, where it would have to wait until somebody attaches."""
    threads: list[int] = []

    class Told:
        def __call__(self) -> Any:
            return checkpoint()

        def __del__(self) -> None:
            threads.append(threading.get_ident())

    await call(rust, Told())
    await until(lambda: threads)
    assert threads == [threading.get_ident()]
