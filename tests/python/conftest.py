"""Fixtures of all Python tests: the runtimes, the event loops, and asynchronous test functions.

A test that is an `async def` runs on every kind of loop, and one that takes `runtime` or `start` on every
runtime. One that does both runs with every runtime on the loops of `WITH_EVERY_RUNTIME`, with the first
runtime on the others. The marks `loops` and `not_loops` say on which kinds of loop a test runs.
"""

from __future__ import annotations

import gc
import inspect
import signal
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar, cast

import pytest

import crossawait
import event_loops
from event_loops import COMPILED, KINDS, Run
from starting import Start

T = TypeVar("T")

RUNTIMES = ("tokio", "async-std", "smol")

WITH_EVERY_RUNTIME = ("asyncio", "uvloop", "trio")


def pytest_configure(config: pytest.Config) -> None:
    """Make the suites' own marks known; and that rloop does not close its own sockets is no error.

    Jobs that a script starts in the background ignore SIGINT, and several tests are about it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "loops(*kinds): runs on these kinds of event loops only")
    config.addinivalue_line("markers", "not_loops(*kinds): does not run on these kinds of event loops")
    config.addinivalue_line("filterwarnings", r"ignore:unclosed <socket:ResourceWarning:rloop\.loop")


def pytest_report_header() -> list[str]:
    """Say what the tests run on, and on what they do not."""
    absent = [name for name in COMPILED if name not in KINDS]
    return [
        f"runtimes: {', '.join(RUNTIMES)}",
        f"event loops: {', '.join(KINDS)}; not installed: {', '.join(absent) or 'none'}",
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the runtimes and the loops that a test runs on."""
    needed = metafunc.fixturenames
    if "place" not in needed:
        return
    only = [mark.args for mark in metafunc.definition.iter_markers("loops")]
    never = [kind for mark in metafunc.definition.iter_markers("not_loops") for kind in mark.args]
    kinds = [kind for kind in KINDS if kind not in never and all(kind in some for some in only)]
    places = [
        (runtime, kind)
        for runtime in (RUNTIMES if "runtime_name" in needed else (None,))
        for kind in (kinds if "loop_kind" in needed else (None,))
        if kind is None or runtime in (None, RUNTIMES[0]) or kind in WITH_EVERY_RUNTIME
    ]
    names = ["-".join(filter(None, place)) for place in places]
    metafunc.parametrize("place", places, indirect=True, ids=names, scope="session")


def pytest_collection_finish() -> None:
    """Spare the collector the thousands of tests: many call it, and it would go through them each time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Give the collector back what it was spared: plugins that clean up look for objects in its lists."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def place(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The runtime and the event loop that a test runs on: one fixture, since not every pair is tried."""
    place: tuple[str, str] = request.param
    return place


@pytest.fixture
def loop_kind(place: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an event loop."""
    _, kind = place
    if kind == "strict":
        # Read whenever the library meets a new loop.
        monkeypatch.setenv("CROSSAWAIT_STRICT", "1")
    return kind


@pytest.fixture
def run(loop_kind: str) -> Run:
    """Run a coroutine to its end on a fresh event loop."""

    def run(coroutine: Coroutine[Any, Any, T], /) -> T:
        return event_loops.run(loop_kind, coroutine)

    return run


@pytest.fixture(scope="session")
def runtime_name(place: tuple[str, str]) -> str:
    """The name of a runtime."""
    name, _ = place
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
