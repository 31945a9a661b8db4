"""Starting a runtime: its options, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import child_process
import crossawait
from starting import Start
from tasks import gather


def thread_names() -> list[str]:
    return [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]


@pytest.mark.parametrize("option", ["worker_threads", "max_blocking_threads"])
@pytest.mark.parametrize("count", [0, -1, 1_000_000, 1 << 40, 1 << 70, -(1 << 70)])
def test_counts_that_are_zero_negative_or_absurd(runtime_name: str, option: str, count: int) -> None:
    with pytest.raises(ValueError, match=option):
        crossawait.Runtime(runtime_name, **{option: count})  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["worker_threads", "max_blocking_threads"])
@pytest.mark.parametrize("count", ["2", 1.5, [2], b"2"])
def test_counts_of_another_type(runtime_name: str, option: str, count: Any) -> None:
    with pytest.raises(TypeError):
        crossawait.Runtime(runtime_name, **{option: count})


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_thread_names_that_no_thread_can_have(runtime_name: str, name: str) -> None:
    with pytest.raises(ValueError, match="thread_name"):
        crossawait.Runtime(runtime_name, thread_name=name)


def test_options_that_do_not_exist(runtime_name: str) -> None:
    with pytest.raises(TypeError, match="workers"):
        crossawait.Runtime(runtime_name, workers=2)  # type: ignore[call-arg]


def test_a_runtime_that_does_not_exist() -> None:
    with pytest.raises(crossawait.RuntimeNotFoundError, match='runtime "nope" is not installed') as caught:
        crossawait.Runtime("nope")
    assert caught.value.name == "nope"


@pytest.mark.parametrize("name", [5, b"tokio", ["tokio"]])
def test_a_name_of_another_type(name: Any) -> None:
    with pytest.raises(TypeError):
        crossawait.Runtime(name)


def test_a_failed_start_leaves_no_thread(runtime_name: str) -> None:
    before = thread_names()
    for _ in range(10):
        with pytest.raises(ValueError, match="worker_threads"):
            crossawait.Runtime(runtime_name, worker_threads=0)
    assert thread_names() == before


def test_as_many_workers_as_asked_for_by_the_name_asked_for(runtime_name: str) -> None:
    # In a child, because async-std takes options once in a process.
    code = """
        import sys, time
        from pathlib import Path
        import crossawait

        def workers():
            names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
            return names.count("lending-hand")

        with crossawait.Runtime(sys.argv[1], worker_threads=3, thread_name="lending-hand") as runtime:
            if runtime.name == "async-std":
                # Its threads start with the first task.
                import asyncio
                asyncio.run(runtime.sleep(0))
            # A thread takes its name when it first runs, and has that of the thread it comes from before.
            while workers() != 3:
                time.sleep(0.001)
            print(workers(), runtime.metrics().worker_threads)
    """
    assert child_process.printed(code, arguments=(runtime_name,)) == "3 3"


async def test_one_blocking_thread_does_one_call_after_the_other(start: Start, runtime_name: str) -> None:
    if runtime_name != "tokio":
        with pytest.raises(ValueError, match="BLOCKING_MAX_THREADS"):
            start(max_blocking_threads=1)
        return
    runtime = start(max_blocking_threads=1)
    running = 0
    most = 0

    def count() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        running -= 1

    await gather(*[runtime.run_blocking(count) for _ in range(50)])
    assert most == 1
