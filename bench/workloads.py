"""What is timed in one process: the same work for every contestant, built inside the running loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import calls
import futures
from bridges import BARE, NATIVES, OURS, OWN_FUTURE, PEERS, bridge
from measure import Sample, Subject

Call = Callable[[], Awaitable[object]]

OWN_SLEEP = "asyncio.sleep"

SLEEP = 0.005
AWAITERS = 50
SPINNERS = 20
YIELDERS = 100


@dataclass(frozen=True)
class Scale:
    """How much work one sample holds and how often it is taken."""

    rounds: int
    gathered: int
    repeated: int
    repeated_slowly: int
    yields: int
    in_turn: int
    ready: int
    ready_spawned: int
    sleeps: int
    calls: int
    calls_each: int
    items: int
    items_one_by_one: int


FULL = Scale(
    rounds=9,
    gathered=20_000,
    repeated=40,
    repeated_slowly=10,
    yields=10_000,
    in_turn=2_000,
    ready=50_000,
    ready_spawned=1_000,
    sleeps=10_000,
    calls=2_000,
    calls_each=50,
    items=100_000,
    items_one_by_one=5_000,
)
# As few rounds as can show a difference.
QUICK = Scale(
    rounds=6,
    gathered=5_000,
    repeated=10,
    repeated_slowly=5,
    yields=2_000,
    in_turn=500,
    ready=20_000,
    ready_spawned=300,
    sleeps=2_000,
    calls=500,
    calls_each=10,
    items=20_000,
    items_one_by_one=1_000,
)


@dataclass(frozen=True)
class Workload:
    """One line of the report's left column."""

    key: str
    title: str
    subjects: Callable[[Scale], list[Subject]]


async def bare() -> None:
    """What an await costs when there is nothing to wait for: the floor."""


def own_future() -> Call:
    """How asyncio itself finishes something later, without any thread: a future settled by a callback."""
    loop = asyncio.get_running_loop()

    def call() -> Awaitable[object]:
        future: asyncio.Future[None] = loop.create_future()
        loop.call_soon(future.set_result, None)
        return future

    return call


def own_timer() -> Call:
    """The sleep that asyncio brings along."""
    return lambda: asyncio.sleep(SLEEP)


def gather_tasks(call: Call, count: int) -> Sample:
    """`count` tasks at once, each awaiting one call: how a program meets an extension."""

    async def one() -> None:
        await call()

    async def sample() -> float:
        start = time.perf_counter()
        await asyncio.gather(*[one() for _ in range(count)])
        return time.perf_counter() - start

    return sample


def gather_direct(call: Call, count: int) -> Sample:
    """`count` awaitables given to `gather` as they are."""

    async def sample() -> float:
        start = time.perf_counter()
        await asyncio.gather(*[call() for _ in range(count)])
        return time.perf_counter() - start

    return sample


def again_and_again(call: Call, each: int) -> Sample:
    """Tasks that each await so many calls in turn, all at once."""

    async def one() -> None:
        for _ in range(each):
            await call()

    async def sample() -> float:
        start = time.perf_counter()
        await asyncio.gather(*[one() for _ in range(YIELDERS)])
        return time.perf_counter() - start

    return sample


def under_load(call: Call, repeated: int) -> Sample:
    """Awaiters on a loop that never rests, so that the interpreter lock is never free for the asking.

    A bridge whose worker attaches in order to deliver waits for the lock, up to the switch interval, each
    time. The number is the time of the whole divided by all awaits in it.
    """

    async def sample() -> float:
        done = False

        async def spin() -> int:
            turns = 0
            while not done:
                turns += 1
                await asyncio.sleep(0)
            return turns

        async def awaiter() -> None:
            for _ in range(repeated):
                await call()

        spinning = [asyncio.ensure_future(spin()) for _ in range(SPINNERS)]
        await asyncio.sleep(0)
        start = time.perf_counter()
        await asyncio.gather(*[awaiter() for _ in range(AWAITERS)])
        seconds = time.perf_counter() - start
        done = True
        await asyncio.gather(*spinning)
        return seconds

    return sample


def in_turn(call: Call, count: int) -> Sample:
    """One after the other: each await finds the loop idle, so this is a whole way there and back."""

    async def sample() -> float:
        start = time.perf_counter()
        for _ in range(count):
            await call()
        return time.perf_counter() - start

    return sample


def noops(shape: Callable[[Call, int], Sample], count: int, operations: int) -> list[Subject]:
    """Every contestant's `noop` in one shape, with asyncio's own future."""
    calls: dict[str, Call] = {name: bridge(name).noop for name in (*OURS, *NATIVES, *PEERS)}
    calls[OWN_FUTURE] = own_future()
    return [Subject(name, shape(call, count), operations) for name, call in calls.items()]


def gather_subjects(scale: Scale) -> list[Subject]:
    """With the floor: tasks that wait for nothing at all."""
    count = scale.gathered
    return [*noops(gather_tasks, count, count), Subject(BARE, gather_tasks(bare, count), count)]


