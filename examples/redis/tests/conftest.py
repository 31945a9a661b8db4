"""The server, the event loops, and a client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from crossawait_redis_example import RUNTIME, Client
from redis_server import RedisServer

LOOPS: dict[str, tuple[str, dict[str, Any]]] = {
    "asyncio": ("asyncio", {"use_uvloop": False}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}


def pytest_report_header() -> str:
    """Say which build is tested."""
    return f"runtime: {RUNTIME}; event loops: {', '.join(LOOPS)}"


@pytest.fixture(params=list(LOOPS.values()), ids=list(LOOPS))
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """The event loop that a test runs on."""
    return request.param


@pytest.fixture(scope="session")
def server() -> Iterator[RedisServer]:
    """A server that the tests share."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server of the test's own, which it may stop and start again."""
    with RedisServer() as server:
        yield server


@pytest.fixture
async def client(server: RedisServer) -> Client:
    """A client with two connections, and an empty database behind it."""
    client = await Client.connect(server.url, connections=2, timeout=30.0)
    await client.execute("FLUSHALL")
    return client
