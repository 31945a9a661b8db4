"""What the macros make of an `async fn`: a function or a method as Python has them."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import crossawait_tests as tests
import pytest
from anyio.lowlevel import checkpoint
from crossawait_tests import Connection, Gate, Runtime

import crossawait
from event_loops import asyncio_only, every_loop, not_on_rloop
from tasks import cancel, pending, soon, spawn, until, wait_until

pytestmark = every_loop


@pytest.fixture(scope="module")
def any_rust(runtime_name: Any) -> Iterator[Runtime]:
    """A runtime of each kind."""
    runtime = Runtime(runtime_name)
    yield runtime
    runtime.shutdown()


@pytest.fixture
def connection(any_rust: Runtime) -> Connection:
    """An object on such a runtime."""
    return Connection(any_rust)


class Watch:
    """Sees an object go, and in which thread."""

    def __init__(self, connection: Connection) -> None:
        self.gone_in: list[int] = []
        self._reference = weakref.ref(connection, lambda _: self.gone_in.append(threading.get_ident()))

    @property
    def is_gone(self) -> bool:
        gc.collect()
        return self._reference() is None


async def test_arguments_come_as_they_are_called() -> None:
    assert await tests.greet("World") == "Hello, World!"
    assert await tests.greet("World", "Hi", times=2) == "Hi, World! Hi, World!"
    assert await tests.add(b=3, a=4) == 7
    assert await tests.collect(1, "two", key=3, four=4) == ((1, "two"), 3, {"four": 4})
    assert await tests.collect() == ((), 0, None)
    assert await tests.same(1, 20, 300) == 321
    assert await tests.hail("Caesar") == "Hail Caesar"


async def test_arguments_are_checked_in_the_call() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        _ = tests.greet()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        _ = tests.greet("World", times="many")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword argument 'whose'"):
        _ = tests.greet("World", whose=1)  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="__index__"):
        _ = tests.add(1, "two")  # type: ignore[arg-type]


async def test_no_value_is_none() -> None:
    awaited: object = await tests.nothing()  # type: ignore[func-returns-value]
    assert awaited is None


async def test_errors_are_raised_where_it_is_awaited() -> None:
    failing = tests.fails(2)
    with pytest.raises(FileNotFoundError):
        await failing
    with pytest.raises(LookupError, match="no such number"):
        await tests.add(2**64 - 1, 1)
    with pytest.raises(crossawait.RustPanic, match="an expected panic"):
        await tests.panics()


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (tests.greet, "(name, /, greeting=None, *, times=1)"),
        (tests.add, "(a, b=2)"),
        (tests.add_blocking, "(a, b=2)"),
        (tests.collect, "(*args, key=0, **kwargs)"),
        (tests.hail, "(whom)"),
        (tests.sync, "(number=1)"),
        # The caller is not Python's to give.
        (tests.call_back, "(runtime, function, number)"),
        (Connection.add, "(self, /, by=1)"),
        (Connection.add_blocking, "(self, /, by=1)"),
        (Connection.add_from, "(self, /, function)"),
        (Connection.start, "(self, /, gate)"),
        (Connection.connect, "(runtime)"),
    ],
)
def test_signatures(function: Any, signature: str) -> None:
    assert str(inspect.signature(function)) == signature


def test_documentation() -> None:
    assert inspect.getdoc(tests.greet) == "Greet somebody.\n\nMore than once if need be."
    assert inspect.getdoc(tests.wait_blocking) == inspect.getdoc(tests.wait) == "Wait for the gate."
    assert inspect.getdoc(Connection.add) == "Add to the count, and return it."


def test_names(gate: Gate, rust: Runtime) -> None:
    assert (tests.hail.__name__, Connection.add.__qualname__) == ("hail", "Connection.add")
    connection = Connection(rust)
    named: list[tuple[Any, str]] = [
        (tests.hail("Caesar"), "hail"),
        (tests.wait(rust, gate), "wait"),
        (connection.add(), "Connection.add"),
        (Connection.connect(rust), "Connection.connect"),
    ]
    for coroutine, name in named:
        assert coroutine.__qualname__ == name
        coroutine.close()


def test_nothing_of_the_macros_own_is_seen() -> None:
    names = [*dir(tests), *dir(Connection)]
    assert [name for name in names if "crossawait" in name] == ["crossawait_tests"]


def test_what_is_not_async_is_as_it_was(rust: Runtime) -> None:
    assert tests.sync(3) == 3
    assert Connection(rust).count == 0


def test_a_coroutine_is_lazy_and_native(rust: Runtime, gate: Gate) -> None:
    coroutine = tests.wait(rust, gate)
    assert inspect.isawaitable(coroutine)
    assert asyncio.iscoroutine(coroutine)
    assert gate.polls == 0
    coroutine.close()


async def test_one_that_waits(any_rust: Runtime, gate: Gate) -> None:
    soon(lambda: gate.give("value", elsewhere=True))
    assert await tests.wait(any_rust, gate) == "value"
    # Begun here, gone on with there.
    first, *others = gate.polled_here
    assert first
    assert others
    assert not any(others)


async def test_one_that_is_polled_elsewhere_alone(any_rust: Runtime, gate: Gate) -> None:
    gate.give("value")
    assert await tests.wait_elsewhere(any_rust, gate) == "value"
    assert gate.polled_here == [False]


async def test_cancellation_drops_the_future(any_rust: Runtime, gate: Gate) -> None:
    task = await pending(tests.wait(any_rust, gate))
    await cancel(task)
    gate.wait_dropped()


async def test_a_closed_runtime(gate: Gate) -> None:
    runtime = Runtime("custom")
    runtime.shutdown()
    with pytest.raises(crossawait.RuntimeClosedError):
        _ = tests.wait(runtime, gate)
    with pytest.raises(crossawait.RuntimeClosedError):
        Connection(runtime).wait_blocking(gate)


async def test_started_at_once(any_rust: Runtime, gate: Gate) -> None:
    awaitable = tests.wait_started(any_rust, gate)
    assert isinstance(awaitable, tests.Awaitable)
    gate.wait_polled()
    assert gate.polled_here == [False]
    gate.give("value", elsewhere=True)
    assert await awaitable == "value"


async def test_a_method_that_is_started_at_once(connection: Connection, gate: Gate) -> None:
    awaitable = connection.start(gate)
    assert "Connection.start" in repr(awaitable)
    gate.wait_polled()
    gate.give("value", elsewhere=True)
    assert (await awaitable, connection.count) == ("value", 1)


@pytest.mark.parametrize("runtime", ["tokio", "async-std", "smol"])
def test_blocking_twins(runtime: Any) -> None:
    rust = Runtime(runtime)
    gates = [Gate(), Gate()]
    assert tests.add_blocking(1) == 3
    with pytest.raises(FileNotFoundError):
        tests.fails_blocking(2)
    gates[0].give("value", elsewhere=True)
    assert tests.wait_blocking(rust, gates[0]) == "value"
    connection = Connection.connect_blocking(rust)
    gates[1].give("other", elsewhere=True)
    assert (connection.wait_blocking(gates[1]), connection.add_blocking(5)) == ("other", 6)
    watch = Watch(connection)
    del connection
    assert watch.is_gone
    rust.shutdown()


@asyncio_only
async def test_a_blocking_twin_where_a_loop_runs(any_rust: Runtime, gate: Gate) -> None:
    connection = Connection(any_rust)
    gate.give("value", elsewhere=True)
    assert connection.wait_blocking(gate) == "value"
    watch = Watch(connection)
    del connection
    await until(lambda: watch.is_gone)


async def test_methods(connection: Connection, any_rust: Runtime) -> None:
    assert (await connection.add(), await connection.add(by=2), connection.count) == (1, 3, 3)
    made = await Connection.connect(any_rust)
    assert (type(made), made.count) == (Connection, 0)


async def test_special_methods(connection: Connection) -> None:
    assert [count async for count in connection] == [1, 2, 3]
    async with connection as count:
        assert count == 14
    assert connection.count == 114
    async with connection:
        # What it returns ends the matter.
        raise LookupError


async def test_calling_python(any_rust: Runtime, connection: Connection) -> None:
    async def double(number: int) -> int:
        await checkpoint()
        called.append(threading.get_ident())
        return 2 * number

    async def five() -> int:
        return await double(2) + 1

    called: list[int] = []
    assert await tests.call_back(any_rust, double, 4) == 9
    assert await connection.add_from(five) == 5
    assert called == [threading.get_ident()] * 2


def test_calling_python_where_no_loop_runs(rust: Runtime) -> None:
    async def never() -> int:
        raise NotImplementedError

    with pytest.raises(RuntimeError, match="no running event loop"):
        _ = Connection(rust).add_from(never)


async def test_the_object_lives_as_long_as_its_futures(any_rust: Runtime, gate: Gate) -> None:
    connection = Connection(any_rust)
    task = spawn(connection.wait(gate))
    watch = Watch(connection)
    del connection
    gate.give("value", elsewhere=True)
    assert await task == "value"
    del task
    # Let go by a worker, it has gone here.
    await until(lambda: watch.is_gone)
    assert watch.gone_in == [threading.get_ident()]


async def test_a_cancelled_future_lets_the_object_go(any_rust: Runtime, gate: Gate) -> None:
    connection = Connection(any_rust)
    task = await pending(connection.wait(gate))
    gate.wait_polled()
    watch = Watch(connection)
    del connection
    assert not watch.is_gone
    await cancel(task)
    del task
    gate.wait_dropped()
    await until(lambda: watch.is_gone)
    assert watch.gone_in == [threading.get_ident()]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
async def test_one_never_awaited_lets_the_object_go(any_rust: Runtime, gate: Gate) -> None:
    connection = Connection(any_rust)
    coroutine = connection.wait(gate)
    watch = Watch(connection)
    del connection
    assert not watch.is_gone
    del coroutine
    # At once: no loop has to come round.
    assert watch.is_gone


def test_made_outside_of_any_loop(any_rust: Runtime, gate: Gate) -> None:
    async def main(coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        await until(lambda: gate.polls)
        assert not watch.is_gone
        task.cancel()
        await asyncio.wait([task])
        del task, coroutine
        gate.wait_dropped()
        # It has no loop to go to: whoever enters the extension works off what unattached threads let go of.
        await until(lambda: gate.drops and watch.is_gone)

    connection = Connection(any_rust)
    watch = Watch(connection)
    coroutines = [connection.wait(gate)]
    del connection
    # The loop did not exist when the future was made.
    asyncio.run(main(coroutines.pop()))
    assert watch.gone_in == [threading.get_ident()]


def test_started_where_there_is_no_loop_at_all(any_rust: Runtime, gate: Gate) -> None:
    connection = Connection(any_rust)
    awaitable = connection.start(gate)
    watch = Watch(connection)
    del connection
    gate.give("value", elsewhere=True)
    assert awaitable.wait() == "value"
    # Whoever waits has come back by then.
    assert watch.is_gone


def test_cancelled_where_there_is_no_loop_at_all(any_rust: Runtime, gate: Gate) -> None:
    connection = Connection(any_rust)
    awaitable = connection.start(gate)
    watch = Watch(connection)
    del connection
    gate.wait_polled()
    awaitable.cancel()
    gate.wait_dropped()
    wait_until(lambda: gate.drops and watch.is_gone)


@not_on_rloop
def test_a_loop_that_is_closed_meanwhile(any_rust: Runtime, gate: Gate) -> None:
    async def main() -> None:
        connection = Connection(any_rust)
        watches.append(Watch(connection))
        awaitables.append(connection.start(gate))
        await checkpoint()

    watches: list[Watch] = []
    awaitables: list[tests.Awaitable[Any]] = []
    asyncio.run(main())
    gate.wait_polled()
    gate.give("value", elsewhere=True)
    gate.wait_dropped()
    wait_until(lambda: gate.drops and watches[0].is_gone)
