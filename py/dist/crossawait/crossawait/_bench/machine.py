"""Says on what a measurement was made, since a number without its machine means little."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import re
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crossawait import _select
from crossawait._version import __version__


def processor() -> str:
    """Return the processor's own name for itself, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def cache() -> int:
    """Return the bytes of the processor's largest cache; 0 where the system does not say."""
    sizes = [0]
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        found = re.fullmatch(r"(\d+)([KM]?)", path.read_text().strip())
        if found:
            sizes.append(int(found.group(1)) * {"": 1, "K": 1024, "M": 1024**2}[found.group(2)])
    return max(sizes)


def cores() -> int:
    """Return how many cores this process may use, which is what the runtimes size their pools by."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def computer() -> dict[str, Any]:
    """Return the moment, the machine and the interpreter."""
    return {
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": cores(),
        "cache": cache(),
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    }


def facts(loops: Sequence[str], runtimes: Sequence[str], *, quick: bool) -> dict[str, Any]:
    """Return everything about the machine, the software and the run that a report names."""
    installed = _select.installed()
    return {
        **computer(),
        "quick": quick,
        "crossawait": __version__,
        "runtimes": {name: _select.version(installed[name][0]) or "unknown" for name in runtimes},
        "loops": {name: _loop_version(name) for name in loops},
    }


def _loop_version(name: str) -> str:
    return platform.python_version() if name == "asyncio" else importlib.metadata.version(name)


def lines(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the facts as names and values for people."""
    build = "free-threaded" if found["free_threaded"] else "with the GIL"
    versions = {"crossawait": found["crossawait"], **found["runtimes"]}
    return [
        ("processor", f"{found['processor']}, {found['cores']} cores for this process"),
        ("system", found["system"]),
        ("python", f"{found['python']}, {build}"),
        ("packages", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("event loops", ", ".join(f"{name} {version}" for name, version in found["loops"].items())),
        ("date", f"{found['date']}{', with --quick' if found['quick'] else ''}"),
    ]


# What has to be the same for two reports to be about the same thing; a crossawait that differs is the point.
COMPARABLE = ("processor", "cores", "system", "python", "free_threaded", "quick", "loops")


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what makes two reports hard to compare, a line each."""
    return [
        f"{name}: {old.get(name)} then, {new.get(name)} now"
        for name in COMPARABLE
        if old.get(name) != new.get(name)
    ]
