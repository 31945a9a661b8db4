"""Stubs from PyO3's generator and `crossawait stubs`: type checkers take what is in them for what it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# The generator builds each extension with another feature of PyO3's.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

USAGE = """\
from asyncio import Future
from collections.abc import Coroutine
from typing import Any, assert_type

from crossawait_tests import Connection, Gate, Runtime, add_blocking, fails, greet, nothing, wait_started


async def use(runtime: Runtime, gate: Gate) -> None:
    coroutine: Coroutine[Any, Any, str] = greet("World", times=2)
    assert_type(await coroutine, str)
    assert_type(await nothing(), None)
    assert_type(await fails(2), None)
    assert_type(add_blocking(1), int)
    assert_type(await wait_started(runtime, gate), Any)
    connection = await Connection.connect(runtime)
    assert_type(connection, Connection)
    assert_type(await connection.add(by=2), int)
    assert_type(connection.add_blocking(), int)
    started: Future[Any] = connection.start(gate)
    started.cancel()
    async with connection as count:
        assert_type(count, int)
    async for number in connection:
        assert_type(number, int)
"""


def run(*command: object, folder: Path, **variables: str) -> str:
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def generate(crate: Path, stubs: Path) -> str:
    """Generate the stub of an extension, have it rewritten, and return it."""
    feature = ("--locked", "--features", "crossawait-core/experimental-inspect")
    interpreter = ("--interpreter", sys.executable)
    run("-m", "maturin", "generate-stubs", *feature, *interpreter, "--out", stubs, folder=crate)
    run("-m", "crossawait", "stubs", stubs, folder=stubs)
    (stub,) = stubs.rglob("*.pyi")
    return stub.read_text()


def test_the_template(tmp_path: Path) -> None:
    stub = generate(ROOT / "examples/template", tmp_path)
    assert "async def greet(name: str) -> str:" in stub
    assert "Coroutine" not in stub
    # The wheel's layout puts the library inside a package of its name.
    run(
        "-m",
        "mypy.stubtest",
        "--ignore-missing-stub",
        "crossawait_template",
        folder=tmp_path,
        MYPYPATH=str(tmp_path),
    )


def test_everything_that_the_macros_make(tmp_path: Path) -> None:
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    stub = generate(ROOT / "tests", stubs)
    assert "    async def add(self, /, by: SupportsIndex = 1) -> int:" in stub
    (tmp_path / "usage.py").write_text(USAGE)
    # What PyO3 says of the core's own classes is not what is tried here.
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nstrict = true\n[mypy-crossawait_tests]\nignore_errors = true\n"
    )
    options = ("--config-file=mypy.ini", "--python-version=3.11")
    run("-m", "mypy", *options, "usage.py", folder=tmp_path, MYPYPATH=str(stubs))
