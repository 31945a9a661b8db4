"""The types of a runtime, written down once for all runtimes.

Each class here is a *virtual* base class: it carries the signatures and the documentation, and the compiled
class of the same name is registered with it when its package is loaded. ``isinstance`` and type checkers see
one class whatever the runtime, while a call goes straight to compiled code, with no Python wrapper in its
way. The type stubs of the compiled packages inherit from these classes, so that a signature is written in one
place and stubtest holds the compiled code to it.
"""

from __future__ import annotations

from crossawait._types.awaitable import Awaitable
from crossawait._types.coroutine import Coroutine
from crossawait._types.metrics import Metrics
from crossawait._types.runtime import Runtime
from crossawait._types.stream import Address, Interval, Listener, Stream
from crossawait._types.virtual import Virtual

__all__ = [
    "Address",
    "Awaitable",
    "Coroutine",
    "Interval",
    "Listener",
    "Metrics",
    "Runtime",
    "Stream",
    "register",
]

_VIRTUAL: tuple[type[Virtual], ...] = (Runtime, Awaitable, Coroutine, Stream, Listener, Interval)


def register(module: object) -> None:
    """Register the classes of a runtime's module, by their names; what the module lacks is left out."""
    for virtual in _VIRTUAL:
        compiled = getattr(module, virtual.__name__, None)
        if compiled is not None:
            virtual.register(compiled)
