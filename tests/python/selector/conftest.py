"""Fixtures of the selector's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from site_folder import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
