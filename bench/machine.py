"""Says on what a comparison was made, since a number without its machine means little."""

from __future__ import annotations

import re

from library import ROOT, computer

LOCK = ROOT / "bench" / "peers" / "Cargo.lock"
CRATES = ("crossawait-core", "pyo3-async-runtimes", "pyo3", "tokio", "async-std", "smol", "async-executor")


def crate_versions() -> dict[str, str]:
    """What the lock file of the benchmark's extension pins."""
    pinned = re.findall(r'^name = "(.+)"\nversion = "(.+)"$', LOCK.read_text(), re.MULTILINE)
    return {name: version for name, version in pinned if name in CRATES}


def facts() -> dict[str, object]:
    """Everything about the machine and the software that the report names."""
    return {**computer(), "crates": crate_versions()}
