"""Where trio's part ends: what its code awaits while a run ends, and what belongs to asyncio."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from crossawait_tests import Gate, Runtime, call

from child_process import printed
from tasks import wait_until


@pytest.mark.parametrize("owner", ["asyncio", "trio"])
def test_what_belongs_to_the_one_is_refused_to_the_other(owner: str) -> None:
    # In a child, since a task that is not told of its error could not be ended.
    code = """
        import asyncio, sys
        import trio
        from crossawait_tests import Gate, Runtime

        rust, gate = Runtime(), Gate()

        async def make():
            return rust.awaitable(gate)

        async def wait():
            try:
                await awaitable
            except RuntimeError as error:
                print(error)

        runs = [lambda function: asyncio.run(function()), trio.run]
        mine, other = runs if sys.argv[1] == "asyncio" else reversed(runs)
        awaitable = mine(make)
        other(wait)
        gate.give("value")
        print(awaitable.wait())
    """
    refusal, value = printed(code, arguments=(owner,)).splitlines()
    assert "different event loop" in refusal
    assert value == "value"


def test_a_system_task_that_waits_when_the_run_ends_is_cancelled(rust: Runtime) -> None:
    gate = Gate()

    async def main() -> None:
        trio.lowlevel.spawn_system_task(rust.coroutine, gate)
        await trio.testing.wait_all_tasks_blocked()

    trio.run(main)
    gate.wait_dropped()


def test_a_system_task_that_waits_behind_a_shield_for_a_call_when_the_run_ends(rust: Runtime) -> None:
    errors: list[str] = []
    called = trio.Event()

    async def called_by_rust() -> None:
        called.set()
        await trio.sleep_forever()

    async def wait() -> None:
        with trio.CancelScope(shield=True):
            try:
                await call(rust, called_by_rust)
            except RuntimeError as error:
                errors.append(str(error))

    async def main() -> None:
        trio.lowlevel.spawn_system_task(wait)
        await called.wait()

    trio.run(main)
    assert errors == ["the event loop was closed before the Python call had ended"]


def test_a_system_task_whose_outcome_has_come_when_the_run_ends(rust: Runtime, gate: Gate) -> None:
    results: list[object] = []

    async def main() -> None:
        awaitable = rust.awaitable(gate)

        async def wait() -> None:
            results.append(await awaitable)

        trio.lowlevel.spawn_system_task(wait)
        await trio.testing.wait_all_tasks_blocked()
        gate.give("value")
        wait_until(awaitable.done)

    trio.run(main)
    assert results == ["value"]


# In a child: what is not woken then hangs with the run, and nothing could end it.
BEGIN = """
import threading
import trio, trio.testing
from crossawait_tests import Gate, Runtime

rust, gate = Runtime(), Gate()


def settle_when_it_is_waited_for():
    gate.wait_polled()
    gate.give("value")

"""

ENDINGS = {
    "a system task with a shield": (
        """
async def wait():
    with trio.CancelScope(shield=True):
        print(await rust.awaitable(gate))

async def main():
    await used()
    trio.lowlevel.spawn_system_task(wait)
    await trio.testing.wait_all_tasks_blocked()
    trio.lowlevel.spawn_system_task(settle_at_the_end)

async def settle_at_the_end():
    try:
        await trio.sleep_forever()
    finally:
        gate.give("value", elsewhere=True)
""",
        "value",
    ),
    "an async generator with a shield": (
        """
async def generate():
    try:
        yield
    finally:
        with trio.CancelScope(shield=True):
            threading.Thread(target=settle_when_it_is_waited_for).start()
            print(await rust.awaitable(gate, "lazy"))

async def main():
    await used()
    await generator.__anext__()

generator = generate()
""",
        "value",
    ),
    "an async generator": (
        """
async def generate():
    try:
        yield
    finally:
        try:
            await rust.awaitable(gate)
        except trio.Cancelled:
            print("cancelled")
            raise

async def main():
    await used()
    await generator.__anext__()

generator = generate()
""",
        "cancelled",
    ),
}

USED = {
    "for the first time": """
async def used():
    "The library has not been met in this run."
""",
    "again": """
async def used():
    with trio.move_on_after(0):
        await rust.awaitable(Gate())
""",
}


@pytest.mark.parametrize("used", USED)
@pytest.mark.parametrize("ending", ENDINGS)
def test_code_that_runs_when_the_main_task_is_over(ending: str, used: str) -> None:
    code, expected = ENDINGS[ending]
    assert printed(BEGIN + USED[used] + code + "\ntrio.run(main)\n") == expected
