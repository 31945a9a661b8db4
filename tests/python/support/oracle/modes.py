"""The kinds of event loops that the two sides are compared on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """A kind of loop, and whether the library may step tasks itself or has to have the loop do it."""

    name: str
    make: Callable[[], asyncio.AbstractEventLoop]
    strict: bool = False
    # How many of the steps are run on it: for each future and each handle, debug mode writes a traceback.
    share: float = 1.0
    # Whether coroutines are compared on it: see `known.py` for frames.
    has_coroutines: bool = True

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """Make a loop, without its complaints of being slow."""
        loop = self.make()
        loop.slow_callback_duration = 3600
        return loop


def _debugging() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_debug(True)
    return loop


_ALL = [
    Mode("asyncio", asyncio.new_event_loop),
    Mode("strict", asyncio.new_event_loop, strict=True),
    Mode("debug", _debugging, share=0.4),
]

if sys.platform != "win32":
    import uvloop

    _ALL += [Mode("uvloop", uvloop.new_event_loop)]

if sys.version_info >= (3, 12):

    def _eager() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        return loop

    _ALL += [Mode("eager", _eager, has_coroutines=False)]

MODES: dict[str, Mode] = {mode.name: mode for mode in _ALL}
