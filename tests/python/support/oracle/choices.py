"""Everything there is to choose from, listed."""

from __future__ import annotations

import itertools
import sys
from random import Random
from typing import Any

from oracle import actions as act
from oracle.callbacks import MANNERS
from oracle.iterating import HOW, Iterate, Use
from oracle.known import is_known
from oracle.outcomes import ERRORS, MESSAGES, PROPER_ERRORS, VALUES
from oracle.side import Action
from oracle.waiting import WAYS, Begin, Sleep, Wait, WaitForTask

INDICES = range(4)
SLOTS = range(3)
# None is none given.
CONTEXTS: tuple[int | None, ...] = (None, 0, 1)
ODD_ERRORS = [
    name
    for name in ERRORS
    if name not in PROPER_ERRORS and (sys.version_info >= (3, 13) or not is_known(name))
]
TOUCHES = {
    "_asyncio_future_blocking": (False, True),
    "_log_traceback": (False, True),
    "_cancel_message": ("text", None),
}
RAISES = (None, None, None, "instance", "unusual")

MAKE = [act.Make(variety) for variety in ("plain", "subclass")]
GIVE = [act.Give(*each) for each in itertools.product(INDICES, VALUES)]
FAIL = [act.Fail(*each) for each in itertools.product(INDICES, PROPER_ERRORS)]
FAIL_ODDLY = [act.Fail(*each) for each in itertools.product(INDICES, ODD_ERRORS)]
CANCEL = [act.Cancel(*each) for each in itertools.product(INDICES, (None, *MESSAGES), (False, True))]
ADD_AGAIN = [act.AddAgain(*each) for each in itertools.product(INDICES, SLOTS, CONTEXTS)]
ADD_SIMPLE = [act.Add(*each) for each in itertools.product(INDICES, SLOTS, CONTEXTS, MANNERS)]
ADD_UNCALLABLE = [act.AddUncallable(future) for future in INDICES]
REMOVE = [act.Remove(*each) for each in itertools.product(INDICES, SLOTS, (False, True))]
ASK = [act.Ask(*each) for each in itertools.product(INDICES, act.QUESTIONS)]
TOUCH = [
    act.Touch(future, attribute, value)
    for future in INDICES
    for attribute, values in TOUCHES.items()
    for value in values
]
CANCEL_TASK = [act.CancelTask(*each) for each in itertools.product(INDICES, (None, *MESSAGES))]
UNCANCEL = [act.Uncancel(task) for task in INDICES]
SET = [act.SetVariable(value) for value in ("one", "two")]
CALL_SOON = [act.CallSoon()]
DROP = [act.Drop(future) for future in INDICES]
DROP_TASK = [act.DropTask(task) for task in INDICES]
ITERATE = [Iterate(*each) for each in itertools.product(INDICES, SLOTS)]
USE = [Use(*each) for each in itertools.product(SLOTS, HOW)]
WAIT = [Wait(*each) for each in itertools.product(WAYS, INDICES, INDICES, (True, False))]
WAIT_FOR_TASK = [WaitForTask(*each) for each in itertools.product(INDICES, (True, False))]
SLEEP = [Sleep(catch) for catch in (True, False)]

# What a callback, or a task between two waits, may do.
SIMPLE: list[list[Any]] = [
    GIVE,
    FAIL,
    CANCEL,
    ADD_AGAIN,
    ADD_SIMPLE,
    REMOVE,
    ASK,
    CANCEL_TASK,
    SET,
    DROP,
    CALL_SOON,
]
WAITS: list[list[Any]] = [WAIT, WAIT, WAIT, WAIT_FOR_TASK, SLEEP]


def script(chance: Random, groups: list[list[Any]] = SIMPLE, most: int = 3) -> tuple[Action, ...]:
    """Choose a few things to do in a row."""
    return tuple(chance.choice(chance.choice(groups)) for _ in range(chance.randint(0, most)))


def addition(chance: Random, script: tuple[Action, ...]) -> act.Add:
    """Choose a callback to add."""
    return act.Add(
        chance.choice(INDICES),
        chance.choice(SLOTS),
        chance.choice(CONTEXTS),
        chance.choice(MANNERS),
        chance.choice(RAISES),
        script,
    )


def task(chance: Random, groups: list[list[Any]] = SIMPLE, waits: list[list[Any]] = WAITS) -> Begin:
    """Choose what a task is to do and to await."""
    return Begin(script(chance, [*waits * 2, *groups], most=4), chance.choice((None, None, 0)))
