"""Callbacks that write down how they are called, do something, and compare in all the ways there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oracle.describing import describe
from oracle.outcomes import make_error
from oracle.side import Action, Side

# How a callback compares with others.
IDENTITY, EQUAL, NEVER = "identity", "equal", "never"
# A callback that adds itself again, twice, would double until the end of time.
MOST_CALLS = 3

MANNERS = (IDENTITY, EQUAL, NEVER)


class Callback:
    """Belongs to a side, and when called does what its script says; then it may raise."""

    def __init__(
        self,
        side: Side,
        label: str,
        manner: str = IDENTITY,
        script: Sequence[Action] = (),
        raises: str | None = None,
    ) -> None:
        self.side = side
        self.label = label
        self.manner = manner
        self.script = script
        self.raises = raises
        self._calls = 0

    def __call__(self, *arguments: Any) -> str:
        future = arguments[0]
        actor = f"{self.label} of {describe(future)}"
        self.side.note(actor, "called with", describe(arguments), future._state)
        self._calls += 1
        if self._calls <= MOST_CALLS:
            self.side.perform_all(self.script, actor)
        if self.raises is not None:
            raise make_error(self.raises, self.side.name, f"raised by {self.label}")
        return "what a callback returns is nobody's business"

    def __eq__(self, other: object) -> Any:
        if self.manner == NEVER:
            return False
        if self.manner == IDENTITY or not isinstance(other, Callback):
            return NotImplemented
        return self.label == other.label

    def __hash__(self) -> int:
        return hash(self.label)

    def __repr__(self) -> str:
        return f"<{self.side.name}:{self.label}>"


class Uncallable:
    """What somebody may add by mistake."""

    def __init__(self, side: Side, label: str) -> None:
        self.side = side
        self.label = label

    def __repr__(self) -> str:
        return f"<{self.side.name}:{self.label}>"
