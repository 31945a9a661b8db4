"""Driving the iterators of futures by hand, as nobody does and everything that awaits relies on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oracle.outcomes import make_error
from oracle.side import Action, Side


@dataclass(frozen=True)
class Iterate(Action):
    """Take an iterator of a future, in one of several places for them."""

    future: int
    place: int

    def do(self, side: Side, _actor: str) -> Any:
        side.iterators[self.place] = iter(side.future(self.future))
        side.ended.discard(self.place)
        return iter(side.iterators[self.place]) is side.iterators[self.place]


HOW: dict[str, Callable[[Any, Any], Any]] = {
    "next": lambda iterator, _: next(iterator),
    "send none": lambda iterator, _: iterator.send(None),
    "send": lambda iterator, _: iterator.send(1),
    "throw": lambda iterator, error: iterator.throw(error),
    "throw class": lambda iterator, _: iterator.throw(LookupError),
    "throw stop": lambda iterator, _: iterator.throw(StopIteration(1)),
    "throw number": lambda iterator, _: iterator.throw(1),
    "close": lambda iterator, _: iterator.close(),
}

if sys.version_info < (3, 12):
    # Later versions warn of these.
    HOW |= {
        "throw three": lambda iterator, _: iterator.throw(LookupError, "text", None),
        "throw class of instance": lambda iterator, error: iterator.throw(type(error), error),
        "throw instance and value": lambda iterator, error: iterator.throw(error, 1),
        "throw no traceback": lambda iterator, error: iterator.throw(error, None, 1),
    }


# Not to an iterator that has ended: see `known.py`.
SENDS = ("send none", "send")


@dataclass(frozen=True)
class Use(Action):
    """Use an iterator."""

    place: int
    how: str

    def do(self, side: Side, _actor: str) -> Any:
        iterator = side.iterators.get(self.place)
        if iterator is None or (self.how in SENDS and self.place in side.ended):
            return None
        try:
            return HOW[self.how](iterator, make_error("instance", side.name, f"thrown {self.how}"))
        except BaseException:
            side.ended.add(self.place)
            raise
        finally:
            if self.how == "close":
                side.ended.add(self.place)
