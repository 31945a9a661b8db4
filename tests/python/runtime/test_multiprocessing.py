"""Worker processes of multiprocessing, with each way of starting them."""

from __future__ import annotations

import multiprocessing
import sys
import textwrap
from pathlib import Path

import pytest

from child_process import python

PROGRAM = """
import asyncio, multiprocessing, sys, warnings
import crossawait

warnings.simplefilter("ignore", DeprecationWarning)


async def add(name, number):
    runtime = crossawait.use(name)
    listener = await runtime.listen("127.0.0.1", 0)
    client = await runtime.connect(*listener.address)
    server, _ = await listener.accept()
    async with listener, client, server:
        await client.write_all(b"%d" % number)
        return await runtime.run_blocking(int, await server.read(1000))


def work(arguments):
    try:
        return asyncio.run(add(*arguments))
    except crossawait.RuntimeClosedError as error:
        return "spawn" if "spawn" in str(error) else repr(error)


if __name__ == "__main__":
    name, method = sys.argv[1:]
    print(asyncio.run(add(name, 5)))
    with multiprocessing.get_context(method).Pool(2) as pool:
        print(pool.map(work, [(name, number) for number in range(6)]))
    print(asyncio.run(add(name, 7)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_pool_of_processes(runtime_name: str, method: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    result = python("", command=(str(program), runtime_name, method))
    assert (result.returncode, result.stderr) == (0, "")
    answers = list(range(6)) if method != "fork" or runtime_name == "tokio" else ["spawn"] * 6
    assert result.stdout.splitlines() == ["5", str(answers), "7"]
