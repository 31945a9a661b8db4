"""Says on what a measurement was made, since a number without its machine means little."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import sysconfig
import time
from pathlib import Path

LOCK = Path(__file__).parent / "peers" / "Cargo.lock"
CRATES = ("crossawait-core", "pyo3-async-runtimes", "pyo3", "tokio", "async-std", "smol", "async-executor")


def processor() -> str:
    """The processor's own name for itself, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def cores() -> int:
    """Cores this process may run on, which is what the runtimes size their pools by."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Neighbours:
    """How many cores other processes keep busy from here on: the more, the less the times are worth."""

    def __init__(self) -> None:
        self._since = time.perf_counter()
        self._seconds = seconds_of_others()

    def cores(self) -> float:
        """Their share since this was made."""
        return max(0.0, seconds_of_others() - self._seconds) / (time.perf_counter() - self._since)


def seconds_of_others() -> float:
    """Processor seconds spent so far by everything but this process and the children it has waited for.

    Counted in hundredths of a second: good for differences over some tenths. 0 where the system does not say.
    """
    try:
        fields = Path("/proc/stat").read_text().split(maxsplit=4)
    except OSError:
        return 0.0
    # The first line sums up all cores: "cpu", then time in user mode, in user mode at low priority, in the
    # kernel, and then what nobody used.
    everybody = sum(map(int, fields[1:4])) / os.sysconf("SC_CLK_TCK")
    return everybody - sum(os.times()[:4])


def crate_versions() -> dict[str, str]:
    """What the lock file of the benchmark's extension pins."""
    pinned = re.findall(r'^name = "(.+)"\nversion = "(.+)"$', LOCK.read_text(), re.MULTILINE)
    return {name: version for name, version in pinned if name in CRATES}


def facts() -> dict[str, object]:
    """Everything about the machine and the software that the report names."""
    return {
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": cores(),
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "crates": crate_versions(),
    }
