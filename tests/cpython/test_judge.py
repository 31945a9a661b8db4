"""The judge notices what is wrong: it is given awaitables that were made to misbehave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent

# One short suite: its only test sleeps in two tasks.
SUITE = "test_context"
TEST = "test.test_asyncio.test_context.DecimalContextTest.test_asyncio_task_decimal_context"

# Where the method goes, an awaitable of ours is made to misbehave when it is settled.
SPOILT = """\
import os
import time

import _crossawait_tokio


class Unraisable:
    def __del__(self):
        raise ValueError("nobody can catch this")


class Awaitable(_crossawait_tokio.Awaitable):
    def set_result(self, result):
        {body}
        super().set_result(result)
"""


def judge(folder: Path, body: str, *options: str, exceptions: str = "") -> tuple[int, str, Any]:
    """Run the judge on a spoilt awaitable; return its exit code, what it printed, and its JSON."""
    copy = folder / "cpython"
    copy.mkdir()
    for file in HERE.glob("*.py"):
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "exceptions.toml").write_text(exceptions)
    (folder / "spoilt.py").write_text(SPOILT.format(body=body))
    counts = folder / "counts.json"
    command = [sys.executable, str(copy), "--package", "spoilt", "--suite", SUITE, "--loop", "asyncio"]
    ended = subprocess.run(
        [*command, "--json", str(counts), *options],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    [suite] = json.loads(counts.read_text())["suites"]
    return ended.returncode, ended.stdout, suite


def exception(test: str) -> str:
    return f"""\
[[exception]]
module = "{SUITE}"
replaced = "create_future"
test = "{test}"
reason = "it is for this test"
"""


def test_one_that_behaves_passes(tmp_path: Path) -> None:
    code, _, suite = judge(tmp_path, "pass")
    assert code == 0
    assert (suite["passed"], suite["failed"], suite["futures"]) == (1, 0, 2)


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("super().set_exception(ValueError()); return", f"{TEST}: error; natively: passed"),
        ("Unraisable()", f"{TEST}: passed, but not quietly; natively: passed"),
        ("os.abort()", f"{TEST}: died: was killed by SIGABRT; natively: passed"),
        ("time.sleep(600)", f"{TEST}: died: exited with 1; natively: passed"),
        (
            "import atexit; atexit.register(os._exit, 3)",
            "(the interpreter's exit): died: exited with 3; natively: missing",
        ),
    ],
)
def test_one_that_misbehaves_fails(tmp_path: Path, body: str, seen: str) -> None:
    code, _, suite = judge(tmp_path, body, "--seconds-per-test", "2")
    assert suite["failures"] == [seen]
    assert code == 1


def test_the_stacks_of_one_that_hangs_are_shown(tmp_path: Path) -> None:
    _, printed, _ = judge(tmp_path, "time.sleep(600)", "--seconds-per-test", "2")
    assert "in set_result" in printed


def test_an_exception_lets_it_pass_with_its_reason(tmp_path: Path) -> None:
    body = "super().set_exception(ValueError()); return"
    code, printed, suite = judge(tmp_path, body, exceptions=exception("DecimalContextTest.*"))
    assert code == 0
    assert suite["exceptions"] == {TEST: "it is for this test"}
    assert f"excepted {TEST}: it is for this test" in printed


def test_an_exception_that_is_not_needed_fails(tmp_path: Path) -> None:
    code, printed, suite = judge(tmp_path, "pass", exceptions=exception("DecimalContextTest.*"))
    assert code == 1
    assert suite["failed"] == 0
    assert "DecimalContextTest.* is excepted, and no such test fails" in printed


def test_a_python_without_its_tests_gets_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test/__init__.py").touch()
    ended = subprocess.run(
        [sys.executable, str(HERE)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "comes without test.test_asyncio" in ended.stderr
