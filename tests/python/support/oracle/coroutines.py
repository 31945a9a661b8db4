"""The machine for coroutines."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis.stateful import initialize, rule

from oracle import choices
from oracle import coroutine_actions as act
from oracle.choices import INDICES, SLOTS
from oracle.iterating import HOW
from oracle.machine import Collect, Machine, seeds
from oracle.outcomes import MESSAGES, VALUES
from oracle.side import Action
from oracle.waiting import Begin

MOST_COROUTINES = 6
MOST_TASKS = 6

ERRORS = ("instance", "cancelled", "timeout", "unusual", "exit", "stop", "stop subclass", "stop async")
# Native coroutines are no iterators.
BY_HAND = [how for how in HOW if how != "next"]

CALL = [act.Call(placement) for placement in ("poll_first", "poll_first", "spawn")]
OPEN = [
    *(act.Open(*each) for each in itertools.product(INDICES, ("give",), VALUES)),
    *(act.Open(*each) for each in itertools.product(INDICES, ("fail",), ERRORS)),
    *(act.Open(index, "call", "") for index in INDICES),
]
DRIVE = [act.Drive(*each) for each in itertools.product(INDICES, BY_HAND)]
SEND = [act.Drive(index, "send none") for index in INDICES]
TAKE = [act.Take(*each) for each in itertools.product(INDICES, SLOTS)]
USE = [act.UseIterator(*each) for each in itertools.product(SLOTS, HOW)]
ACKNOWLEDGE = [act.Acknowledge(index) for index in INDICES]
CANCEL = [act.CancelYielded(*each) for each in itertools.product(INDICES, (None, *MESSAGES))]
ASK = [act.AskCoroutine(index) for index in INDICES]
BEGIN = [act.BeginCoroutine(*each) for each in itertools.product(INDICES, (None, None, 0))]
RUN = [act.RunUntilComplete(index) for index in INDICES]
DROP = [act.DropCoroutine(index) for index in INDICES]
AWAIT = [act.Await(*each) for each in itertools.product(act.WAYS, INDICES, INDICES, (True, False))]
WAITS: list[list[Any]] = [AWAIT, AWAIT, AWAIT, choices.WAIT_FOR_TASK, choices.SLEEP]
EFFECTS: list[list[Any]] = [ASK, choices.CANCEL_TASK, choices.UNCANCEL, choices.SET]


class Coroutines(Machine):
    """Coroutines over Rust futures, and native ones."""

    name = "coroutines"

    def inside(self, action: Action) -> None:
        """Do something where the loop runs: a coroutine has no other way to find it."""
        where = self.one_of(("callback", "handler", "task"))
        self.perform((where, self.one_of((None, None, 0, 1))), action)

    @initialize(drawn=seeds)
    def begin_with_two(self, drawn: int) -> None:
        self.begin(drawn)
        self.perform(("callback", None), CALL[0], CALL[-1])

    @rule()
    def call(self) -> None:
        if len(self.lockstep.sides[0].coroutines) < MOST_COROUTINES:
            self.inside(self.one_of(CALL))

    @rule()
    def call_again(self) -> None:
        """They are soon used up."""
        self.call()

    @rule()
    def open(self) -> None:
        self.inside(self.one_of(OPEN))

    @rule()
    def send(self) -> None:
        self.inside(self.one_of(SEND))

    @rule()
    def drive(self) -> None:
        self.inside(self.one_of(DRIVE))

    @rule()
    def take_iterator(self) -> None:
        self.inside(self.one_of(TAKE))

    @rule()
    def use_iterator(self) -> None:
        self.inside(self.one_of(USE))

    @rule()
    def acknowledge(self) -> None:
        self.inside(self.one_of(ACKNOWLEDGE))

    @rule()
    def cancel_yielded(self) -> None:
        self.inside(self.one_of(CANCEL))

    @rule()
    def ask(self) -> None:
        self.inside(self.one_of(ASK))

    @rule()
    def begin_task(self) -> None:
        self.begin_or_drop(self.one_of(BEGIN))

    @rule()
    def begin_script(self) -> None:
        script = choices.script(self.chance, [*WAITS, *WAITS, *EFFECTS], most=4)
        self.begin_or_drop(Begin(script, self.one_of((None, None, 0))))

    def begin_or_drop(self, action: Action) -> None:
        """Make a task, unless there are many: then one goes."""
        many = len(self.lockstep.sides[0].tasks) >= MOST_TASKS
        self.inside(self.one_of(choices.DROP_TASK) if many else action)

    @rule()
    def run(self) -> None:
        self.perform(("outside", None), self.one_of(RUN))

    @rule()
    def cancel_task(self) -> None:
        self.inside(self.one_of(choices.CANCEL_TASK, choices.UNCANCEL))

    @rule()
    def drop(self) -> None:
        self.inside(self.one_of(DROP, choices.DROP_TASK))

    @rule()
    def collect(self) -> None:
        self.do(Collect())
