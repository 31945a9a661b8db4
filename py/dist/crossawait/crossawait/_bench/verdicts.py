"""Says in words what the numbers show, and nothing that noise could say as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossawait._bench import noise
from crossawait._bench.crew import Entry
from crossawait._bench.loops import RUST
from crossawait._bench.report import Findings, Result
from crossawait._bench.units import quantity
from crossawait._bench.workload import SECONDS


def verdict(found: Findings) -> list[str]:
    """Return a sentence for each loop, one for the best of all loops, and one for the limit."""
    sentences = [_on_loop(found, loop) for loop in loops_of(found)]
    sentences = [sentence for sentence in sentences if sentence]
    if len(sentences) > 1:
        sentences.append(_best_of_all(found))
    return [*sentences, *_limit(found)]


def loops_of(found: Findings) -> list[str]:
    """Return the loops that have results, in order."""
    return list(dict.fromkeys(entry.loop for entry in found.results if entry.loop != RUST))


def runtimes_on(found: Findings, loop: str) -> dict[str, Result]:
    """Return the results of the runtimes on a loop, best first."""
    results = [
        (entry.runtime, result)
        for entry, result in found.results.items()
        if entry.loop == loop and entry.runtime is not None
    ]
    return dict(sorted(results, key=lambda one: one[1].estimate.median))


def leaders(found: Findings, loop: str) -> list[str]:
    """Return the best runtime on a loop, and those within noise of it."""
    runtimes = runtimes_on(found, loop)
    return [name for name, result in runtimes.items() if not _beats(next(iter(runtimes.values())), result)]


def _on_loop(found: Findings, loop: str) -> str:
    runtimes = runtimes_on(found, loop)
    if not runtimes:
        return ""
    (best, result), *others = runtimes.items()
    own = found.results.get(Entry(loop, None))
    if not others:
        if own is None:
            return f"On {loop}: {best} alone."
        return (
            f"On {loop}: {best} {_against(found, result, own, loop) or f'within noise of {_itself(loop)}'}."
        )
    beaten: dict[str, list[str]] = {}
    equal: list[str] = []
    for name, other in others:
        if _beats(result, other):
            beaten.setdefault(_times(found, other, result), []).append(name)
        else:
            equal.append(name)
    parts = [f"{words} than {_listed(names)}" for words, names in beaten.items()]
    against = "" if own is None else _against(found, result, own, loop)
    if own is not None and not against:
        equal.append(_itself(loop))
    if equal:
        parts.append(f"within noise of {_listed(equal)}")
    if against:
        parts.append(against)
    return f"On {loop}: {best} {'; '.join(parts)}."


def _best_of_all(found: Findings) -> str:
    (best, result), *others = _ranked(found)
    equal = [_name(entry) for entry, other in others if not _beats(result, other)]
    name = _name(best)
    least = "Fastest" if found.unit == SECONDS else "Least"
    if not equal:
        return f"{least} of all: {name}."
    # A long list says no more than its length.
    others_equal = _listed(equal) if len(equal) <= MOST_LISTED else f"{len(equal)} others"
    return f"{least} of all: {name}, within noise of {others_equal}."


def _ranked(found: Findings) -> list[tuple[Entry, Result]]:
    """What goes through Python, best first."""
    results = [one for one in found.results.items() if one[0].loop != RUST]
    return sorted(results, key=lambda one: one[1].estimate.median)


def _limit(found: Findings) -> list[str]:
    """Say what Python costs: how far the fastest through it is from the fastest without."""
    without = runtimes_on(found, RUST)
    if not without:
        return []
    name, limit = next(iter(without.items()))
    words = f"The limit is {quantity(limit.estimate.median, found.unit)}, of {name} in Rust alone"
    through = [one for one in _ranked(found) if one[0].runtime is not None]
    if not through:
        return [f"{words}."]
    best, result = through[0]
    if not _beats(limit, result):
        return [f"{words}; {best} is within noise of it."]
    return [f"{words}; {best} takes {_times(found, result, limit, word='as long')}."]


MOST_LISTED = 3


def _name(entry: Entry) -> str:
    return _itself(entry.loop) if entry.runtime is None else str(entry)


def _itself(loop: str) -> str:
    return f"{loop} itself"


def _against(found: Findings, result: Result, own: Result, loop: str) -> str:
    """Compare with the loop by itself; empty if they are within noise of each other."""
    if _beats(result, own):
        return f"{_times(found, own, result)} than {_itself(loop)}"
    if _beats(own, result):
        return f"{_times(found, result, own, better=False)} than {_itself(loop)}"
    return ""


def _beats(result: Result, other: Result) -> bool:
    """Whether the other takes more, beyond noise."""
    ratio = noise.ratio(other.samples, result.samples)
    if ratio is None:
        # Nothing against something is a difference, if it is so in each round.
        return max(result.samples) < min(other.samples)
    return ratio.median > 1 and noise.differs(ratio)


def _times(found: Findings, more: Result, less: Result, *, better: bool = True, word: str = "") -> str:
    """How much better, or worse, the one with less is than the one with more."""
    ratio = noise.ratio(more.samples, less.samples)
    word = word or comparative(found.unit, better=better)
    if ratio is None:
        return word
    return f"{factor(ratio.median)}× {word}"


def comparative(unit: str, *, better: bool) -> str:
    """Return the word for what takes less of a unit, or more."""
    words = ("slower", "faster") if unit == SECONDS else ("more", "less")
    return words[better]


def factor(ratio: float) -> str:
    """Write a factor with as many digits as mean something."""
    return f"{ratio:.2f}" if ratio < 1.2 else f"{ratio:.1f}" if ratio < 20 else f"{ratio:,.0f}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def summary(findings: Sequence[Findings]) -> list[str]:
    """Say which runtime did best on each loop, over all that was timed; scaling repeats what was timed."""
    timed = [found for found in findings if found.unit == SECONDS and not found.curve.startswith(SCALING)]
    loops = dict.fromkeys(loop for found in timed for loop in loops_of(found))
    sentences = [_summary_on(timed, loop) for loop in loops]
    first, *others = loops or [""]
    sentences += [_instead_of(timed, first, other) for other in others]
    return [sentence for sentence in sentences if sentence]


SCALING = ("crossings", "completions")
"""How the curves begin whose points are the same work in other amounts."""


def _summary_on(timed: Sequence[Findings], loop: str) -> str:
    complete = _complete(timed, loop)
    if not complete or len(runtimes_on(complete[0], loop)) < 2:
        return ""
    won: dict[str, int] = {}
    behind: dict[str, list[float]] = {}
    for found in complete:
        best = next(iter(runtimes_on(found, loop).values())).estimate.median
        for name, result in runtimes_on(found, loop).items():
            won[name] = won.get(name, 0) + (name in leaders(found, loop))
            behind.setdefault(name, []).append(result.estimate.median / best)
    means = {name: noise.geometric_mean(ratios) for name, ratios in behind.items()}
    ranked = sorted(won, key=lambda name: (-won[name], means[name]))
    words = [
        f"{name} is the fastest, or within noise of it, in {won[name]} of {len(complete)} workloads"
        f" ({means[name]:.2f}× the fastest's time on average)"
        for name in ranked
    ]
    return f"On {loop}: {'; '.join(words)}."


def _instead_of(timed: Sequence[Findings], first: str, other: str) -> str:
    """Say what another event loop would change for the runtimes."""
    ratios = [
        result.estimate.median / found.results[Entry(other, entry.runtime)].estimate.median
        for found in timed
        for entry, result in found.results.items()
        if entry.loop == first and entry.runtime and Entry(other, entry.runtime) in found.results
    ]
    if not ratios:
        return ""
    mean = noise.geometric_mean(ratios)
    words = f"{factor(max(mean, 1 / mean))}× {comparative(SECONDS, better=mean > 1)}"
    return f"On {other} instead of {first}, the runtimes are {words} on average."


def _complete(timed: Sequence[Findings], loop: str) -> list[Findings]:
    """Return what all runtimes of a loop have done: an average of different works compares nothing."""
    everybody: Mapping[str, None] = dict.fromkeys(
        name for found in timed for name in runtimes_on(found, loop)
    )
    return [found for found in timed if len(runtimes_on(found, loop)) == len(everybody) > 0]
