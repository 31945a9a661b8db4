"""Nothing is left behind: descriptors, threads, memory that only the garbage collector would find."""

from __future__ import annotations

import gc
import socket
import weakref
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

import event_loops
from child_process import printed
from crossawait import Runtime, RuntimeClosedError
from event_loops import LOOPS, asyncio_only, not_on_rloop
from sockets import LOCALHOST, host_and_port, pair, with_peer
from tasks import cancel, ended, gather, pending, until, within


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


async def converse(runtime: Runtime) -> None:
    async with pair(runtime) as (client, server):
        await client.write_all(b"hello")
        assert await server.read(1000) == b"hello"


async def refuse(runtime: Runtime) -> None:
    with pytest.raises(ConnectionRefusedError):
        await runtime.connect(LOCALHOST, 1)


async def give_up(runtime: Runtime) -> None:
    async with with_peer(runtime) as (stream, _):
        await cancel(await pending(stream.read(1)))


async def forget(runtime: Runtime) -> None:
    listener = await runtime.listen(LOCALHOST, 0)
    with socket.create_connection(host_and_port(listener)):
        await listener.accept()
        await cancel(await pending(listener.accept()))


async def time_out(runtime: Runtime) -> None:
    with pytest.raises(TimeoutError):
        await within(0, runtime.sleep(60))


CASES: dict[str, Callable[[Runtime], Coroutine[Any, Any, None]]] = {
    "converse": converse,
    "refuse": refuse,
    "give up": give_up,
    "forget": forget,
    "time out": time_out,
}


@pytest.mark.parametrize("case", CASES)
async def test_no_descriptor_is_left(runtime: Runtime, case: str) -> None:
    # Waits for sure, which gives the loop a descriptor: the cases may be ready before they need one.
    await cancel(await pending(runtime.sleep(60)))
    await CASES[case](runtime)
    await until(lambda: runtime.metrics().tasks_pending == 0)
    gc.collect()
    before = descriptors()
    for _ in range(30):
        await CASES[case](runtime)
    # What was cancelled is dropped by the runtime, a little later.
    await until(lambda: descriptors() <= before)


@pytest.mark.parametrize("case", CASES)
async def test_nothing_is_left_to_the_garbage_collector(runtime: Runtime, case: str) -> None:
    await CASES[case](runtime)
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            await CASES[case](runtime)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = [item for item in gc.garbage if "crossawait" in type(item).__module__]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert found == []


async def test_streams_listeners_and_coroutines_go_with_their_last_reference(runtime: Runtime) -> None:
    listener = await runtime.listen(LOCALHOST, 0)
    client = await runtime.connect(*host_and_port(listener))
    accepting = listener.accept()
    server, _ = await accepting
    references = [weakref.ref(item) for item in (listener, client, accepting, server)]
    del listener, client, accepting, server
    # As with asyncio's futures, the step of a task that a result has started holds on to it.
    await checkpoint()
    assert [reference() for reference in references] == [None] * 4


async def test_results_are_kept_by_nobody(runtime: Runtime) -> None:
    class Result:
        pass

    result = await runtime.run_blocking(Result)
    reference = weakref.ref(result)
    del result
    # As above.
    await checkpoint()
    assert reference() is None


async def test_arguments_of_blocking_calls_are_kept_by_nobody(runtime: Runtime) -> None:
    class Argument:
        pass

    argument = Argument()
    reference = weakref.ref(argument)
    await runtime.run_blocking(id, argument)
    unstarted = runtime.run_blocking(id, argument)
    unstarted.close()
    del argument, unstarted
    await until(lambda: reference() is None)


@asyncio_only
@not_on_rloop
def test_loops_leave_nothing(runtime: Runtime, loop_kind: str) -> None:
    async def use() -> None:
        await gather(*[runtime.yield_now() for _ in range(10)])

    event_loops.run(loop_kind, use())
    gc.collect()
    before = descriptors()
    references = []
    for _ in range(20):
        loop = LOOPS[loop_kind]()
        loop.run_until_complete(use())
        loop.close()
        references.append(weakref.ref(loop))
        del loop
    # The last one may be remembered until the next is met.
    event_loops.run(loop_kind, use())
    gc.collect()
    assert [reference() for reference in references] == [None] * 20
    assert descriptors() <= before


async def test_runtimes_leave_neither_threads_nor_descriptors(runtime_name: str) -> None:
    async def live() -> None:
        async with Runtime(runtime_name) as runtime:
            await converse(runtime)
            await runtime.run_blocking(int)
            left = await pending(runtime.sleep(60))
        assert isinstance(await ended(left), RuntimeClosedError)

    await live()
    gc.collect()
    before = descriptors(), threads()
    for _ in range(10):
        await live()
    # The blocking pool of smol and async-std is the process's own, and may have one more thread than it had.
    await until(lambda: descriptors() <= before[0] and threads() <= before[1] + 1)


async def test_runtimes_that_are_forgotten_leave_nothing_either(runtime_name: str) -> None:
    async def live() -> None:
        await converse(Runtime(runtime_name))

    # As above.
    await cancel(await pending(Runtime(runtime_name).sleep(60)))
    await live()
    gc.collect()
    before = descriptors(), threads()
    for _ in range(10):
        await live()
    gc.collect()
    await until(lambda: descriptors() <= before[0] and threads() <= before[1])


def test_many_operations_take_no_more_memory(runtime_name: str) -> None:
    # In a child, where nothing else allocates.
    code = """
        import asyncio, gc, resource, sys
        import crossawait

        def memory():
            with open("/proc/self/statm") as statm:
                return int(statm.read().split()[1]) * resource.getpagesize()

        async def main(name):
            async with crossawait.Runtime(name) as runtime:
                async def work():
                    for _ in range(20):
                        await asyncio.gather(*[runtime.yield_now() for _ in range(500)])
                        tasks = [asyncio.ensure_future(runtime.sleep(60)) for _ in range(500)]
                        await asyncio.sleep(0)
                        for task in tasks:
                            task.cancel()
                        await asyncio.wait(tasks)
                        tasks.clear()
                        await asyncio.gather(*[runtime.run_blocking(bytes, 1000) for _ in range(50)])
                for _ in range(3):
                    await work()
                gc.collect()
                before = memory()
                for _ in range(6):
                    await work()
                gc.collect()
                print(memory() - before)

        asyncio.run(main(sys.argv[1]))
    """
    # 126,000 operations: a leak of a hundred bytes for each would be 12 MB.
    assert int(printed(code, arguments=(runtime_name,))) < 8 << 20
