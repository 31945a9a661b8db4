"""How the loop's drain tells waiters: in order, a bounded time long, and whole after an interrupt."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from crossawait_tests import Awaitable, Gate, Runtime

from event_loops import HANGS, LOOPS, not_on_rloop

# Where a task's step is part of the drain. Else the drain makes handles, and those are the loop's business.
STEPPED_DIRECTLY = LOOPS.keys() - {"asyncio-debug", "strict"}


def all_settled(gates: list[Gate], awaitables: list[Awaitable[Any]]) -> None:
    """End them all while the loop does nothing, one after another."""
    for gate in gates:
        # Else one that has not been polled yet would overtake those that have to be woken.
        gate.wait_polled()
    for number, gate in enumerate(gates):
        gate.give(number)
    for awaitable in awaitables:
        awaitable.wait()


@pytest.fixture(scope="module")
def one_worker() -> Iterator[Runtime]:
    """A runtime whose tasks settle, and say so, one after another."""
    runtime = Runtime("custom", worker_threads=1)
    yield runtime
    runtime.shutdown()


async def test_waiters_are_told_in_the_order_of_settling(one_worker: Runtime) -> None:
    told: list[Any] = []

    async def wait(awaitable: Awaitable[Any]) -> None:
        told.append(await awaitable)

    gates = [Gate() for _ in range(20)]
    awaitables = [one_worker.awaitable(gate) for gate in gates]
    tasks = [asyncio.create_task(wait(awaitable)) for awaitable in awaitables]
    await asyncio.sleep(0)
    order = [*range(10, 20), *range(10)]
    for gate in gates:
        gate.wait_polled()
    for number in order:
        gates[number].give(number)
        awaitables[number].wait()
    await asyncio.gather(*tasks)
    assert told == order


@pytest.mark.loops(*STEPPED_DIRECTLY)
async def test_a_flood_lets_other_work_through(one_worker: Runtime) -> None:
    """Each step takes a while, and all come at once: what is due in the middle does not wait for the last."""
    steps: list[int] = []
    served: list[int] = []

    async def wait(awaitable: Awaitable[Any]) -> None:
        number = await awaitable
        if number == 0:
            # Due long before 200 steps of a millisecond each are through.
            asyncio.get_running_loop().call_soon(lambda: served.append(len(steps)))
            asyncio.get_running_loop().call_later(0.01, lambda: served.append(len(steps)))
        until = time.perf_counter() + 0.001
        while time.perf_counter() < until:
            pass
        steps.append(number)

    gates = [Gate() for _ in range(200)]
    awaitables = [one_worker.awaitable(gate) for gate in gates]
    tasks = [asyncio.create_task(wait(awaitable)) for awaitable in awaitables]
    await asyncio.sleep(0)
    all_settled(gates, awaitables)
    await asyncio.gather(*tasks)
    assert steps == list(range(200))
    assert len(served) == 2
    assert max(served) < 200


@pytest.mark.loops(*STEPPED_DIRECTLY)
async def test_slow_steps_let_other_work_through_after_each(one_worker: Runtime) -> None:
    """Every step takes longer than a drain may: however few there are, other work comes between them."""
    steps: list[int] = []
    served: list[int] = []

    async def wait(awaitable: Awaitable[Any]) -> None:
        number = await awaitable
        asyncio.get_running_loop().call_soon(lambda: served.append(len(steps)))
        until = time.perf_counter() + 0.006
        while time.perf_counter() < until:
            pass
        steps.append(number)

    gates = [Gate() for _ in range(10)]
    awaitables = [one_worker.awaitable(gate) for gate in gates]
    tasks = [asyncio.create_task(wait(awaitable)) for awaitable in awaitables]
    await asyncio.sleep(0)
    all_settled(gates, awaitables)
    await asyncio.gather(*tasks)
    await asyncio.sleep(0)
    # Not all loops come to what is scheduled before they come to what is ready.
    assert all(step - before < 5 for before, step in enumerate(served)), served


class Counting(asyncio.SelectorEventLoop):
    """Counts the handles that are made for tasks to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.wakeups = 0

    def call_soon(self, callback: Callable[..., object], *args: Any, **options: Any) -> asyncio.Handle:  # type: ignore[override]
        if getattr(callback, "__name__", "") == "task_wakeup":
            self.wakeups += 1
        return super().call_soon(callback, *args, **options)


