"""A bounded piece of everything, to be run under valgrind: see the target `memcheck`."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from contextlib import suppress

import crossawait

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
HOST = "127.0.0.1"


async def timers(runtime: crossawait.Runtime) -> None:
    """Ends, cancellations before and during, callbacks, and what nobody awaits."""
    for _ in range(ROUNDS):
        naps = [asyncio.ensure_future(runtime.sleep(0.001)) for _ in range(5)]
        naps[0].cancel()
        await asyncio.sleep(0)
        naps[1].cancel()
        await asyncio.gather(*naps, return_exceptions=True)
    abandoned = asyncio.ensure_future(runtime.sleep(3600))
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(runtime.sleep(3600), 0.01)
    abandoned.cancel()
    with suppress(asyncio.CancelledError):
        await abandoned


async def calls(runtime: crossawait.Runtime) -> None:
    """Values and errors from the blocking pool."""
    for number in range(ROUNDS):
        assert await runtime.run_blocking(divmod, number + 7, 7) == divmod(number + 7, 7)
        with suppress(ZeroDivisionError):
            await runtime.run_blocking(divmod, 1, 0)


async def echo(listener: crossawait.Listener) -> None:
    """Gives back whatever comes, line by line."""
    async for stream, _address in listener:
        async with stream:
            with suppress(asyncio.IncompleteReadError):
                while True:
                    await stream.write_all(await stream.read_until(b"\n"))


async def sockets(runtime: crossawait.Runtime) -> None:
    """Connections, reads of every kind, and a read that is cancelled."""
    async with await runtime.listen(HOST, 0) as listener:
        server = asyncio.create_task(echo(listener))
        _host, port = listener.address[:2]
        async with await runtime.connect(HOST, port) as stream:
            for number in range(ROUNDS):
                line = b"%d " % number * (number * 50 + 1) + b"\n"
                await stream.write_all(line)
                assert await stream.read_exactly(len(line)) == line
            reading = asyncio.ensure_future(stream.read(1000))
            await asyncio.sleep(0.01)
            reading.cancel()
            await asyncio.wait([reading])
        server.cancel()
        with suppress(asyncio.CancelledError):
            await server


async def everything(name: str) -> None:
    """Each in turn, and all at once."""
    async with crossawait.Runtime(name, worker_threads=2) as runtime:
        await timers(runtime)
        await calls(runtime)
        await sockets(runtime)
        await asyncio.gather(timers(runtime), calls(runtime), sockets(runtime))


def main() -> None:
    """Run in two threads, one after the other: objects of one loop are met by another."""
    (name,) = sys.argv[2:] or ["tokio"]
    asyncio.run(everything(name))
    other = threading.Thread(target=lambda: asyncio.run(everything(name)))
    other.start()
    other.join()
    gc.collect()
    print("all of it has run")


if __name__ == "__main__":
    main()
