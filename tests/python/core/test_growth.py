"""Tens of thousands of crossings, either way, take no more memory than a few."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from crossawait_tests import Runtime, add_up, call, numbers

from event_loops import every_loop
from tasks import gather, until

pytestmark = every_loop

CALLERS = 50
TIMES = 50_000

# Some bytes for each crossing: the smallest thing to leave behind has sixteen, and what queues and pools keep
# for the next time is less than one.
MOST = 4 * TIMES


FIELDS = (
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost",
)


class MallInfo(ctypes.Structure):
    """What `mallinfo2` of the GNU C library gives."""

    _fields_ = [(name, ctypes.c_size_t) for name in FIELDS]


def in_use() -> int:
    """Return the bytes that Rust has and those that Python has: exact, other than the size of the process."""
    gc.collect()
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = MallInfo
    told = mallinfo2()
    # Python's blocks are of 16 bytes at least.
    return int(told.uordblks + told.hblkhd) + 16 * sys.getallocatedblocks()


async def nothing() -> None: ...


async def calls_of_rust(rust: Runtime, times: int) -> None:
    async def one_by_one() -> None:
        for _ in range(times // CALLERS):
            await rust.nothing()

    await gather(*(one_by_one() for _ in range(CALLERS)))


async def calls_of_python(rust: Runtime, times: int) -> None:
    await gather(*(call(rust, nothing, times=times // CALLERS) for _ in range(CALLERS)))


async def items_of_rust(rust: Runtime, times: int) -> None:
    async for _ in numbers(rust, times):
        pass


async def items_of_python(rust: Runtime, times: int) -> None:
    async def count() -> AsyncIterator[int]:
        for number in range(times):
            yield number

    assert (await add_up(rust, count()))[0] == times


@pytest.mark.loops("asyncio", "trio")
@pytest.mark.parametrize("cross", [calls_of_rust, calls_of_python, items_of_rust, items_of_python])
async def test_crossings_leave_nothing(
    rust: Runtime, cross: Callable[[Runtime, int], Awaitable[None]]
) -> None:
    await cross(rust, TIMES // 10)
    before = in_use()
    await cross(rust, TIMES)
    # Threads of the runtime may still be about to let go of the last ones.
    await until(lambda: in_use() < before + MOST)
