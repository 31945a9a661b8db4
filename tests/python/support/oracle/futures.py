"""The machine for futures that are made and settled from Python: exact, iteration by iteration."""

from __future__ import annotations

from hypothesis.stateful import initialize, rule

from oracle import choices
from oracle.machine import Collect, Machine, Tick, seeds
from oracle.side import Action

MOST_FUTURES = 6
MOST_TASKS = 6


class Futures(Machine):
    """Futures of the two kinds through the same random sequences."""

    name = "futures"

    def anywhere(self, *actions: Action) -> None:
        """Do something in one step, wherever."""
        where = self.one_of(("outside", "callback", "handler", "task"))
        self.perform((where, self.one_of((None, None, 0, 1))), *actions)

    @initialize(drawn=seeds)
    def begin_with_two(self, drawn: int) -> None:
        self.begin(drawn)
        self.perform(("outside", None), *choices.MAKE)

    @rule()
    def make(self) -> None:
        if len(self.lockstep.sides[0].futures) < MOST_FUTURES:
            self.anywhere(self.one_of(choices.MAKE))

    @rule()
    def give(self) -> None:
        self.anywhere(self.one_of(choices.GIVE))

    @rule()
    def fail(self) -> None:
        self.anywhere(self.one_of(choices.FAIL, choices.FAIL, choices.FAIL_ODDLY))

    @rule()
    def cancel(self) -> None:
        self.anywhere(self.one_of(choices.CANCEL))

    @rule()
    def add(self) -> None:
        self.anywhere(choices.addition(self.chance, choices.script(self.chance)))

    @rule()
    def add_again(self) -> None:
        self.anywhere(self.one_of(choices.ADD_AGAIN))

    @rule()
    def add_uncallable(self) -> None:
        # In debug mode the loop refuses them when they are scheduled, and names the method that does it.
        if self.lockstep.mode.name != "debug":
            self.perform(("callback", None), self.one_of(choices.ADD_UNCALLABLE))

    @rule()
    def remove(self) -> None:
        self.anywhere(self.one_of(choices.REMOVE))

    @rule()
    def ask(self) -> None:
        self.anywhere(self.one_of(choices.ASK))

    @rule()
    def touch(self) -> None:
        self.anywhere(self.one_of(choices.TOUCH))

    @rule()
    def iterate(self) -> None:
        self.anywhere(self.one_of(choices.ITERATE, choices.USE, choices.USE))

    @rule()
    def begin_task(self) -> None:
        many = len(self.lockstep.sides[0].tasks) >= MOST_TASKS
        self.anywhere(self.one_of(choices.DROP_TASK) if many else choices.task(self.chance))

    @rule()
    def cancel_task(self) -> None:
        self.anywhere(self.one_of(choices.CANCEL_TASK, choices.UNCANCEL))

    @rule()
    def several(self) -> None:
        self.anywhere(*choices.script(self.chance))

    @rule()
    def drop(self) -> None:
        self.anywhere(self.one_of(choices.DROP, choices.DROP_TASK))

    @rule()
    def tick(self) -> None:
        self.do(Tick(self.one_of((1, 1, 2, 5))))

    @rule()
    def collect(self) -> None:
        self.do(Collect())
