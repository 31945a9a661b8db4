"""`use`, `runtime`, the environment variable and the command line, with the wheels that are installed."""

from __future__ import annotations

import pytest

import crossawait
from child_process import printed, python

WORKS = """
import asyncio
import crossawait


async def main(runtime):
    listener = await runtime.listen("127.0.0.1", 0)
    client = await runtime.connect(*listener.address)
    server, _ = await listener.accept()
    await server.write_all(b"hello")
    data = await client.read(1000)
    print(runtime.name, data.decode())
    for each in (client, server, listener):
        await each.close()
"""


def test_the_default_is_the_first_that_is_available() -> None:
    assert printed(WORKS + "asyncio.run(main(crossawait.runtime()))") == "tokio hello"


@pytest.mark.parametrize("name", crossawait.available())
def test_use_chooses_the_default(name: str) -> None:
    code = f"""
runtime = crossawait.use("{name}", worker_threads=2)
assert crossawait.runtime() is runtime
asyncio.run(main(runtime))
print(runtime.metrics().worker_threads)
"""
    assert printed(WORKS + code).splitlines() == [f"{name} hello", "2"]


@pytest.mark.parametrize("name", crossawait.available())
def test_the_environment_chooses_the_default(name: str) -> None:
    code = WORKS + "asyncio.run(main(crossawait.runtime()))"
    assert printed(code, environment={"CROSSAWAIT_RUNTIME": name}) == f"{name} hello"


@pytest.mark.parametrize("name", crossawait.available())
def test_the_default_starts_afresh_after_a_shutdown(name: str) -> None:
    code = f"""
first = crossawait.use("{name}")
asyncio.run(main(first))
first.shutdown()
assert crossawait.runtime() is not first
asyncio.run(main(crossawait.runtime()))
"""
    assert printed(WORKS + code).splitlines() == [f"{name} hello"] * 2


def test_a_default_that_runs_is_not_changed() -> None:
    code = """
crossawait.use("smol")
for name, options in (("tokio", {}), ("smol", {"worker_threads": 2})):
    try:
        crossawait.use(name, **options)
    except RuntimeError as error:
        print("started already" in str(error))
"""
    assert printed(WORKS + code).splitlines() == ["True", "True"]


def test_an_environment_that_asks_for_what_is_not_there_is_told_so() -> None:
    result = python(WORKS + "crossawait.runtime()", environment={"CROSSAWAIT_RUNTIME": "nope"})
    assert result.returncode == 1
    assert "RuntimeNotFoundError" in result.stderr
    assert 'runtime "nope" is not installed (found: tokio, smol, async-std)' in result.stderr


def test_the_command_line_shows_what_is_installed() -> None:
    result = python("", command=("-m", "crossawait", "info"), environment={"CROSSAWAIT_RUNTIME": "smol"})
    assert (result.returncode, result.stderr) == (0, "")
    for name in crossawait.available():
        line = next(line for line in result.stdout.splitlines() if line.split()[:1] == [name])
        assert line.split()[1:3] == [crossawait.__version__, "ready"]
    assert result.stdout.endswith("default: smol\n")


def test_several_threads_start_the_default_once() -> None:
    code = """
import threading

found = []
together = threading.Barrier(8)


def look():
    together.wait()
    found.append(crossawait.runtime())


threads = [threading.Thread(target=look) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len({id(runtime) for runtime in found}))
"""
    assert printed(WORKS + code) == "1"
