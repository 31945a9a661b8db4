"""The tokio runtime for crossawait, compiled; the package ``crossawait`` finds, starts and documents it.

Here are the classes themselves, for code that is about this one runtime: ``_crossawait_tokio.Awaitable()``
makes a future that any thread may settle. Each is registered with its virtual base class,
``crossawait.Awaitable`` and so on.
"""

from crossawait._types import register

from . import _runtime
from ._runtime import (
    RUNTIMES,
    Awaitable,
    Coroutine,
    Interval,
    Listener,
    Runtime,
    Stream,
    __version__,
)

__all__ = [
    "RUNTIMES",
    "Awaitable",
    "Coroutine",
    "Interval",
    "Listener",
    "Runtime",
    "Stream",
    "__version__",
]

register(_runtime)
