"""What is known to differ, in one place, and why.

`DECIDED` differs on purpose: the design says so, and the machines leave it out. `OPEN` is what the oracle has found and
the library has yet to mend; whoever mends it takes the name out, and the machines try it again.
"""

from __future__ import annotations

OPEN: dict[str, str] = {
    "coroutine context": "nor has what a coroutine raises at its first step",
    "cancelled error": "made while an exception is handled, it has that as its context",
    "stop context": "and `StopIteration` of a tuple or an exception has none",
    "throw number": "a suspended coroutine survives what cannot be thrown",
    "throw instance and value": "likewise",
    "throw no traceback": "likewise",
    "log unconverted": "`_log_traceback` is False as long as nobody has asked for the exception",
    "context none": "`add_done_callback(f, context=None)` copies the context when added, not when scheduled",
    "stop subclass": "`set_exception` refuses subclasses of StopIteration, too",
}

# Likewise, messages: what the library says, and what it is to say.
OPEN_TEXTS: dict[str, str] = {
    ", not int": "",
    "must be a traceback object": "must be a traceback",
    "be classes or instances deriving from BaseException": (
        "be classes deriving BaseException or instances of such a class"
    ),
}


def is_open(name: str) -> bool:
    """Tell whether a difference is still to be mended."""
    return name in OPEN
