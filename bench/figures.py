"""The tables that pages show, made from a comparison's JSON and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridges import BARE, NATIVE, OURS, OWN_FUTURE, PEERS
from calls import CALLERS, OWN_GENERATOR, OWN_TASK
from library import noise
from workloads import AWAITERS, OWN_SLEEP, SPINNERS, YIELDERS

Document = Mapping[str, Any]
"""What `report.structure` makes, as it comes back from a file."""

SUBJECT, PEER = OURS[0], PEERS[0]

COLUMNS = ("crossawait", "PyO3's own `async fn`", "pyo3-async-runtimes", "asyncio itself")
NOTHING = "-"


@dataclass(frozen=True)
class Row:
    """A line of the table: a workload, and who stands in its columns."""

    work: str
    title: str
    """With `{count}` where the number of operations goes."""

    own: str = OWN_FUTURE
    """What asyncio does itself."""

    subject: str = SUBJECT

    def contestants(self) -> tuple[str, ...]:
        """Who stands in `COLUMNS`, if it was measured."""
        return self.subject, NATIVE, PEER, self.own


TIMES = (
    Row("gather", "gather of {count} tasks, each awaiting a no-op"),
    Row("gather-direct", "gather of {count} no-ops themselves"),
    Row("yield", f"{YIELDERS} tasks, each awaiting one yield after another"),
    Row("busy", f"{AWAITERS} tasks awaiting no-ops beside {SPINNERS} that never rest"),
    Row("busy-yield", "the same with yields"),
    Row("in-turn", "one no-op after another"),
    Row("ready", "ready at the first poll", BARE, f"{SUBJECT} (coroutine)"),
    Row("sleeps", "{count} sleeps of 5 ms started together", OWN_SLEEP),
    Row("calls", "a task of the runtime calls an async Python function and awaits it", OWN_TASK),
    Row("calls-together", f"the same from {CALLERS} tasks at once", OWN_TASK),
    Row("stream-out", "an item of a Rust stream, by `async for`", OWN_GENERATOR),
    Row("stream-in", "an item of a Python generator, in a Rust stream", OWN_GENERATOR),
)
AMOUNTS = (
    Row("threads", "threads that the sleeps add"),
    Row("awaited", "bytes for a task that awaits a pending timer"),
    Row("held", "bytes for a pending timer that is only held"),
    Row("empty", "bytes for a pending awaitable without any state"),
    Row("growth", "bytes that {count} calls of Rust leave behind"),
    Row("growth-calls", "bytes that {count} calls of Python leave behind"),
)
FIELDS = {"threads": "added", "growth": "growth", "growth-calls": "growth"}
"""Where an amount stands, if not under `bytes`."""


def duration(nanoseconds: float) -> str:
    """A time with three digits."""
    for unit, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")):
        # Not 1000 ns but 1.00 µs, after rounding as well as before.
        if nanoseconds >= 0.9995 * unit or name == "ns":
            return f"{digits(nanoseconds / unit)} {name}"
    raise AssertionError


def digits(value: float) -> str:
    """Three digits, or as many as stand in front of the point."""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def factor(value: float) -> str:
    """How many times as much, with the digits that mean something."""
    return f"{value:.2f}×" if value < 0.995 else f"{value:.1f}×" if value < 9.95 else f"{value:,.0f}×"


def table(document: Document) -> list[list[str]]:
    """Everything measured on tokio, beside each other; a row for what the document has."""
    return [
        ["time for one", *COLUMNS],
        *time_rows(document),
        ["**space**"] + [""] * 4,
        *amount_rows(document),
    ]


def time_rows(document: Document) -> Iterator[list[str]]:
    """The medians, and in brackets how many times ours they are; nothing in brackets if that may be noise."""
    for row in TIMES:
        found = document["workloads"].get(row.work, {}).get("nanoseconds", {})
        if row.subject not in found:
            continue
        ours = found[row.subject]
        cells = []
        for name in row.contestants():
            if name not in found:
                cells.append(NOTHING)
                continue
            ratio = noise.ratio(found[name]["samples"], ours["samples"])
            more = ratio is not None and noise.differs(ratio)
            brackets = f" ({factor(found[name]['median'] / ours['median'])})" if more else ""
            cells.append(duration(found[name]["median"]) + brackets)
        yield [row.title.format(count=f"{ours['operations']:,}"), *cells]


def amount_rows(document: Document) -> Iterator[list[str]]:
    """Threads and bytes, of which there is one number each."""
    for row in AMOUNTS:
        found = document["isolated"].get(row.work, {})
        field = FIELDS.get(row.work, "bytes")
        ours = found.get(SUBJECT, {}).get(field)
        if ours is None:
            continue
        cells = []
        for name in row.contestants():
            value = found.get(name, {}).get(field)
            if value is None:
                cells.append(NOTHING)
            elif name == SUBJECT or ours <= 0:
                cells.append(f"{value:,}")
            else:
                cells.append(f"{value:,} ({factor(value / ours)})")
        yield [row.title.format(count=f"{found[SUBJECT].get('count', 0):,}"), *cells]


def bounds(document: Document) -> list[list[str]]:
    """What the project has set itself, and whether it holds."""
    rows = [["work", "against", "measured", "bound", ""]]
    for one in document["bounds"]:
        sign = "≥" if one["sense"] == "at least" else "≤"
        unit = {"x faster": "× faster", "x": "×"}.get(one["unit"], f" {one['unit']}".rstrip())
        verdict = "met" if one["met"] else "**not met**"
        rows.append(
            [
                one["work"],
                one["against"],
                f"{one['value']:,.2f}{unit}",
                f"{sign} {one['limit']:g}{unit}",
                verdict,
            ]
        )
    return rows


def sentence(document: Document) -> str:
    """On what it was measured, how, and what disturbed it."""
    machine, settings = document["machine"], document["settings"]
    crates = machine["crates"]
    build = " without a GIL" if machine["free_threaded"] else ""
    versions = ", ".join(f"{name} {crates[name]}" for name in ("pyo3", "pyo3-async-runtimes", "tokio"))
    disturbed = max((one["cores_used_by_others"] for one in document["workloads"].values()), default=0.0)
    others = (
        "while nothing else ran"
        if disturbed < MENTIONED
        else f"**while other processes kept up to {disturbed:.1f} cores busy**"
    )
    quick = ", with `--quick`" if settings["quick"] else ""
    cores = f"{machine['cores']} cores of {article(machine['processor'])}"
    return (
        f"{machine['python']}{build} on {settings['loop']}, {cores}, "
        f"{machine['date'][:10]}, {versions}; medians of {settings['rounds']} rounds that took turns{quick}, "
        f"{others}."
    )


MENTIONED = 0.1
"""Cores of others from which on a round counts as disturbed."""


def article(noun: str) -> str:
    """The noun with its article."""
    return f"{'an' if noun[:1] in 'AEIO' else 'a'} {noun}"


def markdown(rows: list[list[str]]) -> str:
    """A table as pages have it."""
    head, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))


def readme(document: Document, chart: str) -> str:
    """What stands between the marks of the README."""
    return f"{sentence(document)}\n\n![The same as a chart]({chart})\n\n{markdown(table(document))}"


def verdicts(document: Document) -> str:
    """What stands between the marks of the manual."""
    return f"{sentence(document)}\n\n{markdown(bounds(document))}"
