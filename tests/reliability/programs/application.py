"""A small ASGI application that has a runtime do its work; gunicorn and uvicorn serve it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

import crossawait

NAME = os.environ["APPLICATION_RUNTIME"]

if os.environ["APPLICATION_WHEN"] == "after":
    # What an application may do as it is imported, which with --preload is before the workers are forked.
    crossawait.use(NAME)
    asyncio.run(asyncio.wait_for(crossawait.runtime().run_blocking(os.getpid), 30))


async def work(number: int) -> int:
    """Carries a number over a connection, a thread of the pool and a timer."""
    runtime = crossawait.runtime() if os.environ["APPLICATION_WHEN"] == "after" else crossawait.use(NAME)
    assert runtime.name == NAME
    async with await runtime.listen("127.0.0.1", 0) as listener:
        client = await runtime.connect(listener.address[0], int(listener.address[1]))
        server, _ = await listener.accept()
        async with client, server:
            await client.write_all(b"%d" % number)
            await runtime.sleep(0.001)
            return await runtime.run_blocking(int, await server.read(100))


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers a request for /<number> with the number, and which process did it."""
    assert scope["type"] == "http"
    answer: dict[str, Any] = {"process": os.getpid()}
    begun = time.monotonic()
    try:
        answer["number"] = await work(int(scope["path"].strip("/")))
    except crossawait.RuntimeClosedError as error:
        answer.update(refused=str(error), taken=time.monotonic() - begun)
    await send({"type": "http.response.start", "status": 503 if "refused" in answer else 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
