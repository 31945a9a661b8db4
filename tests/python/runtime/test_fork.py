"""`os.fork` with a runtime started before: what the child gets, and that the parent notices nothing."""

from __future__ import annotations

import os
from typing import Any

import pytest

from child_process import printed

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

# smol and async-std keep their reactor in the process, which does not survive a fork.
SURVIVES = {"tokio": True, "smol": False, "async-std": False}

BEGIN = """
import asyncio, gc, os, socket, sys, threading, warnings
import crossawait

# CPython warns of every fork with threads; that there are some is the point here.
warnings.simplefilter("ignore", DeprecationWarning)
name = sys.argv[1]
runtime = crossawait.use(name)


async def wait_for(coroutine):
    return await coroutine


async def connection(runtime=runtime):
    listener = await runtime.listen("127.0.0.1", 0)
    peer = socket.create_connection(listener.address)
    stream, _ = await listener.accept()
    return listener, stream, peer


def in_child(function):
    "Run a function in a child and wait for its end; it must end by itself."
    child = os.fork()
    if child == 0:
        # As multiprocessing does it: asyncio's running loop stayed in the parent.
        asyncio._set_running_loop(None)
        signal.alarm(20)
        try:
            function()
        except BaseException as error:
            print("child failed:", repr(error), flush=True)
            os._exit(1)
        sys.stdout.flush()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status:
        print("child ended with", os.waitstatus_to_exitcode(status), flush=True)


def tell(action):
    "Print what a call gives, or the error it raises."
    try:
        print(action(), flush=True)
    except Exception as error:
        print(type(error).__name__, flush=True)


import signal
"""


def lines(code: str, name: str) -> list[str]:
    return printed(BEGIN + code, arguments=(name,)).splitlines()


def test_the_runtime_in_a_child(runtime_name: str) -> None:
    code = """
asyncio.run(wait_for(runtime.sleep(0)))

def child():
    for use in (lambda: runtime.run_blocking(int, "7"), lambda: runtime.sleep(0.001)):
        tell(lambda: asyncio.run(wait_for(use())))
    print(runtime.name)

in_child(child)
in_child(child)
print(asyncio.run(wait_for(runtime.run_blocking(int, "8"))))
"""
    once = ["7", "None"] if SURVIVES[runtime_name] else ["RuntimeClosedError"] * 2
    assert lines(code, runtime_name) == [*once, runtime_name, *once, runtime_name, "8"]


def test_the_main_job_in_a_child(runtime_name: str) -> None:
    code = """
asyncio.run(wait_for(runtime.sleep(0)))

async def job():
    listener, stream, peer = await connection(crossawait.runtime())
    with peer:
        peer.sendall(b"hello")
        return (await stream.read(1000)).decode()

in_child(lambda: tell(lambda: asyncio.run(job())))
tell(lambda: asyncio.run(job()))
"""
    assert lines(code, runtime_name) == ["hello" if SURVIVES[runtime_name] else "RuntimeClosedError", "hello"]


def test_the_module_level_runtime_in_a_child(runtime_name: str) -> None:
    code = """
asyncio.run(wait_for(runtime.sleep(0)))

def child():
    fresh = crossawait.runtime()
    print(fresh is runtime, fresh.name, asyncio.run(wait_for(fresh.run_blocking(int, "7"))))

in_child(lambda: tell(child))
print(crossawait.runtime() is runtime)
"""
    found = [f"False {runtime_name} 7", "None"] if SURVIVES[runtime_name] else ["RuntimeClosedError"]
    assert lines(code, runtime_name) == [*found, "True"]


def test_the_error_says_what_to_do(runtime_name: str) -> None:
    if SURVIVES[runtime_name]:
        pytest.skip("there is no error")
    code = """
asyncio.run(wait_for(runtime.sleep(0)))

def child():
    for use in (lambda: runtime.sleep(0), crossawait.runtime):
        try:
            use()
        except crossawait.RuntimeClosedError as error:
            print("spawn" in str(error) and "child" in str(error) and "tokio" in str(error))

in_child(child)
"""
    assert lines(code, runtime_name) == ["True", "True"]


def test_a_runtime_that_was_not_started_before_works_in_a_child(runtime_name: str) -> None:
    code = """
import asyncio, os, sys
import crossawait

crossawait.available()
child = os.fork()
if child == 0:
    async def main():
        async with crossawait.Runtime(sys.argv[1]) as runtime:
            print(await runtime.run_blocking(int, "7"), flush=True)
    asyncio.run(main())
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    assert printed(code, arguments=(runtime_name,)).splitlines() == ["7", "0"]


def test_another_runtime_can_be_started_in_a_child(runtime_name: str) -> None:
    code = """
asyncio.run(wait_for(runtime.sleep(0)))
other = "tokio" if name != "tokio" else "smol"
in_child(lambda: print(asyncio.run(wait_for(crossawait.Runtime(other).run_blocking(int, "7")))))
"""
    assert lines(code, runtime_name) == ["7"]


def test_inherited_coroutines_and_awaitables_raise(runtime_name: str) -> None:
    code = """
async def main():
    fresh, started = runtime.sleep(60), runtime.sleep(60)
    awaitable = started.send(None)

    def child():
        for use in (
            lambda: fresh.send(None),
            lambda: asyncio.run(fresh),
            lambda: started.send(None),
            lambda: started.throw(LookupError),
            lambda: awaitable.result(),
            lambda: awaitable.exception(),
            lambda: awaitable.cancel(),
            lambda: awaitable.wait(1),
            lambda: awaitable.add_done_callback(print),
            lambda: next(awaitable),
        ):
            tell(use)

    in_child(child)
    fresh.close()
    started.close()

