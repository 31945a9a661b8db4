"""The process-wide default runtime: chosen once, started at its first use, and afresh in a forked child."""

from __future__ import annotations

import os
import threading
from typing import Any

from crossawait._select import canonical, given, start
from crossawait._types import Runtime


class _Default:
    """The choice that was made, and the runtime that runs because of it."""

    def __init__(self) -> None:
        # Held while a runtime is imported and started, so that two first uses at once start one. It is
        # reentrant because a package may call back while it is imported, and should get an error and not a
        # deadlock.
        self.lock = threading.RLock()
        self.name: str | None = None
        self.options: dict[str, Any] = {}
        self.runtime: Runtime | None = None

    def running(self) -> Runtime | None:
        """Return the runtime if it is started and has not been shut down."""
        runtime = self.runtime  # once: without the lock it may be replaced meanwhile
        return None if runtime is None or runtime.closed else runtime

    def start(self, name: str | None, options: dict[str, Any]) -> Runtime:
        """Start one, and only if that succeeds remember the choice."""
        runtime = start(name, options)
        self.name, self.options, self.runtime = name, options, runtime
        return runtime


_default = _Default()

# What a forked child inherited. It is kept for ever: the threads behind it stayed in the parent, and to take
# it apart would wait for them.
_inherited: list[_Default] = []


def runtime() -> Runtime:
    """Return the process-wide default runtime, starting it at the first use.

    It is the one chosen with ``use``; else the one that the environment variable CROSSAWAIT_RUNTIME names;
    else the first of ``available()``. After its ``shutdown``, and in a forked child, the next call starts a
    fresh one of the same choice.

    Raises:
        RuntimeNotFoundError: it is not installed, or none is; the message says what to type.
        ImportError: it is installed and does not load, or its version is not this package's. No other runtime
            is taken instead.
    """
    default = _default
    running = default.running()
    if running is not None:
        return running
    with default.lock:
        running = default.running()
        return default.start(default.name, default.options) if running is None else running


def use(
    name: str | None = None,
    *,
    worker_threads: int | None = None,
    max_blocking_threads: int | None = None,
    thread_name: str | None = None,
) -> Runtime:
    """Choose the process-wide default runtime before its first use, start it, and return it.

    The arguments are those of ``Runtime``. If it runs already it is returned, provided that nothing was asked
    for that it is not: an argument left out asks for nothing. A choice that fails changes nothing.

    Raises:
        RuntimeError: the default runtime runs already and is another one, or has other options.
        RuntimeNotFoundError, ImportError, ValueError: as for ``Runtime``.
    """
    name = None if name is None else canonical(name)
    options = given(
        {
            "worker_threads": worker_threads,
            "max_blocking_threads": max_blocking_threads,
            "thread_name": thread_name,
        }
    )
    default = _default
    with default.lock:
        running = default.running()
        if running is None:
            return default.start(name, options)
        if name in (None, running.name) and all(
            default.options.get(option) == value for option, value in options.items()
        ):
            return running
        raise RuntimeError(
            f"the default runtime is started already: {_describe(running.name, default.options)}; call"
            f" use({_describe(name, options)}) before its first use, or start one of your own:"
            f" crossawait.Runtime({_describe(name, options)})"
        )


def start_own(name: str | None, options: dict[str, Any]) -> Runtime:
    """Start a runtime apart from the default; without a name, of the kind chosen with ``use``, if any."""
    return start(_default.name if name is None else name, given(options))


def _describe(name: str | None, options: dict[str, Any]) -> str:
    arguments = [] if name is None else [f'"{name}"']
    return ", ".join(arguments + [f"{option}={value!r}" for option, value in options.items()])


def _forget_in_child() -> None:
    """Start over in a forked child: with the same choice, another lock, and nothing running."""
    global _default
    inherited = _default
    _inherited.append(inherited)
    _default = _Default()
    _default.name, _default.options = inherited.name, inherited.options


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_forget_in_child)
