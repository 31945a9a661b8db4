"""The interpreter ends with work in flight: silently, with its own exit code, and soon."""

from __future__ import annotations

import time

import pytest

from child_process import python

IN_FLIGHT = 200
TIMES = 5

# Far more than an exit needs, far less than anything that is in flight.
SOON = 15

BEGIN = f"""
import asyncio, gc, os, socket, sys, threading, time, warnings
import crossawait

# Loops and sockets that are left as they are is what this is about.
warnings.simplefilter("ignore", ResourceWarning)
name = sys.argv[1]
runtime = crossawait.Runtime(name)


async def fly():
    "Leave many awaitables of all kinds in flight."
    listener = await runtime.listen("127.0.0.1", 0)
    client = await runtime.connect(*listener.address)
    server, _ = await listener.accept()
    flying = [listener.accept(), client.read(1), server.read(1), client.write_all(b"x" * (48 << 20))]
    flying += [runtime.sleep(60) for _ in range({IN_FLIGHT} // 2)]
    flying += [runtime.sleep(n / 1000) for n in range({IN_FLIGHT} // 2)]
    tasks = [asyncio.ensure_future(coroutine) for coroutine in flying]
    await asyncio.sleep(0)
    return tasks, listener, client, server


def fly_in_a_loop_that_is_left():
    "Not closed, nothing cancelled: what a program does that just ends."
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)
    return loop, loop.run_until_complete(fly())
"""

ENDS = {
    "asyncio.run cancels": "asyncio.run(fly())",
    "a loop is left as it is": "left = fly_in_a_loop_that_is_left()",
    "shut down before": "left = fly_in_a_loop_that_is_left()\nruntime.shutdown()",
    "shut down, tasks gone": "left = fly_in_a_loop_that_is_left()\nruntime.shutdown()\nleft[0].close()",
    "the runtime is forgotten": "left = fly_in_a_loop_that_is_left()\ndel runtime",
    "the loop is closed": "loop, left = fly_in_a_loop_that_is_left()\nloop.close()",
    "in another thread": """
thread = threading.Thread(target=lambda: asyncio.run(fly()))
thread.start()
thread.join()
""",
    "in another thread that still runs": """
async def stay():
    left = await fly()
    ready.set()
    await asyncio.sleep(3600)

ready = threading.Event()
threading.Thread(target=lambda: asyncio.run(stay()), daemon=True).start()
ready.wait()
""",
    "in the default runtime": "runtime = crossawait.use(name)\nleft = fly_in_a_loop_that_is_left()",
    "calls on the pool have ended": """
left = fly_in_a_loop_that_is_left()
async def call():
    await asyncio.gather(*[runtime.run_blocking(int) for _ in range(20)])
asyncio.run(call())
""",
    "with awaitables that nobody awaits": """
loop = asyncio.new_event_loop()
async def start():
    coroutines = [runtime.sleep(n / 1000) for n in range(50, 250)]
    return coroutines, [coroutine.send(None) for coroutine in coroutines]
left = loop.run_until_complete(start())
""",
}


def check(code: str, name: str, status: int, error: str = "") -> None:
    for _ in range(TIMES):
        begun = time.monotonic()
        result = python(BEGIN + code, arguments=(name,))
        taken = time.monotonic() - begun
        assert (result.returncode, result.stdout) == (status, "")
        if error:
            assert result.stderr.splitlines()[-1] == error
            assert result.stderr.count("Traceback") == 1
        else:
            assert without_destroyed_tasks(result.stderr) == ""
        assert taken < SOON


def without_destroyed_tasks(stderr: str) -> str:
    """Leave out what asyncio itself says of tasks that are pending when the program ends."""
    lines = stderr.splitlines()
    ours = [
        line
        for line in lines
        if not line.startswith(("Task was destroyed but it is pending!", "task: <Task pending"))
    ]
    return "\n".join(ours)


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_the_program(runtime_name: str, end: str) -> None:
    check(ENDS[end], runtime_name, 0)


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside the loop"])
def test_sys_exit(runtime_name: str, inside: bool) -> None:
    if inside:
        code = """
async def leave():
    left = await fly()
    sys.exit(3)
asyncio.run(leave())
"""
    else:
        code = "left = fly_in_a_loop_that_is_left()\nsys.exit(3)"
    check(code, runtime_name, 3)


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside the loop"])
def test_an_unhandled_error(runtime_name: str, inside: bool) -> None:
    if inside:
        code = """
async def leave():
    left = await fly()
    raise LookupError("the program's own")
asyncio.run(leave())
"""
    else:
        code = 'left = fly_in_a_loop_that_is_left()\nraise LookupError("the program\'s own")'
    check(code, runtime_name, 1, "LookupError: the program's own")


def test_os_exit(runtime_name: str) -> None:
    check("left = fly_in_a_loop_that_is_left()\nos._exit(4)", runtime_name, 4)


def test_calls_that_run_on_the_pool_are_waited_for(runtime_name: str) -> None:
    # As those of concurrent.futures are.
    code = (
        BEGIN
        + """
def work():
    started.set()
    exiting.wait()
    # A main thread that does not wait gets that often to go on, and is far beyond when these are through.
    for _ in range(1000):
        time.sleep(0)
    print("worked to the end", flush=True)

async def call():
    asyncio.ensure_future(runtime.run_blocking(work))
    await asyncio.get_running_loop().run_in_executor(None, started.wait)

started, exiting = threading.Event(), threading.Event()
loop = asyncio.new_event_loop()
left = loop.run_until_complete(call())
# Called before what was registered before, the library's own among it: the interpreter has begun to end.
threading._register_atexit(exiting.set)
"""
    )
    for _ in range(TIMES):
        result = python(code, arguments=(runtime_name,))
        assert result.returncode == 0
        assert result.stdout == "worked to the end\n"
        assert without_destroyed_tasks(result.stderr) == ""


def test_atexit_functions_find_the_runtime_closed(runtime_name: str) -> None:
    code = (
        BEGIN
        + """
import atexit

def last():
    try:
        runtime.sleep(0)
    except crossawait.RuntimeClosedError:
        print("closed")

atexit.register(last)
"""
    )
    result = python(code, arguments=(runtime_name,))
    assert (result.returncode, result.stdout, result.stderr) == (0, "closed\n", "")


def test_keyboard_interrupt(runtime_name: str) -> None:
    code = (
        BEGIN
        + """
import signal

async def interrupt():
    left = await fly()
    os.kill(os.getpid(), signal.SIGINT)
    await runtime.sleep(60)

try:
    asyncio.run(interrupt())
except KeyboardInterrupt:
    sys.exit(5)
"""
    )
    for _ in range(TIMES):
        result = python(code, arguments=(runtime_name,))
        assert (result.returncode, result.stdout, result.stderr) == (5, "", "")
