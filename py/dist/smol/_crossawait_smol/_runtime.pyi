# The signatures are written once for all runtimes, in crossawait._types, and inherited here: so stubtest
# holds the compiled classes to them, which it would not do for names that are only re-exported.
from typing import TypeVar, final

from typing_extensions import disjoint_base

from crossawait import _types

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

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)

__version__: str
RUNTIMES: tuple[str, ...]

@final
class Runtime(_types.Runtime): ...

@disjoint_base
class Awaitable(_types.Awaitable[_T]): ...

@final
class Coroutine(_types.Coroutine[_T_co]): ...

@final
class Stream(_types.Stream): ...

@final
class Listener(_types.Listener): ...

@final
class Interval(_types.Interval): ...
