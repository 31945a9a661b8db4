"""Fixtures of the packaging tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from clean_venv import Venv


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    """A virtual environment with nothing in it."""
    return Venv(tmp_path / "venv")
