"""The main job on every installed runtime: a server, and clients that do `data = await stream.read(1000)`.

`crossawait bench` compares the runtimes with asyncio afterwards.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import crossawait

HOST = "127.0.0.1"


async def show(name: str) -> None:
    """A server and three clients on one runtime, saying what happens."""
    async with crossawait.Runtime(name) as runtime, await runtime.listen(HOST, 0) as listener:
        print(f"\n{name}: listening on {listener.address}")
        server = asyncio.create_task(greet(listener))
        await asyncio.gather(*(ask(runtime, listener.address, guest) for guest in ("Ada", "Grace", "Edsger")))
        await stop(server)
        metrics = runtime.metrics()
        print(
            f"{name}: {metrics.tasks_spawned} tasks on {metrics.worker_threads} worker threads,"
            f" {metrics.completions_per_wake:.1f} completions for each wake of the event loop"
        )


async def greet(listener: crossawait.Listener) -> None:
    """Answers every connection with a greeting."""
    async for stream, _address in listener:
        async with stream:
            guest = await stream.read(1000)
            await stream.write_all(b"Good day, " + guest)


async def ask(runtime: crossawait.Runtime, address: object, guest: str) -> None:
    """Connects, says who is there, and prints what comes back."""
    async with await runtime.connect(*host_and_port(address)) as stream:
        await stream.write_all(guest.encode())
        data = await stream.read(1000)
        print(f"  {guest} at {stream.local_address} read {data!r}")


def host_and_port(address: object) -> tuple[str, int]:
    """Returns the first two parts of a TCP socket's address."""
    match address:
        case (str(host), int(port), *_):
            return host, port
    raise TypeError(f"not the address of a TCP socket: {address!r}")


async def stop(task: asyncio.Task[None]) -> None:
    """Cancels a task and waits until it has ended."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def main() -> None:
    """Shows the main job on each installed runtime."""
    names = crossawait.available()
    if not names:
        try:
            crossawait.runtime()
        except crossawait.RuntimeNotFoundError as error:
            sys.exit(f"demo: {error}")
    print(f"crossawait {crossawait.__version__} with {', '.join(names)}")
    for name in names:
        asyncio.run(show(name))


if __name__ == "__main__":
    main()
