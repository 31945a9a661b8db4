"""Commands, one at a time and in pipelines."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from crossawait_redis_example import RUNTIME, Client, RedisError
from redis_server import RedisServer


def test_the_build_is_the_one_that_is_meant() -> None:
    assert os.environ.get("EXAMPLE_RUNTIME", RUNTIME) == RUNTIME


async def test_set_get_delete(client: Client) -> None:
    assert await client.get("key") is None
    await client.set("key", b"\x00value\xff")
    assert await client.get("key") == b"\x00value\xff"
    assert await client.get(b"key") == b"\x00value\xff"
    assert await client.delete("key", "other") == 1
    assert await client.get("key") is None


async def test_incr(client: Client) -> None:
    assert [await client.incr("n"), await client.incr("n", 41), await client.incr("n", by=-2)] == [1, 42, 40]


@pytest.mark.parametrize(
    ("value", "stored"),
    [("grün", "grün".encode()), (42, b"42"), (2**70, str(2**70).encode()), (0.5, b"0.5"), (b"", b"")],
)
async def test_arguments(client: Client, value: Any, stored: bytes) -> None:
    await client.set("key", value)
    assert await client.get("key") == stored


@pytest.mark.parametrize("value", [True, None, ["a"], object()])
async def test_what_is_no_argument(client: Client, value: Any) -> None:
    with pytest.raises(TypeError, match="bytes, str, int and float"):
        client.set("key", value)


async def test_execute_gives_any_answer_as_it_is(client: Client) -> None:
    assert await client.execute("PING") == b"PONG"
    assert await client.execute("SET", "key", 1) == b"OK"
    assert await client.execute("RPUSH", "list", "a", "b") == 2
    assert await client.execute("LRANGE", "list", 0, -1) == [b"a", b"b"]
    assert await client.execute("GET", "missing") is None
    with pytest.raises(ValueError, match="name"):
        client.execute()


async def test_the_third_protocol_has_more_kinds_of_answers(client: Client, server: RedisServer) -> None:
    third = await Client.connect(f"{server.url}?protocol=resp3")
    await third.execute("HSET", "hash", "field", "value")
    assert await third.execute("HGETALL", "hash") == {b"field": b"value"}
    await third.execute("ZADD", "zset", 1.5, "member")
    assert await third.execute("ZSCORE", "zset", "member") == 1.5
    await third.execute("SADD", "set", "member")
    assert await third.execute("SMEMBERS", "set") == [b"member"]


async def test_pipeline(client: Client) -> None:
    commands: list[Sequence[str | int]] = [
        ("SET", "key", 1),
        ("INCR", "key"),
        ["GET", "key"],
        ("GET", "other"),
    ]
    assert await client.pipeline(commands) == [b"OK", 2, b"2", None]
    assert await client.pipeline(iter(commands), transaction=True) == [b"OK", 2, b"2", None]
    assert await client.pipeline([]) == []


async def test_an_error_in_a_pipeline(client: Client) -> None:
    with pytest.raises(RedisError, match="not an integer"):
        await client.pipeline([("SET", "key", "x"), ("INCR", "key"), ("SET", "after", "done")])
    assert await client.get("after") == b"done"


@pytest.mark.parametrize("command", ["GET key", b"GET key"])
async def test_a_command_is_no_string(client: Client, command: Any) -> None:
    with pytest.raises(TypeError, match="not one string"):
        client.pipeline([command])


async def test_many_tasks_share_the_connections(own_server: RedisServer) -> None:
    client = await Client.connect(own_server.url, connections=2)
    results: dict[int, bytes | None] = {}

    async def set_and_get(number: int) -> None:
        await client.set(f"key {number}", number)
        results[number] = await client.get(f"key {number}")

    async with anyio.create_task_group() as group:
        for number in range(500):
            group.start_soon(set_and_get, number)
    assert results == {number: str(number).encode() for number in range(500)}
    assert len((await client.execute("CLIENT", "LIST")).splitlines()) == 2


async def test_a_verb_gives_a_coroutine(client: Client) -> None:
    coroutine = client.incr("n")
    assert inspect.isawaitable(coroutine)
    assert coroutine.__qualname__ == "Client.incr"
    # Nothing has run.
    assert await client.get("n") is None
    assert await coroutine == 1
