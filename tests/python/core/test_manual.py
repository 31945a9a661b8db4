"""Awaitables made in Python and settled from wherever one likes."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
from crossawait_tests import Awaitable, Gate, Runtime


def in_a_thread(function: Callable[..., object], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    return thread


async def test_result() -> None:
    awaitable: Awaitable[str] = Awaitable()
    assert awaitable.get_loop() is asyncio.get_running_loop()
    asyncio.get_running_loop().call_soon(awaitable.set_result, "value")
    assert await awaitable == "value"
    assert await awaitable == "value"


async def test_exception() -> None:
    awaitable: Awaitable[str] = Awaitable()
    error = LookupError("missing")
    awaitable.set_exception(error)
    with pytest.raises(LookupError) as caught:
        await awaitable
    assert caught.value is error


async def test_exception_class() -> None:
    awaitable: Awaitable[str] = Awaitable()
    awaitable.set_exception(LookupError)
    with pytest.raises(LookupError):
        await awaitable


@pytest.mark.parametrize("invalid", [1, object, None])
async def test_what_is_no_exception(invalid: Any) -> None:
    awaitable: Awaitable[str] = Awaitable()
    with pytest.raises(TypeError):
        awaitable.set_exception(invalid)
    assert not awaitable.done()


@pytest.mark.parametrize("stop", [StopIteration, StopIteration(1)])
async def test_stop_iteration_is_taken_as_asyncio_takes_it(stop: Any) -> None:
    def outcome(future: asyncio.Future[str]) -> type:
        try:
            future.set_exception(stop)
        except TypeError as error:
            return type(error)
        return type(future.exception())

    awaitable: Awaitable[str] = Awaitable()
    assert outcome(awaitable) is outcome(asyncio.get_running_loop().create_future())


async def test_settled_once() -> None:
    awaitable: Awaitable[int] = Awaitable()
    awaitable.set_result(1)
    with pytest.raises(asyncio.InvalidStateError):
        awaitable.set_result(2)
    with pytest.raises(asyncio.InvalidStateError):
        awaitable.set_exception(LookupError())
    assert awaitable.cancel() is False
    assert await awaitable == 1


async def test_from_another_thread_with_a_waiter() -> None:
    awaitable: Awaitable[str] = Awaitable()
    asyncio.get_running_loop().call_soon(in_a_thread, awaitable.set_result, "value")
    assert await awaitable == "value"


async def test_from_another_thread_before_the_await() -> None:
    awaitable: Awaitable[str] = Awaitable()
    in_a_thread(awaitable.set_result, "value").join()
    assert awaitable.done()
    assert await awaitable == "value"


async def test_from_another_thread_with_several_waiters() -> None:
    awaitable: Awaitable[str] = Awaitable()
    gathered = asyncio.gather(*(asyncio.shield(awaitable) for _ in range(5)))
    in_a_thread(awaitable.set_result, "value")
    assert await gathered == ["value"] * 5


async def test_from_many_threads_only_one_wins() -> None:
    for _ in range(20):
        awaitable: Awaitable[int] = Awaitable()
        together = threading.Barrier(4)
        refused: list[int] = []

        def settle(
            number: int,
            awaitable: Awaitable[int] = awaitable,
            together: threading.Barrier = together,
            refused: list[int] = refused,
        ) -> None:
            together.wait()
            try:
                awaitable.set_result(number)
            except asyncio.InvalidStateError:
                refused.append(number)

        threads = [in_a_thread(settle, number) for number in range(4)]
        result = await awaitable
        for thread in threads:
            thread.join()
        assert sorted([result, *refused]) == [0, 1, 2, 3]


async def test_cancelled_from_another_thread() -> None:
    awaitable: Awaitable[str] = Awaitable()
    asyncio.get_running_loop().call_soon(in_a_thread, awaitable.cancel, "enough")
    with pytest.raises(asyncio.CancelledError):
        await awaitable


def test_settled_while_its_loop_does_not_run() -> None:
    loop = asyncio.new_event_loop()
    try:
        awaitable: Awaitable[str] = Awaitable(loop=loop)
        told: list[str] = []
        awaitable.add_done_callback(lambda settled: told.append(settled.result()))
        in_a_thread(awaitable.set_result, "value").join()
        assert told == []
        loop.run_until_complete(asyncio.sleep(0))
        assert told == ["value"]
    finally:
        loop.close()


def test_without_any_loop() -> None:
    def make() -> None:
        try:
            Awaitable()
        except RuntimeError as error:
            raised.append(error)

    raised: list[RuntimeError] = []
    in_a_thread(make).join()
    assert len(raised) == 1


def test_waited_for_in_a_thread() -> None:
    loop = asyncio.new_event_loop()
    try:
        awaitable: Awaitable[str] = Awaitable(loop=loop)
        results: list[str] = []
        thread = in_a_thread(lambda: results.append(awaitable.wait()))
        awaitable.set_result("value")
        thread.join()
        assert results == ["value"]
        with pytest.raises(TimeoutError):
            Awaitable(loop=loop).wait(0.001)
    finally:
        loop.close()


async def test_dropping_an_unsettled_one_does_nothing() -> None:
    awaitable: Awaitable[str] = Awaitable()
    del awaitable


async def test_attributes_of_ones_own() -> None:
    awaitable: Any = Awaitable()
    awaitable.request = 7
    assert awaitable.request == 7

    class Named(Awaitable[str]):
        """A subclass of one's own."""

        name = "named"

    named = Named()
    named.set_result("value")
    assert (await named, named.name) == ("value", "named")
    awaitable.cancel()


async def test_no_dictionary_before_there_is_an_attribute(rust: Runtime, gate: Gate) -> None:
    class Named(Awaitable[str]):
        """A subclass that has no attributes yet."""

    awaitables: list[Any] = [rust.awaitable(gate), Awaitable(), Named()]
    for awaitable in awaitables:
        # The collector runs by how many objects there are: one that nobody needs is not free.
        assert not any(isinstance(referent, dict) for referent in gc.get_referents(awaitable))
        assert vars(awaitable) == {}
        awaitable.request = 7
        assert vars(awaitable) == {"request": 7}
        awaitable.cancel()


def test_generic_alias() -> None:
    assert Awaitable[int].__args__ == (int,)  # type: ignore[attr-defined]
