"""Says on what a comparison was made, since a number without its machine means little."""

from __future__ import annotations

import re

from library import ROOT, computer

LOCKS = [ROOT / "bench" / extension / "Cargo.lock" for extension in ("uniffi", "pyo3-async", "peers")]
CRATES = (
    "crossawait-core",
    "pyo3-async",
    "pyo3-async-runtimes",
    "pyo3",
    "tokio",
    "async-std",
    "smol",
    "async-executor",
    "uniffi",
)


def crate_versions() -> dict[str, str]:
    """What the lock files of the benchmark's extensions pin; of what is in both, the peers' version."""
    text = "".join(lock.read_text() for lock in LOCKS)
    pinned = re.findall(r'^name = "(.+)"\nversion = "(.+)"$', text, re.MULTILINE)
    return {name: version for name, version in pinned if name in CRATES}


def facts() -> dict[str, object]:
    """Everything about the machine and the software that the report names."""
    return {**computer(), "crates": crate_versions()}
