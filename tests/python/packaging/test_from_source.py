"""Installing from each source distribution, with the registries, as pip does where no wheel fits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clean_venv import MAIN_JOB, ROOT, RUNTIMES, Venv, sdist

# One target folder for the three, apart from the workspace's: what they have in common is compiled once, and
# the workspace's own build is not disturbed.
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "from-source"

BUILD_SECONDS = 1500

pytestmark = [pytest.mark.slow, pytest.mark.registry, pytest.mark.timeout(BUILD_SECONDS + 100)]


@pytest.fixture(scope="module")
def venv() -> Venv:
    """A virtual environment with the pure package from its source distribution."""
    # Always in the same place: PyO3 is compiled again for an interpreter with another path.
    venv = Venv(TARGET / "venv")
    venv.build(sdist("crossawait"), target=TARGET, timeout=BUILD_SECONDS)
    return venv


def test_the_pure_package_is_whole(venv: Venv) -> None:
    info = venv.command("python", "-m", "crossawait", "info")
    assert (info.returncode, info.stderr) == (0, "")


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_builds_and_does_the_main_job(venv: Venv, name: str) -> None:
    venv.build(sdist(f"crossawait-{name}"), target=TARGET, timeout=BUILD_SECONDS)
    assert venv.run(MAIN_JOB, variable=name) == f"{name} you said good day"
