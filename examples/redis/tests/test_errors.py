"""What goes wrong, as Python exceptions."""

from __future__ import annotations

import contextlib
import socket

import anyio
import pytest
from crossawait_redis_example import Client, RedisError
from redis_server import RedisServer


async def test_a_refused_command(client: Client) -> None:
    await client.set("key", "text")
    with pytest.raises(RedisError, match="not an integer"):
        await client.incr("key")
    with pytest.raises(RedisError, match="WRONGTYPE"):
        await client.execute("LPUSH", "key", "value")
    with pytest.raises(RedisError, match="unknown command"):
        await client.execute("NO_SUCH_COMMAND")
    assert issubclass(RedisError, Exception)


async def test_the_connection_goes_on_after_an_error(client: Client) -> None:
    for _ in range(10):
        with pytest.raises(RedisError):
            await client.execute("NO_SUCH_COMMAND")
    assert await client.execute("PING") == b"PONG"


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1/"])
async def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)url"):
        Client.connect(url)


async def test_no_connections() -> None:
    with pytest.raises(ValueError, match="needs a connection"):
        Client.connect("redis://127.0.0.1/", connections=0)


async def test_nobody_listens() -> None:
    with socket.socket() as bound:
        # Bound, so that nobody else can have it, and not listening.
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionError):
            await Client.connect(f"redis://127.0.0.1:{bound.getsockname()[1]}/")


async def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(TimeoutError):
            await Client.connect(url, timeout=0.05)


async def test_a_command_takes_too_long(client: Client, server: RedisServer) -> None:
    hasty = await Client.connect(server.url, timeout=0.05)
    with pytest.raises(TimeoutError, match="too long"):
        # The pool's connection, which the server holds up until there is something.
        await hasty.execute("BLPOP", "list", 0)


async def test_a_subscription_takes_too_long(own_server: RedisServer) -> None:
    client = await Client.connect(own_server.url)
    hasty = await Client.connect(own_server.url, timeout=0.05)
    await client.execute("CLIENT", "PAUSE", 60_000, "ALL")
    with pytest.raises(TimeoutError, match="too long"):
        await hasty.subscribe("channel")


async def test_cancelled_commands_leave_the_connection_in_order(client: Client) -> None:
    async def incr() -> None:
        await client.incr("n")

    for _ in range(20):
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(incr)
                await anyio.lowlevel.checkpoint()
                scope.cancel()
    await client.set("key", "value")
    assert await client.get("key") == b"value"


async def test_the_server_is_gone_and_comes_back(own_server: RedisServer) -> None:
    client = await Client.connect(own_server.url, connections=2)
    await client.set("key", "value")
    own_server.stop()
    for _ in range(4):
        with pytest.raises(ConnectionError):
            await client.get("key")
    own_server.start()
    # Either connection may fail once more: it was refused while the server was away.
    for _ in range(4):
        with contextlib.suppress(ConnectionError):
            await client.get("key")
    assert [await client.get("key") for _ in range(4)] == [None] * 4
