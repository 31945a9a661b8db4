"""Many calls from Rust at once and within each other: in whose context they run, and on which thread."""

from __future__ import annotations

import contextvars
import ctypes
import threading
from collections.abc import Awaitable as Awaited
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from crossawait_tests import Gate, Runtime, await_from_rust, await_until, call

from event_loops import every_loop
from tasks import gather, spawn

pytestmark = every_loop

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outside")


@pytest.fixture(scope="module")
def any_rust(runtime_name: Any) -> Iterator[Runtime]:
    """A runtime of each kind."""
    runtime = Runtime(runtime_name)
    yield runtime
    runtime.shutdown()


async def test_it_runs_in_a_copy_of_the_callers_context(rust: Runtime) -> None:
    def look() -> Awaited[list[str]]:
        # Called in it, and the task has it too.
        return look_on(variable.get())

    async def look_on(before: str) -> list[str]:
        during = variable.get()
        await checkpoint()
        variable.set("changed")
        return [before, during]

    async def of_request(name: str) -> tuple[object, ...]:
        variable.set(name)
        coroutine, awaited = call(rust, look), await_from_rust(rust, look())
        # Too late: it is the context of the call that counts.
        variable.set(f"after {name}")
        return await coroutine, await awaited, variable.get()

    variable.set("of the test")
    seen = await gather(*(of_request(str(number)) for number in range(10)))
    expected = [([name] * 2, [name] * 2, f"after {name}") for name in map(str, range(10))]
    assert list(seen) == expected
    assert variable.get() == "of the test"


async def test_two_calls_at_once_in_one_context(rust: Runtime) -> None:
    async def meet() -> str:
        arrived.append(None)
        if len(arrived) == 2:
            both.set()
        await both.wait()
        return variable.get()

    arrived: list[None] = []
    both = anyio.Event()
    variable.set("shared")
    calls = [call(rust, meet), call(rust, meet)]
    variable.set("later")
    assert list(await gather(*calls)) == ["shared", "shared"]


async def test_calls_within_calls(any_rust: Runtime) -> None:
    async def descend(depth: int) -> list[str]:
        await checkpoint()
        mine = variable.get()
        if depth == 0:
            return [mine]
        variable.set(f"{mine}.{depth}")
        return [mine, *await call(any_rust, descend, depth - 1)]

    variable.set("top")
    assert await call(any_rust, descend, 4) == ["top", "top.4", "top.4.3", "top.4.3.2", "top.4.3.2.1"]


# Debug mode takes seconds to tell where each of these tasks was made.
@pytest.mark.not_loops("asyncio-debug")
async def test_a_thousand_at_once(any_rust: Runtime) -> None:
    async def wait(number: int) -> int:
        arrived.append(number)
        if len(arrived) == 1000:
            everybody.set()
        await everybody.wait()
        return number

    arrived: list[int] = []
    everybody = anyio.Event()
    assert list(await gather(*(call(any_rust, wait, number) for number in range(1000)))) == list(range(1000))


def next_thread_state() -> int:
    """Return the number of the thread state that a fresh thread gets: they count up."""
    numbers: list[int] = []
    thread = threading.Thread(target=lambda: numbers.append(number_of(current_state())))
    thread.start()
    thread.join()
    return numbers[0]


current_state = ctypes.pythonapi.PyThreadState_Get
current_state.restype = ctypes.c_void_p
number_of = ctypes.pythonapi.PyThreadState_GetID
number_of.argtypes = [ctypes.c_void_p]
number_of.restype = ctypes.c_uint64


# A loop that watches no descriptors is woken by a thread that attaches for it.
@pytest.mark.not_loops("without-readers")
async def test_no_thread_of_a_runtime_attaches(any_rust: Runtime) -> None:
    async def work(number: int) -> None:
        await checkpoint()
        if number % 3 == 0:
            raise LookupError(number)

    async def try_it(number: int) -> None:
        gate = Gate()
        left = spawn(await_until(any_rust, anyio.Event().wait, gate))
        if number % 3 == 0:
            with pytest.raises(LookupError):
                await call(any_rust, work, number)
        else:
            await call(any_rust, work, number, times=3)
        gate.give(elsewhere=False)
        assert await left is None

    await gather(*(try_it(number) for number in range(10)))
    before = next_thread_state()
    await gather(*(try_it(number) for number in range(50)))
    assert next_thread_state() == before + 1