asyncio.run(main())
"""
    assert lines(code, runtime_name) == ["RuntimeClosedError"] * 10


@pytest.mark.parametrize(
    "use",
    [
        "stream.read(1)",
        "stream.read_exactly(1)",
        "stream.read_until(b'x')",
        "stream.write_all(b'from the child')",
        "stream.close()",
        "listener.accept()",
        "listener.__anext__()",
        "listener.close()",
        "interval.__anext__()",
    ],
)
def test_inherited_sockets_and_intervals_raise_and_the_parent_goes_on(runtime_name: str, use: str) -> None:
    code = f"""
async def main():
    interval = runtime.interval(0.001)
    listener, stream, peer = await connection()
    in_child(lambda: tell(lambda: asyncio.run(wait_for({use}))))
    peer.sendall(b"hello")
    print((await stream.read(1000)).decode())
    await stream.write_all(b"from the parent")
    print(peer.recv(1000).decode())
    with socket.create_connection(listener.address), peer:
        await (await listener.accept())[0].close()
        print(await interval.__anext__())
        await stream.close()
        await listener.close()

asyncio.run(main())
"""
    assert lines(code, runtime_name) == ["RuntimeClosedError", "hello", "from the parent", "0"]


def test_what_inherited_sockets_look_like(runtime_name: str) -> None:
    # Whether they are closed the child does not ask: a thread of the parent may have held their locks.
    code = """
async def main():
    listener, stream, peer = await connection()
    with peer:
        in_child(lambda: print(*(repr(socket).split()[1] for socket in (listener, stream)), flush=True))
        print(*(repr(socket).split()[1].split("=")[0] for socket in (listener, stream)))
        await stream.close()
        await listener.close()

asyncio.run(main())
"""
    assert lines(code, runtime_name) == ["inherited inherited", "address local"]


def test_a_child_that_drops_what_it_inherited_does_not_deafen_the_parent(runtime_name: str) -> None:
    # The two share their sockets, and what epoll knows of them.
    code = """
async def main():
    *box, peer = await connection()
    # Both are known to the reactor.
    peer.sendall(b"x")
    await box[1].read(1)
    tasks = [asyncio.ensure_future(runtime.sleep(0.5))]
    await asyncio.sleep(0)

    def child():
        box.clear()
        tasks.clear()
        gc.collect()

    in_child(child)
    listener, stream = box
    reading, accepting = asyncio.ensure_future(stream.read(1000)), asyncio.ensure_future(listener.accept())
    await asyncio.sleep(0)
    peer.sendall(b"still heard")
    with socket.create_connection(listener.address), peer:
        print((await reading).decode())
        await (await accepting)[0].close()
        print(await tasks[0])
        await stream.close()
        await listener.close()

asyncio.run(main())
"""
    assert lines(code, runtime_name) == ["still heard", "None"]


def test_a_child_forked_in_the_middle_of_things(runtime_name: str) -> None:
    code = """
async def main():
    listener, stream, peer = await connection()
    tasks = [asyncio.ensure_future(c) for c in (stream.read(1000), listener.accept(), runtime.sleep(0.05))]
    tasks += [asyncio.ensure_future(runtime.run_blocking(int, n)) for n in range(50)]
    tasks += [asyncio.ensure_future(runtime.yield_now()) for n in range(50)]
    await asyncio.sleep(0)
    for _ in range(5):
        in_child(gc.collect)
    peer.sendall(b"hello")
    with socket.create_connection(listener.address), peer:
        results = await asyncio.gather(*tasks)
        print(results[0].decode(), results[2], results[3:53] == list(range(50)), set(results[53:]))
        await results[1][0].close()
        await stream.close()
        await listener.close()
    print(runtime.metrics().tasks_pending)

asyncio.run(main())
"""
    assert lines(code, runtime_name) == ["hello None True {None}", "0"]


def test_a_child_that_ends_as_a_program_does(runtime_name: str) -> None:
    # With everything that runs at the end of a program, on what it has inherited.
    code = """
async def main():
    left = [asyncio.ensure_future(runtime.sleep(60)) for _ in range(50)]
    await asyncio.sleep(0)
    return left

loop = asyncio.new_event_loop()
left = loop.run_until_complete(main())
child = os.fork()
if child:
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.wait(left))
    loop.close()
    print(asyncio.run(wait_for(runtime.run_blocking(int, "7"))))
else:
    logging = __import__("logging")
    logging.disable()
"""
    assert lines(code, runtime_name) == ["0", "7"]


def test_a_fork_from_a_blocking_call(runtime_name: str) -> None:
    code = """
def fork():
    child = os.fork()
    if child == 0:
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

print(asyncio.run(wait_for(runtime.run_blocking(fork))))
print(asyncio.run(wait_for(runtime.run_blocking(int, "8"))))
"""
    assert lines(code, runtime_name) == ["7", "8"]


@pytest.mark.parametrize("way", ["shutdown", "with", "aclose"])
def test_shutting_down_in_a_child_what_it_inherited_leaves_the_parent_alone(
    runtime_name: str, way: str
) -> None:
    shutting: dict[str, Any] = {
        "shutdown": "runtime.shutdown()",
        "with": "runtime.__exit__(None, None, None)",
        "aclose": "asyncio.run(wait_for(runtime.aclose()))",
    }
    code = f"""
async def main():
    sleeping = asyncio.ensure_future(runtime.sleep(0.1))
    await asyncio.sleep(0)
    in_child(lambda: tell(lambda: {shutting[way]}))
    print(await sleeping, runtime.closed)

asyncio.run(main())
"""
    # There is nothing of the child's to shut down.
    assert lines(code, runtime_name) == ["None", "None False"]
