"""What is known to differ, in one place, and why. The machines leave it out.

Beside what is listed the two sides differ in what their classes are called, and where they are asked outright
whether they are asyncio's own (`inspect.iscoroutine`, `type`).
"""

from __future__ import annotations

import re

# On purpose. Names that are asked for are errors and contexts in `outcomes.py` and `choices.py`; the others
# name what the machines do not do, or where they do not look.
DECIDED: dict[str, str] = {
    "await of a future": (
        "`__await__` gives the awaitable itself, which has no `send`, `throw` and `close`: with them it "
        "would be a coroutine. It does not end, since it can be awaited again. By hand, `iter(future)` is "
        "driven, which is whole."
    ),
    "next of a coroutine": "a coroutine is its own iterator: one object less for each `await`.",
    "setters": "what a Rust future settles is not settled from Python: RuntimeError, as for a task.",
    "telling": (
        "between the outcome and the loop's next drain a Rust-backed awaitable is done and its callbacks are "
        "still there, to be removed. So it is compared at rest."
    ),
    "drain": (
        "an only waiter is called by the drain: an iteration earlier than by `call_soon`, without a handle "
        "in the traceback, and before several waiters of another awaitable that has settled with it."
    ),
    "unconverted": (
        "as long as nobody has asked for the outcome of a Rust future, `repr`, `_result` and `_exception` do "
        "not show it: to look is not to convert."
    ),
    "origin": (
        "where a Rust future was made is not tracked: no `_source_traceback`, in reports neither. (Of a "
        "coroutine it is, as `cr_origin`.)"
    ),
    "frames": (
        "a Rust future has no frame in tracebacks. What ends an eager task stays in the traceback that it "
        "keeps, and is reported when that goes: so coroutines are not compared in eager tasks."
    ),
    "table": (
        "a Rust-backed awaitable that has waiters is kept by its loop; asyncio would collect it with the "
        "waiting task and report that."
    ),
    "two drivers": (
        "a coroutine that somebody closes or throws into while a task waits in it tells that task; in a "
        "native one it would wait for ever. So a coroutine is driven by one task, or by hand."
    ),
    "spawn": "a coroutine that is to be spawned always waits once, even if its future is ready.",
    "stop subclass": (
        "`set_exception` refuses subclasses of StopIteration, too: an `await` would take them for its "
        "result. CPython does so since 3.13."
    ),
    "stopped context": (
        "'coroutine raised StopIteration' has the StopIteration as its cause; its context is what is being "
        "handled, as for any error that a future keeps."
    ),
    "context none": (
        "`add_done_callback(callback, context=None)` is the same as without: the context is copied when the "
        "callback is added. C's future copies it when it is scheduled, asyncio's Python version does as we "
        "do."
    ),
    "comparing callbacks": (
        "a comparison that raises, or that changes the future, removes nothing or what it did not see; in "
        "C's future it depends on the place."
    ),
    "outside a running loop": (
        "callbacks go through `call_soon_threadsafe`, and in debug mode what cannot be called is refused "
        "under that name."
    ),
    "interrupts": (
        "KeyboardInterrupt and SystemExit leave the loop in the middle of an iteration; see "
        "`test_delivery.py`."
    ),
    "initialising again": "`__init__` of a future that has been used does not make it a new one.",
}

# What CPython does that no comparison should ask for.
CPYTHON: dict[str, str] = {
    "sending to what has ended": "SystemError from the iterator of C's future, up to 3.11.",
    "tasks that wait for each other": "to cancel one is an endless recursion in C.",
    "eager tasks in a context that is in use": "leave the loop with a wrong current task.",
    "sets": (
        "`wait` and `as_completed` add callbacks in the order of a set: among several that are done it is "
        "left to chance."
    ),
}

# How it is said that something cannot be thrown: by a coroutine, by an iterator, and by ours for both.
_WORDS = re.compile(
    r"exceptions must be classes (?:or instances deriving from|deriving) BaseException"
    r"(?: or instances of such a class)?(?:, not \w+)?"
    r"|throw\(\) third argument must be a traceback(?: object)?"
)


def is_known(name: str) -> bool:
    """Tell whether something is left out."""
    return name in DECIDED


def without_known_words(text: str) -> str:
    """Return a text in which what is said in several ways is said in none."""
    return _WORDS.sub("it cannot be thrown", text)
