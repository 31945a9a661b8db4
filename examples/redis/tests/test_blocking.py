"""Commands that wait on the server, each on a connection of its own."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest
from crossawait_redis_example import Client
from redis_server import RedisServer


async def blocked(client: Client, count: int) -> None:
    """Return once that many clients of the server's wait."""
    while f"blocked_clients:{count}\r".encode() not in await client.execute("INFO", "clients"):
        await anyio.lowlevel.checkpoint()


async def test_what_is_there_is_popped_at_once(client: Client) -> None:
    await client.execute("RPUSH", "list", "a", "b")
    assert await client.blpop("empty", "list") == [b"list", b"a"]
    assert await client.blpop("list", timeout=30) == [b"list", b"b"]


async def test_nothing_comes(client: Client) -> None:
    assert await client.blpop("list", timeout=0.01) is None
    assert await client.blpop("list", timeout=0) is None


async def test_those_who_wait_do_not_hold_up_the_others(server: RedisServer) -> None:
    client = await Client.connect(server.url, connections=1)
    popped: list[bytes] = []

    async def pop() -> None:
        taken = await client.blpop("list")
        assert taken is not None
        popped.append(taken[1])

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(pop)
        await blocked(client, 5)
        await client.set("key", "value")
        assert await client.get("key") == b"value"
        await client.execute("RPUSH", "list", *range(5))
    assert sorted(popped) == [b"0", b"1", b"2", b"3", b"4"]


async def test_the_connection_is_used_again(own_server: RedisServer) -> None:
    client = await Client.connect(own_server.url)
    for _ in range(3):
        await client.blpop("list", timeout=0.001)
    # The pool's, and one.
    assert len((await client.execute("CLIENT", "LIST")).splitlines()) == 2


async def test_cancelled_it_takes_nothing(client: Client) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(client.blpop, "list")
        await blocked(client, 1)
        group.cancel_scope.cancel()
    await blocked(client, 0)
    await client.execute("RPUSH", "list", "kept")
    assert await client.execute("LRANGE", "list", 0, -1) == [b"kept"]


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
async def test_what_is_no_timeout(client: Client, seconds: float) -> None:
    with pytest.raises(ValueError, match="no timeout"):
        client.blpop("list", timeout=seconds)
