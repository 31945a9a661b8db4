"""The compiled classes have what the virtual base classes describe; stubtest checks the other direction."""

from __future__ import annotations

import importlib
import inspect

import pytest

import crossawait
from crossawait import _types

PACKAGES = ["_crossawait_tokio", "_crossawait_async_std", "_crossawait_smol"]
CLASSES = ["Runtime", "Awaitable", "Coroutine", "Stream", "Listener", "Interval"]


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("package", PACKAGES)
def test_a_compiled_class_has_everything_that_is_described(package: str, name: str) -> None:
    compiled, virtual = getattr(importlib.import_module(package), name), getattr(_types, name)
    described = {
        member
        for member, value in vars(virtual).items()
        if inspect.isroutine(value) or isinstance(value, (property, classmethod))
    }
    assert described - set(dir(compiled)) == set()


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("package", PACKAGES)
def test_a_compiled_class_is_registered_without_the_selector(package: str, name: str) -> None:
    assert issubclass(getattr(importlib.import_module(package), name), getattr(_types, name))


@pytest.mark.parametrize("package", PACKAGES)
def test_versions_agree(package: str) -> None:
    assert importlib.import_module(package).__version__ == crossawait.__version__
