"""Subscriptions, as an iterator and as a callback."""

from __future__ import annotations

import contextvars

import anyio
import pytest
from anyio.lowlevel import checkpoint
from crossawait_redis_example import Client
from redis_server import RedisServer


@pytest.fixture
def channel(request: pytest.FixtureRequest) -> str:
    """A channel of the test's own: what another has left may take a moment to go."""
    return str(request.node.name)


async def subscribers(client: Client, channel: str, count: int) -> None:
    """Return once the channel has that many."""
    while await client.execute("PUBSUB", "NUMSUB", channel) != [channel.encode(), count]:
        await checkpoint()


async def test_messages_come_in_order(client: Client, channel: str) -> None:
    messages = await client.subscribe(channel)
    for number in range(3000):
        assert await client.publish(channel, number) == 1
    assert await client.publish("another", "unheard") == 0
    got: list[bytes] = []
    async for message in messages:
        got.append(message)
        if len(got) == 3000:
            break
    assert got == [str(number).encode() for number in range(3000)]


async def test_it_waits_for_messages(client: Client, channel: str) -> None:
    messages = await client.subscribe(channel)
    got: list[bytes] = []

    async def listen() -> None:
        async for message in messages:
            got.append(message)
            if message == b"end":
                return

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        for message in ("one", "two", "end"):
            await client.publish(channel, message)
    assert got == [b"one", b"two", b"end"]


async def test_every_subscription_gets_every_message(client: Client, channel: str) -> None:
    iterators = [await client.subscribe(channel) for _ in range(5)]
    assert await client.publish(channel, b"\x00\xff") == 5
    assert [await iterator.__anext__() for iterator in iterators] == [b"\x00\xff"] * 5


async def test_closed_it_unsubscribes(client: Client, channel: str) -> None:
    messages = await client.subscribe(channel)
    await client.publish(channel, "one")
    assert await messages.__anext__() == b"one"
    await messages.aclose()
    await subscribers(client, channel, 0)
    with pytest.raises(StopAsyncIteration):
        await messages.__anext__()


async def test_let_go_of_it_unsubscribes(client: Client, channel: str) -> None:
    messages = await client.subscribe(channel)
    await subscribers(client, channel, 1)
    del messages
    await subscribers(client, channel, 0)


async def test_the_server_ends_it(own_server: RedisServer, channel: str) -> None:
    client = await Client.connect(own_server.url)
    messages = await client.subscribe(channel)
    await client.publish(channel, "one")
    own_server.stop()
    assert await messages.__anext__() == b"one"
    with pytest.raises(ConnectionError, match="closed"):
        await messages.__anext__()


async def test_a_callback_gets_the_messages_one_after_the_other(client: Client, channel: str) -> None:
    running: list[bytes] = []
    got: list[bytes] = []
    finished = anyio.Event()

    async def callback(message: bytes) -> None:
        running.append(message)
        assert running == [message]
        await checkpoint()
        # Back into Rust on the way.
        await client.incr("calls")
        got.append(running.pop())
        if len(got) == 100:
            finished.set()

    listening = await client.on_message(channel, callback)
    for number in range(100):
        assert await client.publish(channel, number) == 1
    await finished.wait()
    assert got == [str(number).encode() for number in range(100)]
    assert await client.get("calls") == b"100"
    listening.cancel()
    await subscribers(client, channel, 0)


async def test_a_callback_sees_the_context_of_whoever_asked_for_it(client: Client, channel: str) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    seen: list[str] = []
    called = anyio.Event()

    async def callback(_message: bytes) -> None:
        seen.append(variable.get())
        called.set()

    variable.set("set")
    listening = await client.on_message(channel, callback)
    variable.set("changed")
    await client.publish(channel, "")
    await called.wait()
    assert seen == ["set"]
    listening.cancel()


async def test_what_a_callback_raises_ends_it(client: Client, channel: str) -> None:
    async def callback(message: bytes) -> None:
        raise LookupError(message)

    listening = await client.on_message(channel, callback)
    await client.publish(channel, "one")
    with pytest.raises(LookupError, match="one") as raised:
        await listening
    assert raised.traceback[-1].name == "callback"
    await subscribers(client, channel, 0)


async def test_a_callback_has_to_be_async(client: Client, channel: str) -> None:
    listening = await client.on_message(channel, lambda message: message)  # type: ignore[arg-type, return-value]
    await client.publish(channel, "one")
    with pytest.raises(TypeError):
        await listening


async def test_cancelled_while_a_callback_runs(client: Client, channel: str) -> None:
    entered, cancelled = anyio.Event(), anyio.Event()

    async def callback(_message: bytes) -> None:
        entered.set()
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    listening = await client.on_message(channel, callback)
    await client.publish(channel, "one")
    await entered.wait()
    listening.cancel()
    await cancelled.wait()


async def test_let_go_of_a_callback_is_called_no_more(client: Client, channel: str) -> None:
    async def callback(_message: bytes) -> None:
        raise AssertionError

    listening = await client.on_message(channel, callback)
    await subscribers(client, channel, 1)
    del listening
    await subscribers(client, channel, 0)


async def test_the_server_ends_a_callback(own_server: RedisServer, channel: str) -> None:
    async def callback(_message: bytes) -> None: ...

    client = await Client.connect(own_server.url)
    listening = await client.on_message(channel, callback)
    own_server.stop()
    with pytest.raises(ConnectionError, match="closed"):
        await listening


def test_a_callback_needs_a_loop(server: RedisServer, channel: str) -> None:
    async def connect() -> Client:
        return await Client.connect(server.url)

    async def callback(_message: bytes) -> None: ...

    client = anyio.run(connect)
    with pytest.raises(RuntimeError, match="loop"):
        client.on_message(channel, callback)
