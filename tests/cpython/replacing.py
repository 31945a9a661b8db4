"""Puts our awaitable where asyncio's own future comes from, and sets up the kind of loop asked for."""

from __future__ import annotations

import asyncio
import asyncio.base_events
import importlib
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import suites


def awaitable_class(package: str) -> type[Any]:
    """Returns the `Awaitable` of a compiled package."""
    found: type[Any] = importlib.import_module(package).Awaitable
    return found


def replace_create_future(loop: str, package: str | None) -> Callable[[], int]:
    """Has `create_future` of every loop make an awaitable of `package`; returns what counts them.

    asyncio's loops and CPython's own test loop inherit the method from one class. With no package it stays.
    """
    made = itertools.count()
    base: Any = asyncio.base_events.BaseEventLoop
    own: dict[str, Any] = {}
    if package is not None:
        awaitable = awaitable_class(package)

        def create_future(self: asyncio.AbstractEventLoop) -> Any:
            next(made)
            return awaitable(loop=self)

        own = {"create_future": create_future}
        base.create_future = create_future
    if loop == suites.EAGER:
        start_tasks_eagerly(base)
    elif loop == suites.NO_DEBUG:
        keep_debug_off(base)
    elif loop == suites.UVLOOP:
        uvloop: Any = importlib.import_module("uvloop")
        make_default(type("Loop", (uvloop.Loop,), own))
    return lambda: next(made)


def start_tasks_eagerly(base: Any) -> None:
    """Gives every loop asyncio's eager task factory from the start."""
    factory = vars(asyncio)["eager_task_factory"]
    original = base.__init__

    def __init__(self: Any) -> None:  # noqa: N807
        original(self)
        self.set_task_factory(factory)

    base.__init__ = __init__


def keep_debug_off(base: Any) -> None:
    """Has every loop decline to be put into debug mode."""
    original = base.set_debug
    base.set_debug = lambda self, _enabled: original(self, False)


def make_default(loop_class: type[Any]) -> None:
    """Has `asyncio.new_event_loop`, and what is built on it, make loops of this class."""
    with warnings.catch_warnings():
        # Policies are on their way out; until then they are what decides.
        warnings.simplefilter("ignore", DeprecationWarning)
        policy: Any = type(asyncio.get_event_loop_policy())
    policy._loop_factory = loop_class