@pytest.mark.parametrize(
    ("mode", "scheduled"), [("direct", 0), ("strict", 10), ("debug", 10), ("two waiters", 10)]
)
def test_when_tasks_are_stepped_directly(
    rust: Runtime, mode: str, scheduled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode == "strict":
        monkeypatch.setenv("CROSSAWAIT_STRICT", "1")
    else:
        monkeypatch.delenv("CROSSAWAIT_STRICT", raising=False)

    async def wait(awaitable: Awaitable[Any]) -> None:
        await awaitable

    async def main() -> int:
        gates = [Gate() for _ in range(5 if mode == "two waiters" else 10)]
        awaitables = [rust.awaitable(gate) for gate in gates]
        waited = awaitables * 2 if mode == "two waiters" else awaitables
        tasks = [asyncio.create_task(wait(awaitable)) for awaitable in waited]
        await asyncio.sleep(0)
        all_settled(gates, awaitables)
        gathered = asyncio.gather(*tasks)
        before = loop.wakeups
        await gathered
        return loop.wakeups - before - 1

    loop = Counting()
    loop.set_debug(mode == "debug")
    try:
        assert loop.run_until_complete(main()) == scheduled
    finally:
        loop.close()


async def test_a_step_that_settles_another_awaitable(rust: Runtime) -> None:
    first, second = Gate(), Gate()

    async def relay() -> Any:
        value = await rust.awaitable(first)
        second.give(value)
        return await rust.awaitable(second)

    task = asyncio.create_task(relay())
    await asyncio.sleep(0)
    first.give("value", elsewhere=True)
    assert await task == "value"


async def test_a_step_that_cancels_the_next_of_its_batch(one_worker: Runtime) -> None:
    gates = [Gate(), Gate()]
    awaitables = [one_worker.awaitable(gate) for gate in gates]

    async def first() -> None:
        await awaitables[0]
        tasks[1].cancel()

    async def second() -> Any:
        return await awaitables[1]

    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(first()), asyncio.create_task(second())]
    await asyncio.sleep(0)
    all_settled(gates, awaitables)
    await asyncio.wait(tasks)
    assert tasks[1].cancelled()


async def test_a_failing_callback_is_reported_and_the_rest_told(rust: Runtime) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    gates = [Gate() for _ in range(3)]
    awaitables = [rust.awaitable(gate) for gate in gates]

    def fail(_: object) -> None:
        raise LookupError("missing")

    awaitables[0].add_done_callback(fail)
    gathered = asyncio.gather(*awaitables)
    all_settled(gates, awaitables)
    assert await gathered == [0, 1, 2]
    assert [type(report["exception"]) for report in reports] == [LookupError]


@not_on_rloop
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_step_leaves_the_rest_to_be_told(
    one_worker: Runtime, loop_kind: str, interrupt: type[BaseException]
) -> None:
    told: list[Any] = []

    async def wait(awaitable: Awaitable[Any]) -> None:
        number = await awaitable
        if number == 1:
            raise interrupt
        told.append(number)

    async def begin() -> None:
        gates = [Gate() for _ in range(5)]
        awaitables = [one_worker.awaitable(gate) for gate in gates]
        tasks.extend(asyncio.create_task(wait(awaitable)) for awaitable in awaitables)
        await asyncio.sleep(0)
        all_settled(gates, awaitables)
        await rest()

    async def rest() -> None:
        await asyncio.wait(tasks, timeout=HANGS)

    tasks: list[asyncio.Task[None]] = []
    loop = LOOPS[loop_kind]()
    try:
        with pytest.raises(interrupt):
            loop.run_until_complete(begin())
        # As `asyncio.run` cleans up: nobody wakes the loop any more, and the rest comes all the same.
        loop.run_until_complete(rest())
        assert told == [0, 2, 3, 4]
        assert isinstance(tasks[1].exception(), interrupt)
    finally:
        loop.close()


async def test_a_nested_drain_is_none(rust: Runtime, gate: Gate) -> None:
    depth = 30

    async def descend(level: int) -> int:
        inner = Gate()
        awaitable = rust.awaitable(inner)
        inner.give(level)
        awaitable.wait()
        await asyncio.sleep(0)
        value: int = await awaitable
        return value if level == depth else await asyncio.create_task(descend(level + 1))

    task = asyncio.create_task(descend(0))
    assert await task == depth


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_tasks_of_their_own_kind_are_not_stepped_directly(rust: Runtime) -> None:

    class PythonTask(asyncio.tasks._PyTask):  # type: ignore[name-defined,misc]
        pass

    async def wait(gate: Gate) -> Any:
        return await rust.awaitable(gate)

    async def main() -> None:
        gate = Gate()
        task = asyncio.get_running_loop().create_task(wait(gate))
        assert type(task) is PythonTask
        await asyncio.sleep(0)
        gate.give("value", elsewhere=True)
        assert await task == "value"

    loop = asyncio.new_event_loop()
    loop.set_task_factory(lambda loop, coroutine, **options: PythonTask(coroutine, loop=loop, **options))
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
