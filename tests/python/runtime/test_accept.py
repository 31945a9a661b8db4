"""`accept` and `async for` over a listener: every connection is given out once, and none is lost."""

from __future__ import annotations

import contextlib
import errno
import socket
from pathlib import Path
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from crossawait import Listener, Runtime
from event_loops import HANGS
from sockets import LOCALHOST, host_and_port
from tasks import (
    awaited_by,
    cancel,
    cancel_late,
    ended,
    gives_none,
    pending,
    spawn,
    until,
    wait_until_settled,
)


def connect(listener: Listener) -> socket.socket:
    """A connection that is in the listener's backlog at once."""
    return socket.create_connection(host_and_port(listener), HANGS)


async def test_connections_come_in_order(runtime: Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener:
        peers = [connect(listener) for _ in range(5)]
        for peer in peers:
            stream, address = await listener.accept()
            assert address == peer.getsockname()
            await stream.close()
            peer.close()


async def test_a_cancelled_accept_takes_no_connection(runtime: Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener:
        await cancel(await pending(listener.accept()))
        with connect(listener) as peer:
            stream, address = await listener.accept()
            assert address == peer.getsockname()
            await stream.close()


async def test_a_connection_that_came_before_the_cancellation_was_seen_goes_to_the_next(
    runtime: Runtime,
) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener:
        task = await pending(listener.accept())
        with connect(listener) as peer:
            wait_until_settled(task)
            stream, address = await (listener.accept() if await cancel_late(task) else task)
            assert address == peer.getsockname()
            await stream.close()


async def test_a_connection_that_is_given_back_reaches_an_accept_that_waits(runtime: Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener:
        for _ in range(5):
            tasks = [await pending(listener.accept()) for _ in range(3)]
            with connect(listener) as peer:
                wait_until_settled(*tasks)
                (got,) = (n for n, task in enumerate(tasks) if awaited_by(task.get_coro()).done())
                if await cancel_late(tasks[got]):
                    del tasks[got]
                    await until(lambda tasks=tasks: any(task.done() for task in tasks))  # type: ignore[misc]
                    (got,) = (n for n, task in enumerate(tasks) if task.done())
                stream, address = tasks.pop(got).result()
                assert address == peer.getsockname()
                await stream.close()
            for task in tasks:
                await cancel(task)


async def test_cancellation_racing_with_arrival_loses_no_connection(runtime: Runtime) -> None:
    accepted: list[Any] = []
    connected: list[Any] = []
    async with await runtime.listen(LOCALHOST, 0) as listener:
        for turn in range(200):
            task = spawn(listener.accept())
            await checkpoint()
            with connect(listener) as peer:
                connected.append(peer.getsockname())
            for _ in range(turn % 4):
                await checkpoint()
            task.cancel()
            if await ended(task) is None:
                stream, address = task.result()
                accepted.append(address)
                await stream.close()
        while len(accepted) < len(connected):
            stream, address = await listener.accept()
            accepted.append(address)
            await stream.close()
    assert accepted == connected


async def test_an_async_for_goes_over_the_connections_and_ends_on_close(runtime: Runtime) -> None:
    addresses: list[Any] = []

    async def serve(listener: Listener) -> str:
        async for stream, address in listener:
            addresses.append(address)
            await stream.write_all(b"welcome")
            await stream.close()
        return "over"

    async with await runtime.listen(LOCALHOST, 0) as listener:
        server = spawn(serve(listener))
        clients = [await runtime.connect(*host_and_port(listener)) for _ in range(10)]
        for client in clients:
            assert await client.read_exactly(7) == b"welcome"
            assert await client.read(1) == b""
        await listener.close()
        assert await server == "over"
        assert sorted(addresses) == sorted(client.local_address for client in clients)
    for client in clients:
        await client.close()


async def test_an_async_for_over_a_closed_listener_is_over_at_once(runtime: Runtime) -> None:
    listener = await runtime.listen(LOCALHOST, 0)
    await listener.close()
    assert [pair async for pair in listener] == []
    assert listener.__aiter__() is listener


async def test_accepts_that_wait_when_the_listener_closes_raise(runtime: Runtime) -> None:
    listener = await runtime.listen(LOCALHOST, 0)
    tasks = [await pending(listener.accept()) for _ in range(3)]
    await listener.close()
    for task in tasks:
        error = await ended(task)
        assert isinstance(error, OSError)
        assert error.errno == errno.EBADF


async def test_a_closed_listener_has_left_its_address(runtime: Runtime) -> None:
    listener = await runtime.listen(LOCALHOST, 0)
    address = host_and_port(listener)
    waiting = await pending(listener.accept())
    await listener.close()
    await ended(waiting)
    assert listener.address == address
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    async with await runtime.listen(*address) as again:
        assert again.address == address


async def test_a_closed_unix_listener_leaves_its_file(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with await runtime.listen_unix(path):
        assert path.is_socket()
    assert path.is_socket()
    with pytest.raises(ConnectionRefusedError):
        await runtime.connect_unix(path)


async def test_use_after_close_says_so_and_closing_twice_is_no_error(runtime: Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener:
        await listener.close()
        assert await gives_none(listener.close())
        with pytest.raises(OSError, match="the listener is closed") as caught:
            await listener.accept()
        assert caught.value.errno == errno.EBADF


async def test_accepted_connections_outlive_the_listener(runtime: Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener:
        peer = connect(listener)
        stream, _ = await listener.accept()
    with peer:
        async with stream:
            peer.sendall(b"still here")
            assert await stream.read(1000) == b"still here"


async def test_connections_that_nobody_accepted_are_reset_by_close(runtime: Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener:
        task = await pending(listener.accept())
        with connect(listener) as given_back, connect(listener) as in_backlog:
            wait_until_settled(task)
            if not await cancel_late(task):
                await task.result()[0].close()
            await listener.close()
            for peer in (given_back, in_backlog):
                with contextlib.suppress(ConnectionResetError):
                    assert peer.recv(1) == b""
