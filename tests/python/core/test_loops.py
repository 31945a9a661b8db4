"""Event loops: which one an awaitable belongs to, and how the library lets go of one."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
import weakref
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from crossawait_tests import Awaitable, Gate, Runtime

from event_loops import LOOPS, Run, not_on_rloop

T = TypeVar("T")


def on_a_fresh_loop(kind: str, coroutine: Coroutine[Any, Any, T]) -> T:
    loop = LOOPS[kind]()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


async def result(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def test_it_belongs_to_the_loop_that_it_was_made_on(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    assert awaitable.get_loop() is awaitable._loop is asyncio.get_running_loop()
    awaitable.cancel()


def test_without_one_it_belongs_to_that_of_the_first_await(rust: Runtime, gate: Gate, loop_kind: str) -> None:
    awaitable: Any = rust.awaitable(gate)
    assert awaitable._loop is None
    with pytest.raises(RuntimeError, match="no running event loop"):
        awaitable.get_loop()
    with pytest.raises(RuntimeError, match="no running event loop"):
        awaitable.add_done_callback(print)
    gate.give("value")

    async def await_it() -> None:
        gate.wait_dropped()
        assert await awaitable == "value"

    on_a_fresh_loop(loop_kind, await_it())


def test_awaited_on_another_loop(rust: Runtime, gate: Gate, loop_kind: str) -> None:
    async def make() -> Awaitable[Any]:
        return rust.awaitable(gate)

    first = LOOPS[loop_kind]()
    try:
        awaitable = first.run_until_complete(make())
        with pytest.raises(RuntimeError, match="attached to a different loop"):
            on_a_fresh_loop(loop_kind, result(awaitable))
        # That has not hurt it.
        gate.give("value", elsewhere=True)
        assert first.run_until_complete(awaitable) == "value"
    finally:
        first.close()


def test_a_callback_added_on_another_loop(rust: Runtime, gate: Gate, loop_kind: str) -> None:
    async def make() -> Awaitable[Any]:
        return rust.awaitable(gate)

    async def add() -> None:
        awaitable.add_done_callback(print)

    first = LOOPS[loop_kind]()
    try:
        awaitable = first.run_until_complete(make())
        with pytest.raises(RuntimeError, match="loop"):
            on_a_fresh_loop(loop_kind, add())
        awaitable.cancel()
    finally:
        first.close()


def test_a_closed_loop_is_silent(
    rust: Runtime, gate: Gate, loop_kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async def begin() -> asyncio.Task[Any]:
        task = asyncio.ensure_future(result(rust.awaitable(gate)))
        await asyncio.sleep(0)
        return task

    loop = LOOPS[loop_kind]()
    task = loop.run_until_complete(begin())
    # As asyncio has it: a pending task that is thrown away says so, unless told not to.
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    settled = rust.metrics()["settled"]
    gate.give("value", elsewhere=True)
    gate.wait_dropped()
    while rust.metrics()["settled"] == settled:
        threading.Event().wait(0.001)
    del task, loop
    gc.collect()
    assert capfd.readouterr() == ("", "")


# A loop without readers lets nobody know that it was closed.
@pytest.mark.not_loops("without-readers", "rloop")
def test_a_closed_loop_lets_go_of_what_waited_on_it(rust: Runtime, loop_kind: str) -> None:
    async def begin(gates: list[Gate]) -> list[weakref.ref[Awaitable[Any]]]:
        awaitables = [rust.awaitable(gate) for gate in gates]
        for awaitable in awaitables:
            awaitable.add_done_callback(lambda _: None)
        return [weakref.ref(awaitable) for awaitable in awaitables]

    loop = LOOPS[loop_kind]()
    references = loop.run_until_complete(begin([Gate() for _ in range(10)]))
    gc.collect()
    # While the loop lives, what has a callback lives too.
    assert all(reference() is not None for reference in references)
    loop.close()
    gc.collect()
    assert [reference() for reference in references] == [None] * 10


# These keep the drain where the collector does not look: uvloop in its handles, the others in our table.
@pytest.mark.not_loops("without-readers", "uvloop", "rloop")
def test_a_loop_that_is_forgotten_unclosed_is_collected_with_what_waits_on_it(
    rust: Runtime, loop_kind: str
) -> None:
    async def begin(gates: list[Gate]) -> asyncio.Future[Any]:
        task = asyncio.gather(*(rust.awaitable(gate) for gate in gates))
        await asyncio.sleep(0)
        return task

    gates = [Gate() for _ in range(10)]
    loop = LOOPS[loop_kind]()
    waiting: Any = loop.run_until_complete(begin(gates))
    # As asyncio has it: a pending task or future that is thrown away says so, unless told not to.
    waiting._log_destroy_pending = False
    for gate in gates[:5]:
        gate.give(elsewhere=True)
    reference = weakref.ref(loop)
    with warnings.catch_warnings():
        # asyncio says of the loop, too, that it was not closed.
        warnings.simplefilter("ignore", ResourceWarning)
        del loop, waiting
        gc.collect()
    assert reference() is None
    # As with asyncio's futures, what was awaited once runs on.
    for gate in gates[5:]:
        gate.give()


@not_on_rloop
def test_a_loop_is_freed(rust: Runtime, loop_kind: str) -> None:
    async def use(gate: Gate) -> weakref.ref[asyncio.AbstractEventLoop]:
        asyncio.get_running_loop().call_soon(lambda: gate.give(elsewhere=True))
        await rust.awaitable(gate)
        return weakref.ref(asyncio.get_running_loop())

    reference = on_a_fresh_loop(loop_kind, use(Gate()))
    gc.collect()
    # The thread remembers the last loop that it has seen, but not so that it lives on.
    assert reference() is None


def test_one_loop_after_another(rust: Runtime, loop_kind: str) -> None:
    """Closed and freed at once, so that the next is likely to come to lie at the same address."""

    async def use(number: int) -> tuple[int, Any]:
        gate = Gate()
        awaitable = rust.awaitable(gate)
        asyncio.get_running_loop().call_soon(lambda: gate.give(number, elsewhere=True))
        return id(asyncio.get_running_loop()), await awaitable

    used = [on_a_fresh_loop(loop_kind, use(number)) for number in range(30)]
    assert [value for _, value in used] == list(range(30))


def test_a_loop_is_run_again_and_again(rust: Runtime, loop_kind: str) -> None:
    async def use(number: int) -> Any:
        gate = Gate()
        asyncio.get_running_loop().call_soon(lambda: gate.give(number, elsewhere=True))
        return await rust.awaitable(gate)

    loop = LOOPS[loop_kind]()
    try:
        assert [loop.run_until_complete(use(number)) for number in range(5)] == list(range(5))
    finally:
        loop.close()


def test_settled_between_two_runs_of_a_loop(rust: Runtime, gate: Gate, loop_kind: str) -> None:
    async def begin() -> asyncio.Task[Any]:
        task = asyncio.ensure_future(result(rust.awaitable(gate)))
        await asyncio.sleep(0)
        return task

    loop = LOOPS[loop_kind]()
    try:
        task = loop.run_until_complete(begin())
        gate.give("value")
        gate.wait_dropped()
        assert loop.run_until_complete(task) == "value"
    finally:
        loop.close()


@not_on_rloop
def test_many_loops_in_many_threads(rust: Runtime, loop_kind: str) -> None:
    async def use(thread: int) -> list[Any]:
        gates = [Gate() for _ in range(20)]
        gathered = asyncio.gather(*(rust.awaitable(gate) for gate in gates))
        for number, gate in enumerate(gates):
            gate.give((thread, number), elsewhere=number % 2 == 0)
        return await gathered

    def work(thread: int) -> None:
        together.wait()
        for _ in range(5):
            results[thread].append(on_a_fresh_loop(loop_kind, use(thread)))

    results: list[list[Any]] = [[] for _ in range(8)]
    together = threading.Barrier(len(results))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, rounds in enumerate(results):
        assert rounds == [[(number, index) for index in range(20)]] * 5


@not_on_rloop
def test_cancelled_from_a_thread_with_a_loop_of_its_own(
    rust: Runtime, gate: Gate, run: Run, loop_kind: str
) -> None:
    async def cancel(awaitable: Awaitable[Any]) -> None:
        awaitable.cancel()

    async def main() -> None:
        awaitable = rust.awaitable(gate)
        thread = threading.Thread(target=lambda: on_a_fresh_loop(loop_kind, cancel(awaitable)))
        asyncio.get_running_loop().call_soon(thread.start)
        with pytest.raises(asyncio.CancelledError):
            await awaitable
        thread.join()

    run(main())


def test_a_loop_without_readers_is_woken_once_for_a_batch(rust: Runtime) -> None:
    async def main() -> None:
        gates = [Gate() for _ in range(50)]
        gathered = asyncio.gather(*(rust.awaitable(gate) for gate in gates))
        before = rust.metrics()
        for number, gate in enumerate(gates):
            gate.give(number)
        for gate in gates:
            gate.wait_dropped()
        assert await gathered == list(range(50))
        after = rust.metrics()
        assert after["wakes"] - before["wakes"] <= after["batches"] - before["batches"] + 1
        # Sent as they came, and not each by itself: far fewer than there were.
        assert after["completions"] - before["completions"] == 50

    on_a_fresh_loop("without-readers", main())
