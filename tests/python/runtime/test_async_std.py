"""async-std has one executor for the process: runtimes share it, and its options are given once."""

from __future__ import annotations

from child_process import printed

COUNT = """
import asyncio
from pathlib import Path
import crossawait


def workers():
    return sum(path.read_text().strip() == "shared" for path in Path("/proc/self/task").glob("*/comm"))


first = crossawait.Runtime("async-std", worker_threads=2, thread_name="shared")
asyncio.run(first.sleep(0))
while workers() != 2:
    # A thread takes its name when it first runs, and has that of the thread it comes from before.
    asyncio.run(first.yield_now())
"""


def test_a_second_runtime_shares_the_threads_of_the_first() -> None:
    code = """
second = crossawait.Runtime("async-std")
asyncio.run(second.sleep(0))
print(workers(), first.metrics().worker_threads, second.metrics().worker_threads, second is first)
"""
    assert printed(COUNT + code) == "2 2 2 False"


def test_options_after_the_start_are_refused() -> None:
    code = """
for options in ({"worker_threads": 2}, {"thread_name": "other"}):
    try:
        crossawait.Runtime("async-std", **options)
    except RuntimeError as error:
        print(type(error).__name__, "has started" in str(error))
print(workers())
"""
    assert printed(COUNT + code).splitlines() == ["RuntimeError True"] * 2 + ["2"]


def test_the_shutdown_of_one_leaves_the_other_and_the_threads() -> None:
    code = """
second = crossawait.Runtime("async-std")
first.shutdown()
asyncio.run(second.sleep(0))
print(workers(), second.closed)
second.shutdown()
third = crossawait.Runtime("async-std")
asyncio.run(third.sleep(0))
print(workers())
"""
    assert printed(COUNT + code).splitlines() == ["2 False", "2"]


def test_the_environment_sizes_it() -> None:
    code = """
import asyncio, os
import crossawait

runtime = crossawait.Runtime("async-std")
asyncio.run(runtime.sleep(0))
print(runtime.metrics().worker_threads, os.environ["ASYNC_STD_THREAD_COUNT"])
"""
    assert printed(code, environment={"ASYNC_STD_THREAD_COUNT": "3"}) == "3 3"
