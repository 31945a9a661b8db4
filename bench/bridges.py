"""The contestants: crossawait, PyO3 and pyo3-async-runtimes from the extension in `peers`, and asyncio."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, cast

from measure import Counters

OURS = ("crossawait tokio", "crossawait smol", "crossawait async-std")
PEERS = ("pyo3-async-runtimes tokio", "pyo3-async-runtimes async-std")
NATIVE = "PyO3 async fn tokio"
"""PyO3's own coroutines. They have no future form, no way to await Python, and no streams."""
ALONE = {"pyo3-async tokio": "crossawait_bench_pyo3_async", "UniFFI tokio": "crossawait_bench_uniffi"}
"""Coroutines of the same kind, each in an extension of its own; that of pyo3-async ends with CPython 3.12."""
NATIVES = (NATIVE, *(name for name, module in ALONE.items() if importlib.util.find_spec(module)))
OWN_FUTURE = "asyncio create_future + call_soon"
BARE = "bare coroutine"

SUBMODULES = {
    "crossawait tokio": "crossawait_tokio",
    "crossawait smol": "crossawait_smol",
    "crossawait async-std": "crossawait_async_std",
    NATIVE: "pyo3_tokio",
    "pyo3-async-runtimes tokio": "par_tokio",
    "pyo3-async-runtimes async-std": "par_async_std",
}


class Bridge(Protocol):
    """One submodule of the extension: a bridge on a runtime; its counterpart is `peers/src/contestant.rs`.

    `NATIVES` lack what they have no form for.
    """

    def noop(self) -> Awaitable[None]:
        """Spawned, finished at its first poll."""

    def ready_awaitable(self) -> Awaitable[None]:
        """Finished at its first poll, on the caller's thread if the bridge can do so; as a future."""

    def ready_coroutine(self) -> Awaitable[None]:
        """The same as a coroutine."""

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Spawned, on the runtime's own timer."""

    def yield_now(self) -> Awaitable[None]:
        """Spawned, suspended once on the runtime."""

    def pending(self) -> Awaitable[None]:
        """Spawned, never finished."""

    def call(self, function: Callable[[], Awaitable[object]], times: int, /) -> Awaitable[None]:
        """A task of the runtime calls the function and awaits what it returns, so many times in turn."""

    def numbers(self, end: int, /) -> AsyncIterator[int]:
        """A Rust stream of the numbers below `end`."""

    def add_up(self, numbers: AsyncIterator[int], /) -> Awaitable[int]:
        """A task of the runtime takes the numbers from a Rust stream."""


class Extension(Protocol):
    """What the extension offers apart from the bridges."""

    Awaitable: Any
    """Crossawait's future, to be made in Python."""

    def polled(self) -> int:
        """How many `pending` futures have been polled so far."""

    def counters(self) -> tuple[int, int, int]:
        """Wakes, batches and completions of crossawait's queues so far."""


def extension() -> Extension:
    """The extension, which `maturin develop` must have put into this environment."""
    return cast("Extension", importlib.import_module("crossawait_bench_peers"))


def bridge(name: str) -> Bridge:
    """The bridge of that name; its runtime starts at the first call and not before."""
    if name in ALONE:
        return cast("Bridge", importlib.import_module(ALONE[name]))
    return cast("Bridge", getattr(extension(), SUBMODULES[name]))


def polled(name: str) -> int:
    """How many futures of `sleep` and `pending` the runtime of that bridge has polled so far."""
    counting = importlib.import_module(ALONE[name]) if name in ALONE else extension()
    count: int = counting.polled()
    return count


def counters() -> Counters:
    """The wake counters of this process."""
    return Counters(*extension().counters())
