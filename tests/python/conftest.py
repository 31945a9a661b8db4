"""Fixtures of all Python tests: the runtimes, the event loops, and asynchronous test functions.

A test that is an `async def` runs on every loop; one that takes `runtime` or `start`, on every runtime.
"""

from __future__ import annotations

import inspect
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar, cast

import pytest

import crossawait
import event_loops
from event_loops import LOOPS, Run
from starting import Start

T = TypeVar("T")

RUNTIMES = ("tokio", "async-std", "smol")


@pytest.fixture(params=LOOPS)
def loop_kind(request: pytest.FixtureRequest) -> str:
    """The name of an event loop."""
    kind: str = request.param
    return kind


@pytest.fixture
def run(loop_kind: str) -> Run:
    """Run a coroutine to its end on a fresh event loop."""

    def run(coroutine: Coroutine[Any, Any, T], /) -> T:
        return event_loops.run(loop_kind, coroutine)

    return run


@pytest.fixture(params=RUNTIMES, scope="session")
def runtime_name(request: pytest.FixtureRequest) -> str:
    """The name of a runtime."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def runtime(runtime_name: str) -> Iterator[crossawait.Runtime]:
    """A runtime that the tests share."""
    with crossawait.Runtime(runtime_name) as runtime:
        yield runtime


@pytest.fixture
def start(runtime_name: str) -> Iterator[Start]:
    """Start runtimes of the test's own."""
    started: list[crossawait.Runtime] = []

    def start(**options: Any) -> crossawait.Runtime:
        started.append(crossawait.Runtime(runtime_name, **options))
        return started[-1]

    yield start
    for runtime in started:
        runtime.shutdown()


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> None:
    """Give asynchronous test functions a loop to run on."""
    if collector.funcnamefilter(name) and inspect.iscoroutinefunction(obj):
        pytest.mark.usefixtures("run")(obj)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run asynchronous test functions."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function):
        return None
    given = cast("dict[str, Any]", pyfuncitem.funcargs)
    given["run"](function(**{name: given[name] for name in inspect.signature(function).parameters}))
    return True
