"""Shutting a runtime down: what is pending ends with RuntimeClosedError, and nothing is left."""

from __future__ import annotations

import gc
import math
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from anyio.lowlevel import checkpoint
from anyio.to_thread import run_sync

from crossawait import Coroutine, Runtime, RuntimeClosedError
from sockets import LOCALHOST, host_and_port
from starting import Start
from tasks import Task, ended, gather, gives_none, pending, spawn, until


async def one_of_each(runtime: Runtime, folder: Path) -> tuple[dict[str, Task[Any]], socket.socket]:
    """A pending task of every verb that can be pending."""
    listener = await runtime.listen(LOCALHOST, 0)
    peer = socket.create_connection(host_and_port(listener))
    stream, _ = await listener.accept()
    unix = await runtime.listen_unix(folder / "socket")
    interval = runtime.interval(60)
    waiting = {
        "sleep": runtime.sleep(60),
        "accept": listener.accept(),
        "accept unix": unix.accept(),
        "for": listener.__anext__(),
        "tick": interval.__anext__(),
        "read": stream.read(1),
        "turn": stream.read_until(b"\n"),
        "write": stream.write_all(b"x" * (48 << 20)),
        "turn to write": stream.write_all(b"x"),
    }
    return {name: await pending(coroutine) for name, coroutine in waiting.items()}, peer


@pytest.mark.parametrize("way", ["shutdown", "aclose", "elsewhere"])
async def test_everything_that_is_pending_ends_with_runtime_closed_error(
    start: Start, tmp_path: Path, way: str
) -> None:
    runtime = start()
    tasks, peer = await one_of_each(runtime, tmp_path)
    assert runtime.metrics().tasks_pending == len(tasks)
    match way:
        case "shutdown":
            runtime.shutdown()
        case "aclose":
            await runtime.aclose()
        case _:
            await run_sync(runtime.shutdown)
    for name, task in tasks.items():
        error = await ended(task)
        assert isinstance(error, RuntimeClosedError), name
    assert runtime.metrics().tasks_pending == 0
    with peer:
        del tasks, task
        gc.collect()


async def test_a_thousand_pending_tasks_end(start: Start) -> None:
    runtime = start()
    tasks = [await pending(runtime.sleep(60)) for _ in range(1000)]
    await runtime.aclose()
    assert {type(await ended(task)) for task in tasks} == {RuntimeClosedError}


async def test_after_shutdown_every_verb_is_refused_at_the_call(start: Start, tmp_path: Path) -> None:
    runtime = start()
    runtime.shutdown()
    for verb in (
        lambda: runtime.sleep(0),
        runtime.yield_now,
        lambda: runtime.interval(1),
        lambda: runtime.run_blocking(int),
        lambda: runtime.connect(LOCALHOST, 1),
        lambda: runtime.connect_unix(tmp_path),
        lambda: runtime.listen(LOCALHOST, 0),
        lambda: runtime.listen_unix(tmp_path / "socket"),
        runtime.__aenter__,
    ):
        with pytest.raises(RuntimeClosedError, match="shut down"):
            verb()
    assert runtime.closed
    assert repr(runtime) == f"<Runtime {runtime.name} closed>"
    assert runtime.metrics().tasks_pending == 0


async def test_after_shutdown_sockets_and_ticks_are_refused(start: Start) -> None:
    runtime = start()
    listener = await runtime.listen(LOCALHOST, 0)
    with socket.create_connection(host_and_port(listener)):
        stream, _ = await listener.accept()
        interval = runtime.interval(0.001)
        await runtime.aclose()
        for verb in (
            lambda: stream.read(1),
            lambda: stream.read_exactly(1),
            lambda: stream.read_until(b"\n"),
            lambda: stream.write_all(b"x"),
            listener.accept,
            listener.__anext__,
            interval.__anext__,
        ):
            with pytest.raises(RuntimeClosedError):
                await verb()
        assert stream.local_address == listener.address


async def test_streams_can_be_closed_after_their_runtime(start: Start) -> None:
    # `async with` around a stream may end after the one around its runtime.
    runtime = start()
    listener = await runtime.listen(LOCALHOST, 0)
    with socket.create_connection(host_and_port(listener)) as peer:
        stream, _ = await listener.accept()
        runtime.shutdown()
        assert await gives_none(stream.close())
        assert await gives_none(listener.close())
        assert await run_sync(peer.recv, 1) == b""


@pytest.mark.parametrize("verb", ["sleep", "run_blocking"])
async def test_a_coroutine_made_before_and_awaited_after(start: Start, verb: str) -> None:
    runtime = start()
    coroutine: Any = runtime.sleep(0) if verb == "sleep" else runtime.run_blocking(int)
    runtime.shutdown()
    with pytest.raises(RuntimeClosedError):
        await coroutine


