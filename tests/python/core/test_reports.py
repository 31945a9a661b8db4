"""What nobody has awaited or asked for is reported where asyncio reports it, and says where it comes from."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from crossawait_tests import Gate, Runtime

from event_loops import LOOPS
from twins import NativeCoroutine, NativeFuture, PythonAwaitable, RustAwaitable, RustCoroutine, Twin, plain

Make = Callable[[Runtime], Twin]


async def failed(make: Make, rust: Runtime) -> Twin:
    """Return one with an exception, of which those who wait for it have been told."""
    twin = make(rust)
    told = asyncio.Event()
    twin.given.add_done_callback(lambda _: told.set())
    twin.settle("error")
    await told.wait()
    return twin


def thrown_away(make: Make, rust: Runtime, loop: asyncio.AbstractEventLoop) -> None:
    twin = loop.run_until_complete(failed(make, rust))
    del twin
    gc.collect()


@pytest.fixture
def loop(loop_kind: str) -> Iterator[asyncio.AbstractEventLoop]:
    loop = LOOPS[loop_kind]()
    yield loop
    loop.close()


# Of one made in Python debug mode says where, of one made in Rust it cannot.
@pytest.mark.parametrize(("make", "says_where"), [(RustAwaitable, False), (PythonAwaitable, True)])
def test_the_loops_handler_is_told_what_it_is_told_of_a_future(
    rust: Runtime, loop: asyncio.AbstractEventLoop, make: Make, says_where: bool
) -> None:
    def told(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        assert repr(context["exception"]) == "LookupError('missing')"
        where = context.get("source_traceback")
        # That of the twins, who are made in the same function by the caller.
        places = [(frame.filename, frame.name) for frame in where[:-1]] if where else None
        reports.append((plain(context["message"]), sorted(context), plain(context["future"]), places))

    reports: list[tuple[Any, ...]] = []
    loop.set_exception_handler(told)
    for each in (make, NativeFuture):
        thrown_away(each, rust, loop)
    ours, native = reports
    if not says_where and loop.get_debug():
        native = (native[0], sorted(set(native[1]) - {"source_traceback"}), native[2], None)
    assert ours[:3] == native[:3]
    assert (ours[3] is None) is (native[3] is None)


@pytest.mark.parametrize("make", [RustAwaitable, PythonAwaitable])
def test_without_a_handler_the_log_says_what_it_says_of_a_future(
    rust: Runtime, loop: asyncio.AbstractEventLoop, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    loop.set_debug(False)
    with caplog.at_level(logging.ERROR, "asyncio"):
        for each in (make, NativeFuture):
            thrown_away(each, rust, loop)
    ours, native = caplog.records
    assert plain(ours.getMessage()) == plain(native.getMessage())
    assert ours.exc_info is not None
    assert native.exc_info is not None
    assert repr(ours.exc_info[1]) == repr(native.exc_info[1])


@pytest.mark.parametrize("make", [RustAwaitable, PythonAwaitable, NativeFuture])
def test_a_closed_loop_is_told_too(rust: Runtime, loop_kind: str, make: Make) -> None:
    reports: list[str] = []
    loop = LOOPS[loop_kind]()
    loop.set_exception_handler(lambda _, context: reports.append(plain(context["message"])))
    twin = loop.run_until_complete(failed(make, rust))
    loop.close()
    assert reports == []
    del twin
    gc.collect()
    assert reports == ["Future exception was never retrieved"]


@pytest.mark.parametrize("make", [RustAwaitable, PythonAwaitable, NativeFuture])
def test_a_gathered_exception_that_comes_too_late_is_not_reported(
    rust: Runtime, loop: asyncio.AbstractEventLoop, make: Make
) -> None:
    """`gather` asks each child for its exception, also after another one's has ended it."""

    async def main() -> None:
        twins = [make(rust), make(rust)]
        gathered = asyncio.gather(*(twin.given for twin in twins))
        told = asyncio.Event()
        twins[1].given.add_done_callback(lambda _: told.set())
        twins[0].settle("error")
        with pytest.raises(LookupError):
            await gathered
        twins[1].settle("error")
        await told.wait()

    reports: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reports.append(context))
    loop.run_until_complete(main())
    gc.collect()
    assert reports == []


async def test_a_task_whose_exception_nobody_retrieves_names_the_coroutine(rust: Runtime) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    twin = RustCoroutine(rust)
    task = asyncio.create_task(twin.given)
    # An eager task that never waits forgets its coroutine.
    while not twin.is_waited_for():  # noqa: ASYNC110 - waiting makes no event
        await asyncio.sleep(0)
    twin.settle("error")
    await asyncio.wait([task])
    del task, twin
    gc.collect()
    (report,) = reports
    assert report["message"] == "Task exception was never retrieved"
    assert "coro=<read() " in repr(report.pop("future"))
    gc.collect()


@contextmanager
def origin_tracking(depth: int) -> Iterator[None]:
    before = sys.get_coroutine_origin_tracking_depth()
    sys.set_coroutine_origin_tracking_depth(depth)
    try:
        yield
    finally:
        sys.set_coroutine_origin_tracking_depth(before)


@contextmanager
def tracing() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def never_awaited(make: Make, rust: Runtime) -> tuple[str, bool]:
    """Return the warning's text, and whether it comes with the coroutine, whose memory can then be traced."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del make(rust).given
    (warning,) = caught
    source: Any = warning.source
    return str(warning.message), source is not None and asyncio.iscoroutine(source)


def test_the_warning_says_where_it_was_made_if_that_is_tracked(rust: Runtime) -> None:
    with origin_tracking(5):
        ours, native = (
            never_awaited(make, rust)[0].splitlines() for make in (RustCoroutine, NativeCoroutine)
        )
    assert native[1] == "Coroutine created at (most recent call last)"
    # The line above the innermost frame's: that frame is the twin's own.
    assert ours[:-2] == native[:-2]


@pytest.mark.parametrize("depth", [0, 1, 2, 1000])
def test_the_origin_is_as_deep_as_asked_for(rust: Runtime, depth: int) -> None:
    async def python() -> None: ...

    def made() -> tuple[Any, Any]:
        return python(), rust.coroutine(Gate())

    with origin_tracking(depth):
        native, ours = made()
    assert ours.cr_origin == native.cr_origin
    assert ours.cr_origin is None if depth == 0 else len(ours.cr_origin) >= min(depth, 2)
    native.close()
    ours.close()


def test_the_warning_comes_with_the_coroutine(rust: Runtime) -> None:
    with tracing():
        ours, native = (never_awaited(make, rust) for make in (RustCoroutine, NativeCoroutine))
    assert ours == native


def test_a_warning_that_is_an_error_names_the_coroutine(
    rust: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda args: seen.append((plain(args.object), plain(args.exc_value)))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for make in (RustCoroutine, NativeCoroutine):
            del make(rust).given
    ours, native = seen
    assert ours == native
