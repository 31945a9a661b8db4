"""TCP on the loopback: requests and replies over few and many connections, and lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable

from crossawait._bench.contestants import Connection, Contestant, Talk
from crossawait._bench.loops import RUST
from crossawait._bench.workload import FULL, QUICK, Clock, Sample, Work, Workload, sample_of
from crossawait._bench.workloads.crossing import one_that_receives

LINE = b"x" * 99 + b"\n"
CHUNK = 65536
# So many at a time, so that no backlog overflows.
DIALLED = 50


async def echo_back(connection: Connection) -> None:
    """Serve one connection until it ends."""
    while data := await connection.read(CHUNK):
        await connection.write(data)


async def connections(contestant: Contestant, count: int) -> list[Connection]:
    """Return so many connections to an echo server of the contestant's; made the first time."""
    if "connections" not in contestant.resources:
        make_room_for(2 * count + 100)
        address = await contestant.listen(echo_back)
        made: list[Connection] = []

        async def dial() -> None:
            made.append(await contestant.connect(address))

        while len(made) < count:
            await contestant.tasks.together([dial] * min(DIALLED, count - len(made)))
        contestant.resources["connections"] = made
    held: list[Connection] = contestant.resources["connections"]
    return held


def make_room_for(descriptors: int) -> None:
    """Raise the number of files that may be open, as far as the system lets anybody.

    Raises:
        OSError: the system's own limit is lower.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < descriptors:
        raise OSError(f"{descriptors} open files are needed, and the limit is {hard} (ulimit -n)")
    if soft != resource.RLIM_INFINITY and soft < descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))


def echo(parallel: int, size: int) -> Work:
    """Return the work of so many connections with messages of that size."""
    message = b"x" * size

    async def sample(contestant: Contestant, count: int) -> Sample:
        latencies: list[float] = []
        each = max(1, count // parallel)
        if contestant.loop == RUST:
            return await echo_in_rust(contestant, parallel, size, each)

        def talk(connection: Connection) -> Callable[[], Awaitable[None]]:
            read_exactly, write = connection.read_exactly, connection.write

            async def requests() -> None:
                for _ in range(each):
                    start = time.perf_counter()
                    await write(message)
                    reply = await read_exactly(size)
                    latencies.append(time.perf_counter() - start)
                    if len(reply) != size:
                        raise ConnectionError(f"the echo came back as {len(reply)} of {size} bytes")

            return requests

        talks = [talk(connection) for connection in await connections(contestant, parallel)]
        clock = Clock()
        await contestant.tasks.together(talks)  # type: ignore[arg-type]
        return Sample(clock.each(each * parallel).value, sample_of(latencies).percentiles)

    return sample


async def echo_in_rust(contestant: Contestant, parallel: int, size: int, each: int) -> Sample:
    """The same, with nothing left to Python but to start it and to hear of its end."""
    if "talks" not in contestant.resources:
        make_room_for(2 * parallel + 100)
        contestant.resources["talks"] = [await contestant.talk_without_python() for _ in range(parallel)]
    talks: list[Talk] = contestant.resources["talks"]
    latencies: list[float] = []

    def talking(talk: Talk) -> Callable[[], Awaitable[None]]:
        async def requests() -> None:
            latencies.extend(await talk(size, each))

        return requests

    calls = [talking(talk) for talk in talks]
    clock = Clock()
    await contestant.tasks.together(calls)  # type: ignore[arg-type]
    return Sample(clock.each(each * parallel).value, sample_of(latencies).percentiles)


async def reads(contestant: Contestant, count: int) -> Sample:
    """Take what a thread without Python has to send, as much at a time as fits."""
    if "reads" not in contestant.resources:
        contestant.resources["reads"] = await one_that_receives(contestant)
    send, receiver = contestant.resources["reads"]
    left = count * CHUNK
    # `sendall` waits without the interpreter's lock: what is read is all that Python does meanwhile.
    sending = threading.Thread(target=send, args=(bytes(left),))
    sending.start()
    clock = Clock()
    while left > 0:
        data = await receiver.read(CHUNK)
        if not data:
            raise ConnectionError(f"the end came {left} bytes too early")
        left -= len(data)
    sample = clock.each(count)
    sending.join()
    return sample


async def lines(contestant: Contestant, count: int) -> Sample:
    """One end writes lines by the hundred, the other reads them one by one."""
    if "address" not in contestant.resources:
        waiting: list[Connection] = []

        async def keep(connection: Connection) -> None:
            waiting.append(connection)
            while True:
                await contestant.tasks.sleep(3600)

        contestant.resources["address"] = await contestant.listen(keep)
        contestant.resources["reader"] = await contestant.connect(contestant.resources["address"])
        while not waiting:
            await contestant.tasks.sleep(0.001)
        contestant.resources["writer"] = waiting[0]
    reader: Connection = contestant.resources["reader"]
    writer: Connection = contestant.resources["writer"]

    async def write() -> None:
        for _ in range(count // 100):
            await writer.write(LINE * 100)

    async def read() -> None:
        for _ in range(count // 100 * 100):
            await reader.read_line()

    clock = Clock()
    await contestant.tasks.together([write, read])
    return clock.each(count // 100 * 100)


def echoes(parallel: int, size: int, count: int, quick: int, *, level: int = QUICK) -> Workload:
    """Return the workload of so many connections with messages of that size."""
    small = size < 1024
    unit = f"{size} B" if small else f"{size // 1024} KiB"
    plural = "connection" if parallel == 1 else "connections"
    return Workload(
        f"echo-{parallel}" if small else f"echo-{parallel}-{size // 1024}k",
        f"{{count}} echo requests of {unit} over {parallel:,} {plural}",
        count,
        quick,
        echo(parallel, size),
        curve=f"TCP echo of {unit}, by connections",
        at=parallel,
        level=level,
        limit=True,
    )


WORKLOADS = (
    Workload("lines", "{count} lines of 100 bytes read one by one from one connection", 20_000, 3_000, lines),
    Workload("read-64k", "{count} times 64 KiB, read from one connection", 2_000, 400, reads),
    echoes(1, 64, 2_000, 200),
    echoes(64, 64, 6_400, 640),
    echoes(1_000, 64, 10_000, 1_000),
    echoes(1, CHUNK, 500, 50),
    echoes(64, CHUNK, 1_280, 128),
    echoes(1_000, CHUNK, 1_000, 1_000, level=FULL),
)
