"""Who is compared: each installed runtime, and each event loop by itself, behind the same few operations."""

from __future__ import annotations

from crossawait._bench.contestants.base import HOST, Connection, Contestant, Promise, Talk, Unsupported
from crossawait._bench.contestants.on_runtime import OnRuntime
from crossawait._bench.contestants.own_asyncio import OwnAsyncio
from crossawait._bench.contestants.own_trio import OwnTrio
from crossawait._bench.loops import Tasks

__all__ = ["HOST", "Connection", "Contestant", "Promise", "Talk", "Unsupported", "make"]


def make(runtime: str | None, loop: str, tasks: Tasks) -> Contestant:
    """Return the contestant of a runtime on a loop, or of the loop by itself."""
    if runtime is not None:
        return OnRuntime(runtime, loop, tasks)
    return OwnTrio(loop, tasks) if loop == "trio" else OwnAsyncio(loop, tasks)
