"""Fixtures of the core's tests: more kinds of event loops, and a Rust side, the extension in `tests/src`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from crossawait_tests import Gate, Runtime

from event_loops import LOOPS


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, as Windows' proactor loop cannot."""

    # asyncio's own pipe for wake-ups is watched through the method with the underscore, and goes on to be.
    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override]
        raise NotImplementedError


LOOPS.setdefault("without-readers", WithoutReaders)
# The same loop as "asyncio": what is different is an environment variable, see `loop_kind`.
LOOPS.setdefault("strict", asyncio.new_event_loop)


# The other suites' list of loops was made before these were added.
@pytest.fixture(params=tuple(LOOPS))
def loop_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an event loop."""
    kind: str = request.param
    if kind == "strict":
        # Read whenever the library meets a new loop.
        monkeypatch.setenv("CROSSAWAIT_STRICT", "1")
    return kind


@pytest.fixture(scope="session")
def rust() -> Iterator[Runtime]:
    """A runtime that runs what gates let through."""
    runtime = Runtime()
    yield runtime
    runtime.shutdown()


@pytest.fixture
def gate() -> Gate:
    """A Rust future under the test's control."""
    return Gate()
