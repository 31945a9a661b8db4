"""The command line with anything that may be given to it: it answers, or says what is wrong with that.

What is given is random, but the same in each run.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crossawait._bench.compare import compare, load
from crossawait._bench.machine import differences
from crossawait._cli import main
from crossawait._stubs import rewrite

bounded = settings(
    max_examples=300,
    derandomize=True,
    database=None,
    deadline=None,
    # The folder is the same for all examples, on purpose.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def answer(arguments: list[str]) -> tuple[object, str, str]:
    """Run the command line in this process; what a program would exit with, and what it prints."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status: object = main(arguments)
        except SystemExit as end:
            status = end.code
        out.flush()
    printed = out.buffer
    assert isinstance(printed, io.BytesIO)
    return status, printed.getvalue().decode(), err.getvalue()


# No system call takes a NUL, so that no argument of a program has one.
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
known = st.sampled_from(
    ["info", "stubs", "--version", "--help", "-h", "--", "-", "--json", "--filter", "--quick"]
)


@bounded
@given(st.lists(st.one_of(known, words), max_size=5))
def test_random_arguments(arguments: list[str]) -> None:
    # What measures takes minutes, and stubs are rewritten wherever they are.
    if any(one.startswith("b") for one in arguments):
        arguments = ["bench", "--runtime", "none of these", *arguments]
    elif "stubs" in arguments:
        arguments = ["stubs", *(f"no such folder/{one}" for one in arguments)]
    status, _, err = answer(arguments)
    assert status in (0, 1, 2)
    assert (status == 0) == (not err)
    assert "Traceback" not in err


# Pieces of what PyO3 generates, and of what it does not.
pieces = st.sampled_from(
    [
        "from collections.abc import Coroutine\n",
        "from collections.abc import Coroutine as Coroutine2, Sequence\n",
        "from typing import Any\n",
        "from typing import Any as Any2, final\n",
        "import Coroutine",
        " import ",
        "def get() -> Coroutine[Any, Any, int]: ...\n",
        "    def get(self) -> Coroutine2[Any2, Any2, Any2]:\n",
        "def (((-> Coroutine[Any, Any, ]: ...",
        "async ",
        "\r",
        "\x0c",
        "\u2028",
        "\n",
        ", ",
    ]
)


@bounded
@given(st.lists(st.one_of(pieces, st.text(max_size=5)), max_size=12).map("".join))
@example("from collections.abc import Coroutine\n" * 2 + "from typing import Any\n")
@example("from collections.abc import Coroutine, x import y\nfrom typing import Any\n")
def test_random_stubs(stub: str) -> None:
    once = rewrite(stub)
    assert once.count("async def") >= stub.count("async def")
    assert rewrite(once).count("-> Coroutine[Any, Any, ") <= stub.count("-> Coroutine[Any, Any, ")


@bounded
@given(st.binary(max_size=40))
@example(b"\xff")
def test_files_of_random_bytes_as_stubs(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "stub.pyi"
    file.write_bytes(data)
    status, _, err = answer(["stubs", str(tmp_path)])
    try:
        data.decode()
    except UnicodeDecodeError:
        assert (status, err) == (1, f"crossawait stubs: {file} is not text in UTF-8\n")
        assert file.read_bytes() == data
    else:
        assert (status, err) == (0, "")


RESULT: dict[str, Any] = {
    "loop": "asyncio",
    "runtime": "tokio",
    "samples": [1.0, 2.0],
    "percentiles": {"50": 1.0},
    "processor": 0.5,
}
WORKLOAD: dict[str, Any] = {
    "name": "gather",
    "title": "one",
    "unit": "seconds",
    "operations": 10,
    "curve": "",
    "at": 0,
    "results": [RESULT],
    "failures": [],
    "cores_used_by_others": 0.0,
}
REPORT: dict[str, Any] = {"schema": 1, "facts": {"date": "today"}, "workloads": [WORKLOAD]}

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@bounded
@given(st.sampled_from(["", *REPORT, *WORKLOAD, *RESULT]), anything)
@example("samples", [])
@example("samples", ["fast"])
@example("samples", [float("nan")])
@example("percentiles", [1])
@example("facts", {})
@example("facts", None)
def test_reports_with_anything_in_any_place(tmp_path: Path, place: str, value: Any) -> None:
    """What is not refused when it is read can be compared: a run would find out after minutes."""
    report = json.loads(json.dumps(REPORT))
    workload = report["workloads"][0]
    for part in (report, workload, workload["results"][0]):
        if place in part:
            part[place] = value
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report if place else value))
    try:
        loaded = load(file)
    except ValueError:
        return
    compare(loaded, loaded)
    differences(loaded.facts, {"date": "now"})


@pytest.mark.parametrize("data", [b"\xff", b"", b"[" * 200_000, b'{"schema": 1', b"\0"])
def test_files_that_are_no_reports(tmp_path: Path, data: bytes) -> None:
    pytest.importorskip("rich")
    file = tmp_path / "report.json"
    file.write_bytes(data)
    status, _, err = answer(["bench", "--compare", str(file)])
    assert status == 1
    assert err.startswith(f"crossawait bench: {file} cannot be compared with: ")
