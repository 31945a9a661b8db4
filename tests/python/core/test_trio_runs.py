"""Runs of trio come and go: each is a loop of its own, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import outcome
import pytest
import trio
import trio.testing
from crossawait_tests import Awaitable, Gate, Runtime

from event_loops import HANGS

variable: contextvars.ContextVar[object] = contextvars.ContextVar("variable", default=None)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def waits(rust: Runtime, value: object = None) -> Any:
    """Wait for something, so that trio has to be woken."""
    gate = Gate()
    awaitable = rust.awaitable(gate)
    async with trio.open_nursery() as nursery:
        results: list[object] = []

        async def wait() -> None:
            results.append(await awaitable)

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        gate.give(value, elsewhere=True)
    return results[0]


def test_one_run_after_another(rust: Runtime) -> None:
    assert [trio.run(waits, rust, number) for number in range(10)] == list(range(10))


def test_a_run_leaves_no_descriptor_and_is_freed(rust: Runtime) -> None:
    async def main() -> Any:
        await waits(rust)
        return weakref.ref(trio.lowlevel.current_trio_token())

    trio.run(main)
    gc.collect()
    before = descriptors()
    tokens = [trio.run(main) for _ in range(50)]
    gc.collect()
    assert descriptors() <= before
    assert [token() for token in tokens] == [None] * 50


def test_a_run_that_fails_leaves_no_descriptor(rust: Runtime) -> None:
    async def main() -> None:
        await waits(rust)
        raise LookupError("missing")

    def fail() -> None:
        with pytest.raises(LookupError):
            trio.run(main)

    fail()
    gc.collect()
    before = descriptors()
    for _ in range(20):
        fail()
    gc.collect()
    assert descriptors() <= before


def test_what_belongs_to_a_run_that_is_over(rust: Runtime, gate: Gate) -> None:
    async def make() -> Awaitable[Any]:
        return rust.awaitable(gate)

    async def wait() -> Any:
        return await awaitable

    awaitable = trio.run(make)
    with pytest.raises(RuntimeError, match="different event loop"):
        trio.run(wait)
    gate.give("value")
    assert awaitable.wait() == "value"
    # No run is needed any more.
    assert trio.run(wait) == "value"


def test_made_outside_it_belongs_to_the_run_of_the_first_await(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)

    async def wait() -> Any:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(give_soon, gate)
            return await awaitable

    assert trio.run(wait) == "value"


async def give_soon(gate: Gate) -> None:
    await trio.testing.wait_all_tasks_blocked()
    gate.give("value", elsewhere=True)


def test_runs_in_several_threads_beside_asyncio(rust: Runtime) -> None:
    """All over one runtime, at once."""

    async def in_asyncio(thread: int) -> list[Any]:
        gates = [Gate() for _ in range(50)]
        gathered = asyncio.gather(*(rust.awaitable(gate) for gate in gates))
        for number, gate in enumerate(gates):
            gate.give((thread, number), elsewhere=True)
        return await gathered

    async def in_trio(thread: int) -> list[Any]:
        gates = [Gate() for _ in range(50)]
        results: list[Any] = []

        async def wait(gate: Gate) -> None:
            results.append(await rust.awaitable(gate))

        async with trio.open_nursery() as nursery:
            for gate in gates:
                nursery.start_soon(wait, gate)
            await trio.testing.wait_all_tasks_blocked()
            for number, gate in enumerate(gates):
                gate.give((thread, number), elsewhere=True)
        return sorted(results)

    def work(thread: int) -> None:
        together.wait()
        for _ in range(10):
            run: Callable[[], list[Any]] = (
                (lambda: trio.run(in_trio, thread))
                if thread % 2
                else (lambda: asyncio.run(in_asyncio(thread)))
            )
            results[thread].append(run())

    results: list[list[Any]] = [[] for _ in range(4)]
    together = threading.Barrier(len(results))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, rounds in enumerate(results):
        assert rounds == [[(number, index) for index in range(50)]] * 10


async def as_a_guest(main: Callable[..., Any], *arguments: object) -> Any:
    """Run trio as a guest of the asyncio loop that runs here."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[outcome.Outcome[Any]] = loop.create_future()
    trio.lowlevel.start_guest_run(
        main,
        *arguments,
        run_sync_soon_threadsafe=loop.call_soon_threadsafe,
        run_sync_soon_not_threadsafe=loop.call_soon,
        done_callback=done.set_result,
        host_uses_signal_set_wakeup_fd=True,
    )
    return (await asyncio.wait_for(done, HANGS)).unwrap()


@pytest.mark.loops("asyncio", "uvloop")
async def test_a_guest_run_on_an_asyncio_loop(rust: Runtime) -> None:
    """Each side awaits its own, in one thread, in turns."""
    seen: list[str] = []

    async def guest() -> str:
        for _ in range(20):
            assert await waits(rust, "guest") == "guest"
            seen.append("guest")
        return "done"

    async def host() -> None:
        for _ in range(20):
            gate = Gate()
            awaitable = rust.awaitable(gate)
            asyncio.get_running_loop().call_soon(functools.partial(gate.give, "host", elsewhere=True))
            assert await awaitable == "host"
            assert awaitable.get_loop() is asyncio.get_running_loop()
            seen.append("host")

    assert (await asyncio.gather(as_a_guest(guest), host()))[0] == "done"
    assert sorted(seen) == ["guest"] * 20 + ["host"] * 20


@pytest.mark.loops("asyncio")
async def test_guests_of_several_loops_leave_nothing(rust: Runtime) -> None:
    await as_a_guest(waits, rust)
    gc.collect()
    before = descriptors()
    for number in range(10):
        assert await as_a_guest(waits, rust, number) == number
    gc.collect()
    assert descriptors() <= before


class Request:
    """Something that a context variable holds."""


@pytest.mark.loops("trio")
async def test_the_run_keeps_nobodys_context(rust: Runtime) -> None:
    """The system task is started by whoever comes first, and stays as long as the run."""

    async def handle() -> None:
        request = Request()
        variable.set(request)
        requests.append(weakref.ref(request))
        assert await waits(rust, "value") == "value"
        assert variable.get() is request

    requests: list[weakref.ref[Request]] = []
    async with trio.open_nursery() as nursery:
        # In a task, whose context is its own and ends with it: the first that this run sees of the library.
        nursery.start_soon(handle)
    del nursery
    await trio.lowlevel.checkpoint()
    gc.collect()
    assert requests[0]() is None
