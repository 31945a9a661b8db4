"""Takes samples in rounds, so that all meet the same weather; each round begins with another contestant."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from crossawait._bench.crew import ContestantError, Entry, Member
from crossawait._bench.machine import cores
from crossawait._bench.neighbours import Neighbours
from crossawait._bench.report import Findings, Result
from crossawait._bench.workload import ASKED, Sample, Workload

QUICK_ROUNDS = 6
"""The fewest that give an interval of 95 %: between the least and the greatest sample."""

ROUNDS = 15

Taken = tuple[Sample, float]
Tick = Callable[[], None]
"""Called after each sample that was taken, or that is not going to be."""


def measure(workload: Workload, members: Sequence[Member], *, quick: bool, tick: Tick) -> Findings:
    """Have all members do a workload; who fails is left out from then on."""
    count = workload.operations(quick=quick)
    rounds = rounds_of(workload, quick=quick)
    take = _afresh if workload.fresh else _in_turns
    neighbours = Neighbours()
    taken, failures = take(workload, list(members), count, rounds, tick)
    return Findings(
        workload.name,
        workload.title.format(count=f"{count:,}"),
        workload.unit,
        count,
        workload.curve,
        workload.at,
        {entry: _result(samples) for entry, samples in taken.items()},
        failures,
        neighbours.cores(),
    )


def rounds_of(workload: Workload, *, quick: bool) -> int:
    """Return how many rounds a workload has."""
    return QUICK_ROUNDS if quick or workload.fresh or workload.level == ASKED else ROUNDS


def _result(taken: list[Taken]) -> Result:
    percentiles = zip(*(sample.percentiles for sample, _ in taken), strict=True)
    return Result(
        tuple(sample.value for sample, _ in taken),
        tuple(map(statistics.median, percentiles)),
        statistics.median(processor for _, processor in taken),
    )


def _in_turns(
    workload: Workload, members: list[Member], count: int, rounds: int, tick: Tick
) -> tuple[dict[Entry, list[Taken]], dict[Entry, str]]:
    """Each member's process does every round."""
    taken: dict[Entry, list[Taken]] = {}
    failures: dict[Entry, str] = {}

    def attempt(member: Member, step: Callable[[], None], lost: int) -> None:
        """Do a step; if it fails, so many ticks are not going to come from this member."""
        try:
            step()
        except ContestantError as error:
            failures[member.entry] = str(error)
            taken.pop(member.entry, None)
            for _ in range(lost):
                tick()
        else:
            if lost:
                tick()

    for member in members:
        taken[member.entry] = []
        attempt(member, partial(member.prepare, workload, count), rounds + 1)
    for number in range(rounds):
        first = number % len(members)
        for member in members[first:] + members[:first]:
            if member.entry in taken:
                attempt(member, partial(_take, member, taken[member.entry]), rounds - number)
    for member in members:
        if member.entry in taken:
            attempt(member, member.finish, 0)
    return taken, failures


def _take(member: Member, samples: list[Taken]) -> None:
    samples.append(member.sample())


def _afresh(
    workload: Workload, members: list[Member], count: int, rounds: int, tick: Tick
) -> tuple[dict[Entry, list[Taken]], dict[Entry, str]]:
    """Each sample has a process of its own; as many at a time as there are cores, since none is timed."""

    def samples_of(member: Member) -> list[Taken] | str:
        samples = []
        for number in range(rounds):
            fresh = Member(member.entry)
            try:
                fresh.prepare(workload, count)
                samples.append(fresh.sample())
                tick()
            except ContestantError as error:
                for _ in range(rounds - number + 1):
                    tick()
                return str(error)
            finally:
                fresh.end()
        tick()
        return samples

    with ThreadPoolExecutor(cores()) as pool:
        outcomes = dict(zip((one.entry for one in members), pool.map(samples_of, members), strict=True))
    taken = {entry: outcome for entry, outcome in outcomes.items() if not isinstance(outcome, str)}
    return taken, {entry: outcome for entry, outcome in outcomes.items() if isinstance(outcome, str)}
