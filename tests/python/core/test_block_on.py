"""Waiting for a Rust future from Python code that is not asynchronous."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading

import pytest
from crossawait_tests import Gate, Runtime, block_on, block_on_a_call, local_awaitable

import crossawait
from child_process import printed
from event_loops import every_loop


def test_the_value(rust: Runtime, gate: Gate) -> None:
    gate.give("value", elsewhere=True)
    assert block_on(rust, gate) == "value"
    assert not any(gate.polled_here)


def test_the_error(rust: Runtime, gate: Gate) -> None:
    gate.fail(LookupError("missing"), elsewhere=True)
    with pytest.raises(LookupError, match="missing"):
        block_on(rust, gate)


def test_a_panic(rust: Runtime, gate: Gate) -> None:
    gate.panic("oh dear", elsewhere=True)
    with pytest.raises(crossawait.RustPanic, match="oh dear"):
        block_on(rust, gate)


def test_other_threads_run_meanwhile(rust: Runtime, gate: Gate) -> None:
    def give() -> None:
        gate.wait_polled()
        gate.give("value")

    thread = threading.Thread(target=give)
    thread.start()
    assert block_on(rust, gate) == "value"
    thread.join()


@every_loop
async def test_where_a_loop_runs_it_stands_still(rust: Runtime, gate: Gate) -> None:
    gate.give("value", elsewhere=True)
    assert block_on(rust, gate) == "value"


@every_loop
async def test_what_needs_the_loop_that_stands_still_fails(rust: Runtime, gate: Gate) -> None:
    with pytest.raises(RuntimeError, match="the event loop is blocked"):
        block_on_a_call(rust, lambda: asyncio.sleep(0), gate)
    # And is as it was afterwards.
    gate.give("value", elsewhere=True)
    assert await rust.coroutine(gate) == "value"


async def test_a_local_future_can_be_made_again_afterwards(rust: Runtime, gate: Gate) -> None:
    with pytest.raises(RuntimeError, match="the event loop is blocked"):
        block_on_a_call(rust, lambda: asyncio.sleep(0), gate)
    gate.give("value", elsewhere=True)
    assert await local_awaitable(rust, gate) == "value"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_what_a_signal_handler_raises_ends_it(rust: Runtime, gate: Gate) -> None:
    def interrupt() -> None:
        gate.wait_polled()
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        block_on(rust, gate)
    thread.join()
    gate.wait_dropped()


def test_of_a_runtime_that_is_shut_down(gate: Gate) -> None:
    runtime = Runtime()
    runtime.shutdown()
    with pytest.raises(crossawait.RuntimeClosedError):
        block_on(runtime, gate)


@pytest.mark.parametrize("name", ["tokio", "async-std", "smol", "custom"])
def test_of_a_runtime_that_is_shut_down_meanwhile(name: str) -> None:
    code = f"""
        import threading
        from crossawait_tests import Gate, Runtime, block_on
        runtime, gate = Runtime({name!r}), Gate()
        threading.Thread(target=lambda: (gate.wait_polled(), runtime.shutdown())).start()
        try:
            block_on(runtime, gate)
        except RuntimeError as error:
            print(type(error).__name__)
    """
    assert printed(code) == "RuntimeClosedError"
