"""Which of CPython's asyncio suites are run, and in what ways."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Collection
from dataclasses import dataclass

PACKAGE = "test.test_asyncio"

# What of asyncio's is replaced: the class that a suite judges, or what makes the futures of its loops.
CLASS = "class"
CREATE_FUTURE = "create_future"

PLAIN = "asyncio"
DEBUG = "asyncio, debug on"
NO_DEBUG = "asyncio, debug off"
EAGER = "asyncio, eager tasks"
STRICT = "asyncio, strict"
UVLOOP = "uvloop"

# Without these there is no verdict. Others take part where the interpreter has them.
REQUIRED = {
    "test_futures": (3, 10),
    "test_futures2": (3, 10),
    "test_locks": (3, 10),
    "test_queues": (3, 10),
    "test_streams": (3, 10),
    "test_subprocess": (3, 10),
    "test_taskgroups": (3, 11),
    "test_tasks": (3, 10),
    "test_timeouts": (3, 11),
    "test_waitfor": (3, 10),
}

LEFT_OUT = {
    "test_tools": "it looks into another process, where no future of ours is",
    "test_windows_events": "it is for Windows",
    "test_windows_utils": "it is for Windows",
}

# Where the class is named by an attribute of the test case, so that ours can be named instead.
FOR_CLASS = ("test_futures", "test_futures2", "test_tasks")
# Strict mode changes how a settlement reaches a waiter from another thread; most suites have no such thread.
FOR_STRICT = ("test_futures", "test_futures2")

# They make their loops by way of `asyncio.new_event_loop`, and what they expect of a loop uvloop has.
FOR_UVLOOP = (
    "test_context",
    "test_futures2",
    "test_locks",
    "test_pep492",
    "test_queues",
    "test_runners",
    "test_staggered",
    "test_taskgroups",
    "test_threads",
    "test_timeouts",
    "test_waitfor",
)

# `IsolatedAsyncioTestCase` turns debug mode on, the other cases leave it off. A future is made differently in
# it, so both kinds are run in the other mode too.
FOR_DEBUG = (
    "test_base_events",
    "test_pep492",
    "test_runners",
    "test_sendfile",
    "test_sock_lowlevel",
    "test_streams",
)
FOR_NO_DEBUG = (
    "test_futures2",
    "test_locks",
    "test_queues",
    "test_taskgroups",
    "test_timeouts",
    "test_waitfor",
)

# Where tasks wait for futures most.
FOR_EAGER = (
    "test_base_events",
    "test_locks",
    "test_queues",
    "test_streams",
    "test_taskgroups",
    "test_waitfor",
)

# They take long, so they are started first: none is left to run alone at the end.
LONGEST = ("test_tasks", "test_subprocess", "test_ssl", "test_events", "test_taskgroups", "test_sslproto")


@dataclass(frozen=True, slots=True)
class Suite:
    """One module of CPython's, run in one way."""

    module: str
    replaced: str
    loop: str

    def __str__(self) -> str:
        return f"{self.module} ({self.replaced}; {self.loop})"


def missing() -> list[str]:
    """Returns the names of required modules that this interpreter came without."""
    if not has(PACKAGE.partition(".")[0]) or not has(PACKAGE):
        return [PACKAGE]
    required = [module for module, since in REQUIRED.items() if sys.version_info >= since]
    return [f"{PACKAGE}.{module}" for module in required if not has(f"{PACKAGE}.{module}")]


def has(module: str) -> bool:
    """Returns whether there is a module of this name."""
    return importlib.util.find_spec(module) is not None


def available() -> tuple[list[Suite], list[str]]:
    """Returns what there is to run here, and a line on each thing that is left out."""
    package = importlib.import_module(PACKAGE)
    found = [module.name for module in pkgutil.iter_modules(package.__path__)]
    modules = [name for name in found if name.startswith("test_") and name not in LEFT_OUT]
    notes = [f"{name} is left out: {LEFT_OUT[name]}" for name in found if name in LEFT_OUT]

    def some(chosen: Collection[str], replaced: str, loop: str) -> list[Suite]:
        return [Suite(module, replaced, loop) for module in modules if module in chosen]

    suites = some(FOR_CLASS, CLASS, PLAIN) + some(FOR_STRICT, CLASS, STRICT)
    suites += some(modules, CREATE_FUTURE, PLAIN)
    suites += some(FOR_DEBUG, CREATE_FUTURE, DEBUG) + some(FOR_NO_DEBUG, CREATE_FUTURE, NO_DEBUG)
    if sys.version_info >= (3, 12):
        suites += some(FOR_EAGER, CREATE_FUTURE, EAGER)
    else:
        notes.append("eager tasks are left out: Python has them since 3.12")
    if has("uvloop"):
        suites += some(FOR_UVLOOP, CREATE_FUTURE, UVLOOP)
    else:
        notes.append("uvloop is left out: it is not installed")
    return suites, notes


def by_length(suite: Suite) -> int:
    """Orders suites by the time they take, longest first."""
    return LONGEST.index(suite.module) if suite.module in LONGEST else len(LONGEST)