async def test_shutting_down_again_does_nothing(start: Start) -> None:
    runtime = start()
    runtime.shutdown()
    runtime.shutdown(timeout=None)
    await runtime.aclose()
    await runtime.aclose()


async def test_async_with_shuts_down(start: Start) -> None:
    runtime = start()
    async with runtime as entered:
        assert entered is runtime
        task = await pending(runtime.sleep(60))
    assert runtime.closed
    assert isinstance(await ended(task), RuntimeClosedError)


def fail_within(runtime: Runtime) -> None:
    with runtime as entered:
        assert entered is runtime
        raise LookupError


def test_with_shuts_down_and_lets_errors_through(start: Start) -> None:
    runtime = start()
    with pytest.raises(LookupError):
        fail_within(runtime)
    assert runtime.closed


async def test_aclose_is_a_coroutine_and_closes_nothing_before_it_runs(start: Start) -> None:
    runtime = start()
    coroutine = runtime.aclose()
    assert isinstance(coroutine, Coroutine)
    coroutine.close()
    assert not runtime.closed
    assert await runtime.run_blocking(int) == 0


async def test_aclose_does_not_block_the_loop(start: Start) -> None:
    runtime = start()
    started, go_on = threading.Event(), threading.Event()

    def hold_up() -> str:
        started.set()
        go_on.wait()
        return "done"

    call = await pending(runtime.run_blocking(hold_up))
    await run_sync(started.wait)
    closing = spawn(runtime.aclose())
    await until(lambda: runtime.closed)
    go_on.set()
    await closing
    # It was running: it may end, or be given up; it is not left pending.
    assert isinstance(await ended(call), (RuntimeClosedError, type(None)))


async def test_a_call_that_does_not_end_is_not_waited_for_longer_than_asked(start: Start) -> None:
    runtime = start()
    started, go_on = threading.Event(), threading.Event()

    def hold_up() -> None:
        started.set()
        go_on.wait()

    call = await pending(runtime.run_blocking(hold_up))
    await run_sync(started.wait)
    begun = time.monotonic()
    runtime.shutdown(timeout=0.05)
    assert time.monotonic() - begun < 4
    go_on.set()
    assert isinstance(await ended(call), (RuntimeClosedError, type(None)))


@pytest.mark.parametrize("invalid", [math.nan, "1"])
async def test_a_timeout_that_is_no_number(start: Start, invalid: Any) -> None:
    runtime = start()
    with pytest.raises((ValueError, TypeError)):
        runtime.shutdown(invalid)
    assert not runtime.closed
    assert await runtime.run_blocking(int) == 0


async def test_a_runtime_does_not_shut_itself_down_from_its_own_thread(start: Start) -> None:
    runtime = start()
    with pytest.raises(RuntimeError, match="own"):
        await runtime.run_blocking(runtime.shutdown)
    assert not runtime.closed
    assert await runtime.run_blocking(int) == 0


async def test_a_blocking_call_may_shut_another_runtime_down(start: Start) -> None:
    runtime, other = start(), start()
    await runtime.run_blocking(other.shutdown)
    assert other.closed
    assert not runtime.closed


async def test_two_threads_may_shut_down_at_once(start: Start) -> None:
    runtime = start()
    tasks = [await pending(runtime.sleep(60)) for _ in range(100)]
    await gather(*[run_sync(runtime.shutdown) for _ in range(4)])
    for task in tasks:
        assert isinstance(await ended(task), RuntimeClosedError)


async def test_a_runtime_can_be_started_again_and_again(start: Start) -> None:
    for _ in range(10):
        async with start() as runtime:
            assert await runtime.run_blocking(int, "5") == 5
            async with await runtime.listen(LOCALHOST, 0) as listener:
                await (await runtime.connect(*host_and_port(listener))).close()


async def test_a_runtime_that_is_forgotten_lives_on_in_what_is_awaited_from_it(runtime_name: str) -> None:
    task = await pending(Runtime(runtime_name).sleep(0.05))
    gc.collect()
    assert await ended(task) is None


async def test_work_that_races_with_the_shutdown_is_done_or_refused(start: Start) -> None:
    for _ in range(20):
        runtime = start()
        closing = spawn(run_sync(runtime.shutdown))
        tasks: list[Task[Any]] = []
        while not runtime.closed:
            try:
                tasks.append(spawn(runtime.yield_now()))
            except RuntimeClosedError:
                break
            await checkpoint()
        await closing
        for task in tasks:
            assert isinstance(await ended(task), (RuntimeClosedError, type(None)))