def direct_subjects(scale: Scale) -> list[Subject]:
    """Without a floor: `gather` would make tasks of bare coroutines, which is the other workload."""
    return noops(gather_direct, scale.gathered, scale.gathered)


def yield_subjects(scale: Scale) -> list[Subject]:
    """`yield_now` again and again: a future that is never finished at its first poll."""
    calls: dict[str, Call] = {name: bridge(name).yield_now for name in (*OURS, *NATIVES, *PEERS)}
    calls[OWN_FUTURE] = own_future()
    each = scale.yields // YIELDERS
    return [Subject(name, again_and_again(call, each), each * YIELDERS) for name, call in calls.items()]


def loaded(scale: Scale, calls: dict[str, Call]) -> list[Subject]:
    """Calls on a busy loop; fewer of those that take as long as a thousand others."""
    repeated = {name: scale.repeated_slowly if name in NATIVES else scale.repeated for name in calls}
    return [
        Subject(name, under_load(call, repeated[name]), AWAITERS * repeated[name])
        for name, call in calls.items()
    ]


def load_subjects(scale: Scale) -> list[Subject]:
    """`noop` on a busy loop."""
    calls: dict[str, Call] = {name: bridge(name).noop for name in (*OURS, *NATIVES, *PEERS)}
    return loaded(scale, {**calls, OWN_FUTURE: own_future()})


def load_yield_subjects(scale: Scale) -> list[Subject]:
    """`yield_now` on a busy loop: the future is never finished before somebody waits for it."""
    return loaded(scale, {name: bridge(name).yield_now for name in (*OURS, *NATIVES, *PEERS)})


def in_turn_subjects(scale: Scale) -> list[Subject]:
    """`noop`, one at a time."""
    return noops(in_turn, scale.in_turn, scale.in_turn)


def ready_subjects(scale: Scale) -> list[Subject]:
    """Both forms of ours; the peers do a whole crossing each, so fewer of them make a sample long enough."""
    floor: dict[str, Call] = {BARE: bare, **{name: bridge(name).ready_coroutine for name in NATIVES}}
    subjects = [Subject(name, in_turn(call, scale.ready), scale.ready) for name, call in floor.items()]
    for name in OURS:
        ours = bridge(name)
        subjects.append(
            Subject(f"{name} (coroutine)", in_turn(ours.ready_coroutine, scale.ready), scale.ready)
        )
        subjects.append(
            Subject(f"{name} (awaitable)", in_turn(ours.ready_awaitable, scale.ready), scale.ready)
        )
    for name in PEERS:
        call = bridge(name).ready_awaitable
        subjects.append(Subject(name, in_turn(call, scale.ready_spawned), scale.ready_spawned))
    return subjects


def sleep_subjects(scale: Scale) -> list[Subject]:
    """All sleeps started together, so that all of them end together too."""
    count = scale.sleeps

    def sleeping(name: str) -> Call:
        ours = bridge(name)
        return lambda: ours.sleep(SLEEP)

    subjects = [
        Subject(name, gather_direct(sleeping(name), count), count) for name in (*OURS, *NATIVES, *PEERS)
    ]
    return [*subjects, Subject(OWN_SLEEP, gather_direct(own_timer(), count), count)]


WORKLOADS = (
    Workload("gather", "gather of tasks that each await a no-op", gather_subjects),
    Workload("gather-direct", "gather of no-op awaitables themselves", direct_subjects),
    Workload("yield", f"{YIELDERS} tasks that each await one yield after another", yield_subjects),
    Workload("busy", f"{AWAITERS} awaiters of no-ops beside {SPINNERS} spinning tasks", load_subjects),
    Workload(
        "busy-yield", f"{AWAITERS} awaiters of yields beside {SPINNERS} spinning tasks", load_yield_subjects
    ),
    Workload("settled", "await of what has settled", lambda scale: futures.settled_subjects(scale.ready)),
    Workload(
        "callbacks",
        "no-op awaitables with a callback each",
        lambda scale: futures.callback_subjects(own_future(), OWN_FUTURE, scale.gathered),
    ),
    Workload(
        "callbacks-made",
        "futures that Python settles, with a callback each",
        lambda scale: futures.made_subjects(scale.gathered),
    ),
    Workload("in-turn", "no-ops one at a time", in_turn_subjects),
    Workload("ready", "ready at the first poll", ready_subjects),
    Workload("sleeps", f"sleeps of {SLEEP * 1000:g} ms started together", sleep_subjects),
    Workload(
        "calls",
        "a runtime's task calls Python and awaits it, one call at a time",
        lambda scale: calls.call_subjects(1, scale.calls),
    ),
    Workload(
        "calls-together",
        f"the same from {calls.CALLERS} tasks",
        lambda scale: calls.call_subjects(calls.CALLERS, scale.calls_each),
    ),
    Workload(
        "stream-out",
        "items of a Rust stream, by `async for`",
        lambda scale: calls.stream_out_subjects(scale.items, scale.items_one_by_one),
    ),
    Workload(
        "stream-in",
        "items of a Python generator, as a Rust stream",
        lambda scale: calls.stream_in_subjects(scale.items, scale.items_one_by_one),
    ),
)
