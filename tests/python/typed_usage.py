"""What a type checker has to know about a user's code; mypy reads this, and nothing runs it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import _crossawait_tokio
import crossawait

if TYPE_CHECKING:
    from typing_extensions import assert_type

    Address = tuple[str, int] | tuple[str, int, int, int] | str


async def verbs(runtime: crossawait.Runtime) -> None:
    assert_type(runtime.sleep(0.5), crossawait.Coroutine[None])
    assert_type(await runtime.run_blocking(pow, 2, 3), int)
    assert_type(await runtime.run_blocking(str.upper, "a"), str)
    await runtime.run_blocking(str.upper, 5)  # type: ignore[arg-type]
    async for tick in runtime.interval(0.1):
        assert_type(tick, int)
    assert_type(runtime.metrics().completions_per_wake, float)


async def sockets(runtime: crossawait.Runtime) -> None:
    async with await runtime.connect("localhost", 6379) as stream:
        assert_type(stream, crossawait.Stream)
        assert_type(await stream.read(1000), bytes)
        await stream.write_all(memoryview(b"data"))
    async with await runtime.listen("localhost", 0) as listener:
        assert_type(listener, crossawait.Listener)
        assert_type(await listener.accept(), tuple[crossawait.Stream, Address])
        async for accepted, address in listener:
            assert_type(accepted, crossawait.Stream)
            assert_type(address, Address)


async def asyncio_takes_both(runtime: crossawait.Runtime, future: crossawait.Awaitable[int]) -> None:
    assert_type(asyncio.create_task(runtime.sleep(1)), asyncio.Task[None])
    assert_type(await asyncio.gather(future, runtime.sleep(1)), tuple[int, None])
    assert_type(await asyncio.wait_for(future, timeout=1), int)
    assert_type(await asyncio.shield(future), int)
    done, _pending = await asyncio.wait([future])
    assert_type(done, set[crossawait.Awaitable[int]])
    assert_type(future.wait(timeout=1), int)


def choice() -> None:
    assert_type(crossawait.available(), tuple[str, ...])
    assert_type(crossawait.runtime(), crossawait.Runtime)
    assert_type(crossawait.use("smol", worker_threads=2), crossawait.Runtime)
    crossawait.use("smol", threads=2)  # type: ignore[call-arg]
    with crossawait.Runtime("tokio") as runtime:
        assert_type(runtime, crossawait.Runtime)
    asyncio.run(runtime.sleep(0))


def compiled_classes_are_the_virtual_ones() -> None:
    runtime: crossawait.Runtime = _crossawait_tokio.Runtime()
    future: crossawait.Awaitable[int] = _crossawait_tokio.Awaitable()
    future.set_result(5)
    runtime.shutdown(timeout=None)
