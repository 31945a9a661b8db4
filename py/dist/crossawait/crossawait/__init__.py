"""One awaitable, any Rust runtime.

An ``async fn`` written in Rust is awaited in Python, and the executor that runs it is the one that is
installed::

    runtime = crossawait.runtime()
    stream = await runtime.connect("127.0.0.1", 6379)
    data = await stream.read(1000)

``available``, ``runtime``, ``use`` and ``Runtime`` choose and start a runtime. ``Stream``, ``Listener``,
``Awaitable`` and ``Coroutine`` describe what its verbs return: virtual base classes, which ``isinstance`` and
type checkers know whatever the runtime.
"""

from crossawait._default import runtime, use
from crossawait._errors import RuntimeClosedError, RuntimeNotFoundError, RustPanic
from crossawait._select import available
from crossawait._types import Awaitable, Coroutine, Listener, Metrics, Runtime, Stream
from crossawait._version import __version__

__all__ = [
    "Awaitable",
    "Coroutine",
    "Listener",
    "Metrics",
    "Runtime",
    "RuntimeClosedError",
    "RuntimeNotFoundError",
    "RustPanic",
    "Stream",
    "__version__",
    "available",
    "runtime",
    "use",
]
