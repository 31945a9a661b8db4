"""Blocking on an awaitable where no loop runs."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading

import pytest
from crossawait_tests import Gate, Runtime

from child_process import printed


def test_value(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    gate.give("value", elsewhere=True)
    assert awaitable.wait() == "value"
    assert awaitable.wait(0) == "value"


def test_other_threads_run_meanwhile(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    threading.Thread(target=gate.give, args=("value",)).start()
    assert awaitable.wait() == "value"


@pytest.mark.parametrize("timeout", [0, 0.001, -1, 0.2])
def test_timeout(rust: Runtime, gate: Gate, timeout: float) -> None:
    awaitable = rust.awaitable(gate)
    with pytest.raises(TimeoutError):
        awaitable.wait(timeout)
    assert not awaitable.done()
    gate.give("value")
    assert awaitable.wait() == "value"


@pytest.mark.parametrize(
    ("timeout", "error"), [(float("nan"), ValueError), (float("inf"), OverflowError), (1e300, OverflowError)]
)
def test_what_is_no_timeout(rust: Runtime, gate: Gate, timeout: float, error: type[Exception]) -> None:
    awaitable = rust.awaitable(gate)
    with pytest.raises(error):
        awaitable.wait(timeout)
    awaitable.cancel()


def test_exception(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    error = LookupError("missing")
    gate.fail(error, elsewhere=True)
    with pytest.raises(LookupError) as caught:
        awaitable.wait()
    assert caught.value is error


def test_cancelled_by_another_thread(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    thread = threading.Thread(target=awaitable.cancel, args=("enough",))
    thread.start()
    with pytest.raises(asyncio.CancelledError, match="enough"):
        awaitable.wait()
    thread.join()


def test_the_runtime_shuts_down(gate: Gate) -> None:
    runtime = Runtime("smol")
    awaitable = runtime.awaitable(gate)
    threading.Thread(target=runtime.shutdown).start()
    with pytest.raises(RuntimeError, match="shut down"):
        awaitable.wait()


def test_several_threads(rust: Runtime, gate: Gate) -> None:
    awaitable = rust.awaitable(gate)
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.append(awaitable.wait())) for _ in range(4)]
    for thread in threads:
        thread.start()
    value = object()
    gate.give(value, elsewhere=True)
    for thread in threads:
        thread.join()
    assert all(result is value for result in results)
    assert len(results) == 4


def test_several_threads_while_one_converts(rust: Runtime, gate: Gate) -> None:
    """Who asks first converts, which takes as long as it takes; the others wait for that."""
    converting, go_on = threading.Event(), threading.Event()
    calls: list[int] = []

    def convert() -> object:
        calls.append(1)
        converting.set()
        go_on.wait()
        return value

    value = object()
    awaitable = rust.awaitable(gate)
    gate.call(convert)
    results: list[object] = []
    first = threading.Thread(target=lambda: results.append(awaitable.wait()))
    first.start()
    converting.wait()
    others = [threading.Thread(target=lambda: results.append(awaitable.result())) for _ in range(3)]
    for thread in others:
        thread.start()
    go_on.set()
    for thread in [first, *others]:
        thread.join()
    assert (len(calls), len(results)) == (1, 4)
    assert all(result is value for result in results)


async def test_on_the_loops_own_thread(rust: Runtime, gate: Gate) -> None:
    # Permitted, since the future needs no loop; whoever awaits it besides is told all the same.
    awaitable = rust.awaitable(gate)
    other = asyncio.shield(awaitable)
    gate.give("value", elsewhere=True)
    assert awaitable.wait() == "value"
    assert await other == "value"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a way to signal a process")
def test_interrupted_from_the_keyboard() -> None:
    code = f"""
        import os, signal, threading
        from crossawait_tests import Gate, Runtime

        runtime, gate = Runtime(), Gate()

        def interrupt():
            # Started by the wait, so that is where the signal finds the main thread.
            gate.wait_polled()
            os.kill(os.getpid(), {signal.SIGINT.value})

        awaitable = runtime.awaitable(gate, "lazy")
        threading.Thread(target=interrupt).start()
        try:
            awaitable.wait()
        except KeyboardInterrupt:
            print("interrupted", awaitable.done())
        gate.give("value")
        print(awaitable.wait())
    """
    assert printed(code) == "interrupted False\nvalue"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a way to signal a process")
def test_a_signal_handler_runs_and_the_wait_goes_on() -> None:
    code = f"""
        import os, signal, threading
        from crossawait_tests import Gate, Runtime

        runtime, gate = Runtime(), Gate()
        signal.signal({signal.SIGTERM.value}, lambda *_: gate.give("from the handler"))
        awaitable = runtime.awaitable(gate)
        threading.Thread(target=os.kill, args=(os.getpid(), {signal.SIGTERM.value})).start()
        print(awaitable.wait())
    """
    assert printed(code) == "from the handler"
