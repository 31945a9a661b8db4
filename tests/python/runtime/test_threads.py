"""Several event loops in several threads over one runtime, and several runtimes in one loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from anyio.to_thread import run_sync

import crossawait
import event_loops
from crossawait import Runtime
from event_loops import LOOPS, asyncio_only, not_on_rloop
from sockets import LOCALHOST, host_and_port, pair
from tasks import awaited_by, cancel, ended, gather, gives_none, pending

THREADS = 4


def in_threads(loop_kind: str, main: Callable[[int], Coroutine[Any, Any, Any]]) -> list[Any]:
    """Run `main(number)` in a loop of each thread's own, all at once."""
    results: list[Any] = [None] * THREADS
    together = threading.Barrier(THREADS)

    def run(number: int) -> None:
        together.wait()
        try:
            results[number] = event_loops.run(loop_kind, main(number))
        except BaseException as error:  # noqa: BLE001 - the test is to see whatever went wrong
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@not_on_rloop
def test_loops_in_several_threads_share_a_runtime(runtime: Runtime, loop_kind: str) -> None:
    async def main(number: int) -> int:
        for _ in range(20):
            await gather(*[runtime.yield_now() for _ in range(50)])
        async with pair(runtime) as (client, server):
            await client.write_all(b"%d" % number)
            return int(await server.read(10))

    assert in_threads(loop_kind, main) == list(range(THREADS))
    assert runtime.metrics().tasks_pending == 0


@not_on_rloop
def test_loops_in_several_threads_share_a_listener(runtime: Runtime, loop_kind: str) -> None:
    listener = event_loops.run(loop_kind, _listen(runtime))

    async def main(number: int) -> int:
        client = await runtime.connect(*host_and_port(listener))
        server, _ = await listener.accept()
        async with client, server:
            await client.write_all(b"x%d" % number)
            return len(await server.read(10))

    assert in_threads(loop_kind, main) == [2] * THREADS
    event_loops.run(loop_kind, _close(listener))


async def _listen(runtime: Runtime) -> crossawait.Listener:
    return await runtime.listen(LOCALHOST, 0)


async def _close(listener: crossawait.Listener) -> None:
    await listener.close()


def test_a_stream_outlives_its_loop(runtime: Runtime, loop_kind: str) -> None:
    async def connect() -> tuple[crossawait.Stream, crossawait.Stream]:
        async with await runtime.listen(LOCALHOST, 0) as listener:
            client = await runtime.connect(*host_and_port(listener))
            server, _ = await listener.accept()
            # A read that is cancelled with its loop.
            await pending(server.read(10))
            return client, server

    async def talk(client: crossawait.Stream, server: crossawait.Stream) -> bytes:
        async with client, server:
            await client.write_all(b"from another loop")
            return await server.read(1000)

    streams = event_loops.run(loop_kind, connect())
    assert event_loops.run(loop_kind, talk(*streams)) == b"from another loop"


@not_on_rloop
async def test_what_a_coroutine_waits_for_cannot_be_awaited_from_another_loop(
    runtime: Runtime, loop_kind: str
) -> None:
    coroutine = runtime.sleep(60)
    task = await pending(coroutine)
    awaitable = awaited_by(coroutine)

    async def wait() -> None:
        await awaitable

    with pytest.raises(RuntimeError, match="loop"):
        await run_sync(event_loops.run, loop_kind, wait())
    await cancel(task)


@asyncio_only
def test_a_loop_that_is_closed_with_work_in_flight_disturbs_nobody(runtime: Runtime, loop_kind: str) -> None:
    settled = runtime.metrics().tasks_settled
    loop = LOOPS[loop_kind]()
    coroutines: list[Any] = []

    async def leave() -> None:
        for _ in range(100):
            coroutine = runtime.sleep(0.01)
            coroutines.append(coroutine)
            coroutine.send(None).add_done_callback(lambda _: None)

    loop.run_until_complete(leave())
    loop.close()

    async def others() -> None:
        while runtime.metrics().tasks_settled - settled < 100:
            await runtime.sleep(0.001)

    event_loops.run(loop_kind, others())
    for coroutine in coroutines:
        coroutine.close()


async def test_all_runtimes_work_in_one_loop() -> None:
    runtimes = [crossawait.Runtime(name) for name in crossawait.available()]
    try:
        await gather(*[runtime.sleep(0.001) for runtime in runtimes for _ in range(50)])
        async with await runtimes[0].listen(LOCALHOST, 0) as listener:
            for runtime in runtimes:
                client = await runtime.connect(*host_and_port(listener))
                server, _ = await listener.accept()
                async with client, server:
                    await client.write_all(runtime.name.encode())
                    assert await server.read(1000) == runtime.name.encode()
    finally:
        for runtime in runtimes:
            runtime.shutdown()


async def test_shutting_one_runtime_down_leaves_others_of_its_kind_alone(runtime_name: str) -> None:
    with Runtime(runtime_name) as one, Runtime(runtime_name) as other:
        first, second = await pending(one.sleep(60)), await pending(other.sleep(0.05))
        one.shutdown()
        assert isinstance(await ended(first), crossawait.RuntimeClosedError)
        assert await gives_none(second)
        assert await other.run_blocking(int) == 0
