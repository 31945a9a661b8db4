"""Rust streams that nobody takes any more items of: closed, forgotten, or shut down."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from crossawait_tests import Gate, Runtime, StreamIterator, gated, numbers

import crossawait
from child_process import printed
from event_loops import every_loop
from tasks import Task, cancel, ended, pending, until, within

pytestmark = every_loop

# What a stream may give before somebody takes it.
AHEAD = 1024


@pytest.fixture(scope="module")
def any_rust(runtime_name: Any) -> Iterator[Runtime]:
    """A runtime of each kind."""
    runtime = Runtime(runtime_name)
    yield runtime
    runtime.shutdown()


def opened(count: int) -> list[Gate]:
    """Return gates that give their number, and that count who passes."""
    gates = [Gate() for _ in range(count)]
    for number, gate in enumerate(gates):
        gate.give(number)
    return gates


async def waiting(iterator: StreamIterator[Any]) -> Task[Any]:
    """Return a task that waits for the next item."""
    return await pending(iterator.__anext__())


async def is_over(iterator: AsyncIterator[Any]) -> bool:
    """Tell whether it stays at its end."""
    for _ in range(3):
        with pytest.raises(StopAsyncIteration):
            await anext(iterator)
    return True


async def test_one_that_was_never_asked_is_dropped_unpolled(rust: Runtime) -> None:
    gates = [Gate() for _ in range(3)]
    closed, forgotten = gated(rust, gates[:1]), gated(rust, gates[1:2])
    await closed.aclose()
    assert await is_over(closed)
    del forgotten
    gc.collect()
    for gate in gates[:2]:
        gate.wait_dropped()
    assert [(gate.polls, gate.drops) for gate in gates[:2]] == [(0, 1)] * 2


@pytest.mark.parametrize("end", ["closed", "forgotten"])
async def test_letting_go_drops_the_stream_on_its_runtime(any_rust: Runtime, end: str) -> None:
    gates = [*opened(1), Gate(), Gate()]
    iterator = gated(any_rust, gates)
    assert await anext(iterator) == 0
    gates[1].wait_polled()
    if end == "closed":
        await iterator.aclose()
    del iterator
    gc.collect()
    await within(3, until(lambda: all(gate.drops for gate in gates)))
    # What the stream was waiting for, and what it had not come to.
    assert [gate.dropped_here for gate in gates[1:]] == [[False]] * 2


async def test_letting_go_of_one_that_waits_for_room(any_rust: Runtime) -> None:
    gates = opened(2 * AHEAD)
    iterator = gated(any_rust, gates)
    await anext(iterator)
    await until(lambda: sum(gate.polls for gate in gates) >= AHEAD)
    await iterator.aclose()
    await within(3, until(lambda: all(gate.drops for gate in gates)))
    assert gates[-1].polls == 0


async def test_closing_ends_whoever_waits(rust: Runtime) -> None:
    gate = Gate()
    iterator = gated(rust, [gate])
    tasks = [await waiting(iterator) for _ in range(3)]
    await iterator.aclose()
    assert [type(await ended(task)) for task in tasks] == [StopAsyncIteration] * 3
    await iterator.aclose()
    assert await is_over(iterator)
    gate.give()


async def test_whoever_waits_keeps_it_open(rust: Runtime) -> None:
    # As for a generator of Python's, whose `__anext__` refers to it.
    assert await anext(numbers(rust, 3)) == 0
    gate = Gate()
    task = await waiting(gated(rust, [gate]))
    gc.collect()
    gate.give("value", elsewhere=True)
    assert await task == "value"


async def test_giving_up_the_last_wait_lets_go_of_it(rust: Runtime, gate: Gate) -> None:
    await cancel(await waiting(gated(rust, [gate])))
    await within(3, until(lambda: gate.drops))


async def test_closing_throws_away_what_has_come(rust: Runtime) -> None:
    iterator = numbers(rust, 3000)
    async for number in iterator:
        if number == 10:
            break
    await iterator.aclose()
    assert await is_over(iterator)


@pytest.mark.parametrize("kind", ["tokio", "async-std", "smol", "custom"])
async def test_a_runtime_that_is_shut_down_meanwhile(kind: Any) -> None:
    rust = Runtime(kind)
    gates = [*opened(1), Gate()]
    iterator, unstarted = gated(rust, gates), numbers(rust, 3)
    assert await anext(iterator) == 0
    task = await waiting(iterator)
    rust.shutdown()
    assert isinstance(await ended(task), crossawait.RuntimeClosedError)
    for each in (iterator, unstarted):
        with pytest.raises(crossawait.RuntimeClosedError):
            await anext(each)
        await each.aclose()
    with pytest.raises(crossawait.RuntimeClosedError):
        numbers(rust, 3)
    assert gates[1].drops == 1


def test_a_quiet_stream_takes_no_more_memory() -> None:
    code = """
        import asyncio, gc, resource
        from crossawait_tests import Gate, Runtime, gated

        def memory():
            with open("/proc/self/statm") as statm:
                return int(statm.read().split()[1]) * resource.getpagesize()

        async def main():
            gate = Gate()
            iterator = gated(Runtime(), [gate])

            async def give_up(times):
                for _ in range(times):
                    task = asyncio.ensure_future(iterator.__anext__())
                    await asyncio.sleep(0)
                    task.cancel()
                    await asyncio.wait([task])

            await give_up(2000)
            gc.collect()
            before = memory()
            await give_up(8000)
            gc.collect()
            print((memory() - before) // 8000)
            gate.give()

        asyncio.run(main())
    """
    # Bytes for each wait that was given up.
    assert int(printed(code)) < 40
