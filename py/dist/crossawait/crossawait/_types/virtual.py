"""What the virtual base classes have in common."""

from __future__ import annotations

from abc import ABC
from typing import Any, NoReturn


class Virtual(ABC):  # noqa: B024 - nothing is abstract: instances come from compiled code, never from a subclass
    """A class that only describes: its instances are made by a runtime."""

    def __new__(cls, *_args: Any, **_options: Any) -> Any:
        refuse(cls)


def refuse(cls: type[object]) -> NoReturn:
    """Answer a call of a virtual class."""
    raise TypeError(f"crossawait.{cls.__name__} is a virtual base class: a runtime makes its instances")


def described() -> NoReturn:
    """Fill the body of a method that is implemented in compiled code."""
    raise NotImplementedError("described here, implemented by the compiled runtime")
