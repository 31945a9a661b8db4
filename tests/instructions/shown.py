"""Shows what was counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from baselines import Baseline
from callgrind import Place

# Below this part of the whole, places are added up as "the rest".
SMALLEST = 0.004


def counts(now: Baseline, known: Baseline | None) -> str:
    """Return a line for each workload."""
    rows = [f"{'instructions of one operation':<32}{'total':>10}{'own':>9}{'change of own':>15}", "─" * 66]
    for name, counted in now["counts"].items():
        row = f"{name:<32}{counted['total']:>10,.0f}{counted['own']:>9,.0f}"
        before = known["counts"].get(name) if known else None
        if before and before["own"]:
            row += f"{counted['own'] / before['own'] - 1:>+15.1%}"
        rows.append(row)
    return "\n".join(rows) + "\n"


def spread(summaries: list[Baseline]) -> str:
    """Return by how much several runs differ at most, and where."""
    differences = []
    for name in summaries[0]["counts"]:
        seen = [each["counts"][name]["total"] for each in summaries]
        differences.append((max(seen) / min(seen) - 1 if min(seen) else 0.0, name))
    most, name = max(differences)
    return f"{len(summaries)} runs differ by {most:.3%} at most, in {name}\n"


def profile(name: str, places: dict[Place, float], program: Path) -> str:
    """Return where an operation's instructions are: in which file of ours, in which function of others."""
    whole = sum(places.values())
    grouped: Counter[str] = Counter()
    for place, cost in places.items():
        grouped[_group(place, program)] += round(cost * 1000)
    rows = [f"{name}: {whole:,.0f} instructions"]
    rest = 0
    for group, cost in grouped.most_common():
        if cost < whole * SMALLEST * 1000:
            rest += cost
            continue
        rows.append(f"{cost / 1000:>9,.0f} {cost / 1000 / whole:>6.1%}  {group}")
    rows.append(f"{rest / 1000:>9,.0f} {rest / 1000 / whole:>6.1%}  the rest")
    return "\n".join(rows) + "\n"


def _group(place: Place, program: Path) -> str:
    holder = Path(place.object).name
    if holder != program.name:
        return f"{holder.split('.so')[0]}: {place.function}"
    return f"own: {_shortened(place.file)}: {place.function}"


def _shortened(file: str) -> str:
    """Return the end of a path from the crate's name on."""
    parts = Path(file).parts
    return "/".join(parts[parts.index("src") - 1 :]) if "src" in parts else file
