"""The coroutine: what calling an ``async fn`` gives."""

from __future__ import annotations

import collections.abc
from collections.abc import Generator
from types import CodeType, FrameType, GenericAlias, TracebackType
from typing import Any, TypeVar, overload

from crossawait._types.virtual import Virtual, described

T_co = TypeVar("T_co", covariant=True)


class Coroutine(Virtual, collections.abc.Coroutine[Any, Any, T_co]):
    """A Rust future that has not started, as calling an ``async def`` gives one.

    It is a complete ``collections.abc.Coroutine``. Nothing runs before it is awaited or handed to
    ``create_task``, ``TaskGroup.create_task``, ``asyncio.run``, ``gather``, ``wait_for``, or anyio's or
    trio's ``start_soon``. Cancelling the task that runs it drops the Rust future on its runtime. Like any
    coroutine it can be awaited once: a second time, or by a second task, is a RuntimeError; never awaited, it
    warns.

    ``__name__`` and ``__qualname__`` name the verb, for tracebacks and for ``asyncio.Task``.
    """

    __name__: str
    __qualname__: str

    def __class_getitem__(cls, key: Any) -> GenericAlias:
        return GenericAlias(cls, key)

    def send(self, value: Any, /) -> Any:
        """Start it, or go on; raises StopIteration with the value at the end, as every coroutine does."""
        described()

    @overload
    def throw(self, typ: type[BaseException], val: object = None, tb: TracebackType | None = None) -> Any: ...
    @overload
    def throw(self, typ: BaseException, val: None = None, tb: TracebackType | None = None) -> Any: ...
    def throw(
        self, typ: type[BaseException] | BaseException, val: object = None, tb: TracebackType | None = None
    ) -> Any:
        """Raise an exception where it waits: the Rust future is dropped, and the exception comes out."""
        described()

    def close(self) -> None:
        """Drop the Rust future; nothing more can be sent. Of one that never started, it stops the warning."""
        described()

    def __await__(self) -> Generator[Any, None, T_co]:
        described()

    @property
    def cr_running(self) -> bool:
        """True while it is being stepped."""
        described()

    @property
    def cr_suspended(self) -> bool:
        """True from its first wait until its end."""
        described()

    @property
    def cr_await(self) -> object | None:
        """What it waits for, or None."""
        described()

    @property
    def cr_frame(self) -> FrameType | None:
        """A frame that bears the name, for debuggers; None once ended."""
        described()

    @property
    def cr_code(self) -> CodeType:
        """A code object that bears the name, for debuggers."""
        described()

    @property
    def cr_origin(self) -> tuple[tuple[str, int, str], ...] | None:
        """Where it was made; None unless `sys.set_coroutine_origin_tracking_depth` asks for it."""
        described()
