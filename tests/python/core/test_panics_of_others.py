"""A panic of another function of the same extension: it travels as an exception, and is met again in Rust."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from crossawait_tests import Awaitable, Gate, Runtime, panics


def panic_of_others() -> BaseException:
    """The exception that PyO3 makes of a panic."""
    try:
        panics("of others")
    except BaseException as panic:  # noqa: BLE001 - it is no `Exception`
        return panic


class Touchy:
    """A callback that panics when it is compared."""

    def __call__(self, awaitable: object) -> None:
        """Do nothing."""

    def __eq__(self, other: object) -> bool:
        panics("compared")

    __hash__ = None  # type: ignore[assignment]


def test_in_a_callback_it_is_for_the_exception_handler(rust: Runtime) -> None:
    async def main() -> list[BaseException]:
        loop = asyncio.get_running_loop()
        reports: list[dict[str, Any]] = []
        reported = asyncio.Event()

        def note(_loop: object, report: dict[str, Any]) -> None:
            reports.append(report)
            reported.set()

        loop.set_exception_handler(note)
        gate = Gate()
        awaitable = rust.awaitable(gate)
        awaitable.add_done_callback(lambda _: panics("in a callback"))
        gate.give(elsewhere=True)
        await reported.wait()
        # The loop goes on to be told, in its own context.
        for number in range(3):
            gate = Gate()
            waiting = asyncio.ensure_future(rust.coroutine(gate))
            await asyncio.sleep(0)
            gate.give(number, elsewhere=True)
            assert await waiting == number
        return [report["exception"] for report in reports]

    (panic,) = asyncio.run(main())
    assert str(panic) == "in a callback"


def test_in_a_comparison_it_loses_no_callback(rust: Runtime, gate: Gate) -> None:
    async def main() -> object:
        told = asyncio.get_running_loop().create_future()
        awaitable = rust.awaitable(gate)
        awaitable.add_done_callback(Touchy())
        awaitable.add_done_callback(told.set_result)
        with pytest.raises(BaseException, match="compared"):
            awaitable.remove_done_callback(print)
        gate.give(elsewhere=True)
        return await told is awaitable

    assert asyncio.run(main())


@pytest.mark.parametrize("placement", ["spawn", "poll_first"])
def test_as_an_outcome_it_ends_the_coroutine(rust: Runtime, gate: Gate, placement: Any) -> None:
    async def main() -> tuple[bool, object]:
        coroutine = rust.coroutine(gate, placement)
        task = asyncio.ensure_future(coroutine)
        await asyncio.sleep(0)
        panic = panic_of_others()
        gate.fail(panic, elsewhere=True)
        with pytest.raises(BaseException, match="of others") as raised:
            await task
        assert raised.value is panic
        return coroutine.cr_running, coroutine.cr_frame

    assert asyncio.run(main()) == (False, None)


def test_as_an_outcome_it_is_raised_to_each_who_asks(rust: Runtime, gate: Gate) -> None:
    async def main() -> None:
        awaitable = rust.awaitable(gate)
        panic = panic_of_others()
        gate.fail(panic, elsewhere=True)
        for _ in range(2):
            with pytest.raises(BaseException, match="of others") as raised:
                await awaitable
            assert raised.value is panic

    asyncio.run(main())


def test_in_a_description_it_does_not_hide_later_ones() -> None:
    class Shy:
        def __repr__(self) -> str:
            panics("no description")

    async def main() -> None:
        awaitable: Awaitable[object] = Awaitable()
        awaitable.set_result(Shy())
        for _ in range(2):
            with pytest.raises(BaseException, match="no description"):
                repr(awaitable)

    asyncio.run(main())
