"""Fixtures of the core's tests: a Rust side, the extension in `tests/src`.

Most of these tests are about what asyncio's tasks and loops ask of a future. Those that are for other loops
too say so with the mark `loops`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from crossawait_tests import Gate, Runtime

from event_loops import asyncio_only


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Keep tests that do not say which loops they are for to those like asyncio's."""
    if metafunc.definition.get_closest_marker("loops") is None:
        metafunc.definition.add_marker(asyncio_only)


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
