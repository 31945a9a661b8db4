"""Every name that users are promised is there, documented, and of the kind that is promised."""

from __future__ import annotations

import asyncio
import collections.abc
import importlib
import inspect
from typing import Any

import pytest

import crossawait
from event_loops import asyncio_only
from sockets import LOCALHOST, pair
from tasks import cancel, gives_none, pending

VERBS: dict[str, tuple[Any, ...]] = {
    "sleep": (0.0,),
    "yield_now": (),
    "run_blocking": (int,),
    "connect": (LOCALHOST, 1),
    "connect_unix": ("path",),
    "listen": (LOCALHOST, 0),
    "listen_unix": ("path",),
}


def test_the_package_has_what_is_promised_and_documents_it() -> None:
    promised = {
        "available", "runtime", "use", "Runtime", "Stream", "Listener", "Awaitable", "Coroutine", "Metrics",
        "RustPanic", "RuntimeNotFoundError", "RuntimeClosedError", "__version__",
    }  # fmt: skip
    assert promised == set(crossawait.__all__)
    for name in promised - {"__version__"}:
        value = getattr(crossawait, name)
        assert inspect.getdoc(value)
        for member, inner in vars(value).items() if inspect.isclass(value) else ():
            if not member.startswith("_") and callable(inner):
                assert inspect.getdoc(inner) or inspect.getdoc(getattr(asyncio.Future, member, None)), member


def test_errors_are_of_the_families_that_are_promised() -> None:
    assert issubclass(crossawait.RuntimeClosedError, RuntimeError)
    assert issubclass(crossawait.RuntimeNotFoundError, ImportError)
    assert issubclass(crossawait.RustPanic, Exception)


def test_all_runtimes_are_installed_in_order_of_preference() -> None:
    assert crossawait.available() == ("tokio", "smol", "async-std")


def test_a_runtime_knows_its_name_and_is_a_virtual_instance(
    runtime: crossawait.Runtime, runtime_name: str
) -> None:
    module = importlib.import_module(f"_crossawait_{runtime_name.replace('-', '_')}")
    assert runtime.name == runtime_name
    assert type(runtime) is module.Runtime
    assert isinstance(runtime, crossawait.Runtime)
    assert not runtime.closed
    assert repr(runtime) == f"<Runtime {runtime_name} open>"


@pytest.mark.parametrize("verb", VERBS)
async def test_every_verb_returns_a_coroutine_and_runs_nothing_yet(
    runtime: crossawait.Runtime, verb: str
) -> None:
    before = runtime.metrics()
    coroutine = getattr(runtime, verb)(*VERBS[verb])
    assert isinstance(coroutine, crossawait.Coroutine)
    assert isinstance(coroutine, collections.abc.Coroutine)
    assert asyncio.iscoroutine(coroutine)
    assert not asyncio.isfuture(coroutine)
    assert coroutine.__name__ == verb
    assert (coroutine.cr_running, coroutine.cr_suspended, coroutine.cr_await) == (False, False, None)
    frame: Any = coroutine.cr_frame
    assert frame.f_code.co_name == verb
    coroutine.close()
    after = runtime.metrics()
    assert (after.tasks_spawned, after.blocking_calls) == (before.tasks_spawned, before.blocking_calls)
    assert not runtime.closed


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_is_never_awaited_warns(runtime: crossawait.Runtime, verb: str) -> None:
    with pytest.warns(RuntimeWarning, match=f"coroutine '{verb}' was never awaited"):
        getattr(runtime, verb)(*VERBS[verb])


async def test_a_coroutine_can_be_awaited_once(runtime: crossawait.Runtime) -> None:
    coroutine = runtime.yield_now()
    await coroutine
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await coroutine


async def test_a_coroutine_in_two_tasks_is_refused(runtime: crossawait.Runtime) -> None:
    coroutine = runtime.sleep(60)
    first = await pending(coroutine)
    with pytest.raises(RuntimeError, match="being awaited already"):
        await coroutine
    assert not first.done()
    await cancel(first)


@asyncio_only
async def test_what_a_coroutine_waits_for_is_an_awaitable_of_its_package(
    runtime: crossawait.Runtime, runtime_name: str
) -> None:
    module = importlib.import_module(f"_crossawait_{runtime_name.replace('-', '_')}")
    coroutine = runtime.sleep(60)
    task = await pending(coroutine)
    awaitable = coroutine.cr_await
    assert type(awaitable) is module.Awaitable
    assert isinstance(awaitable, crossawait.Awaitable)
    assert asyncio.isfuture(awaitable)
    assert awaitable.get_loop() is asyncio.get_running_loop()
    task.cancel()


@asyncio_only
async def test_an_awaitable_made_in_python_is_settled_from_any_thread(
    runtime: crossawait.Runtime, runtime_name: str
) -> None:
    module = importlib.import_module(f"_crossawait_{runtime_name.replace('-', '_')}")
    awaitable = module.Awaitable()
    _, value = await asyncio.gather(runtime.run_blocking(awaitable.set_result, 42), awaitable)
    assert value == 42


async def test_streams_and_listeners_are_virtual_instances(runtime: crossawait.Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener, pair(runtime) as (client, server):
        assert isinstance(listener, crossawait.Listener)
        assert isinstance(client, crossawait.Stream)
        assert isinstance(server, crossawait.Stream)
        assert repr(listener) == f"<Listener address={listener.address!r}>"
        assert repr(client) == f"<Stream local={client.local_address!r} peer={client.peer_address!r}>"
    assert repr(listener) == f"<Listener closed address={listener.address!r}>"
    assert repr(client) == f"<Stream closed local={client.local_address!r} peer={client.peer_address!r}>"


@asyncio_only
async def test_verbs_work_wherever_coroutines_do(runtime: crossawait.Runtime) -> None:
    assert await gives_none(runtime.sleep(0))
    assert await gives_none(asyncio.create_task(runtime.sleep(0)))
    assert [*await asyncio.gather(runtime.yield_now(), runtime.run_blocking(int, "7"))] == [None, 7]
    assert await asyncio.wait_for(runtime.run_blocking(int, "7"), 60) == 7
    assert await asyncio.shield(runtime.run_blocking(int, "7")) == 7


def test_asyncio_run_takes_a_verb_that_needs_a_loop_only_to_wait(runtime: crossawait.Runtime) -> None:
    assert asyncio.run(runtime.run_blocking(int, "7")) == 7
    asyncio.run(runtime.sleep(0))
