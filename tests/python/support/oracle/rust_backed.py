"""The machine for awaitables over Rust futures."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis.stateful import initialize, rule

from oracle import actions as act
from oracle import choices
from oracle.choices import INDICES, SLOTS
from oracle.kinds import PLACEMENTS
from oracle.machine import Collect, Machine, seeds
from oracle.outcomes import PROPER_ERRORS, VALUES
from oracle.side import Action

MOST_FUTURES = 6
MOST_TASKS = 6

MAKE = [act.Make(placement) for placement in PLACEMENTS]
MAKE_GIVEN = [act.MakeGiven(*each) for each in itertools.product(PLACEMENTS, VALUES)]
# A Rust future fails with an exception that is there.
FAIL = [act.Fail(*each) for each in itertools.product(INDICES, PROPER_ERRORS) if each[1] != "class"]
SETTLE = [*choices.GIVE, *FAIL]
# How it describes itself while nobody has looked at its outcome is its own, and so is where it was made.
ASK = [ask for ask in choices.ASK if ask.question not in ("repr", "stack")]

# With several causes at work it is open which of their effects comes first. So either scripts do what they
# like, and there is one cause at a time; or there are several, and scripts only look.
EFFECTIVE: list[list[Any]] = [
    choices.CANCEL,
    choices.ADD_AGAIN,
    choices.ADD_SIMPLE,
    choices.REMOVE,
    ASK,
    choices.CANCEL_TASK,
    choices.SET,
]
LOOKING: list[list[Any]] = [ASK, choices.ADD_SIMPLE]

# asyncio's complaint of a bare yield describes the future.
WAIT = [wait for wait in choices.WAIT if wait.way != "bare"]
WAITS: list[list[Any]] = [WAIT, WAIT, WAIT, choices.WAIT_FOR_TASK, choices.SLEEP]
WAIT_FOR_ONE: list[list[Any]] = [[wait for wait in WAIT if wait.first == wait.second], choices.SLEEP]


class RustBackedFutures(Machine):
    """Awaitables over Rust futures, and futures of asyncio's."""

    name = "rust-backed"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.several_causes = False
        self.sources: set[int] = set()
        self.targets: set[int] = set()

    def inside(self, *actions: Action) -> None:
        """Do something in one step, where the loop runs: elsewhere there are no awaitables of this kind."""
        where = self.one_of(("callback", "handler", "task"))
        self.perform((where, self.one_of((None, None, 0, 1))), *actions)

    @property
    def effects(self) -> list[list[Any]]:
        """What scripts may do."""
        return LOOKING if self.several_causes else EFFECTIVE

    @initialize(drawn=seeds)
    def begin_with_two(self, drawn: int) -> None:
        self.begin(drawn)
        self.several_causes = self.one_of((False, True))
        self.inside(self.one_of(MAKE), self.one_of(MAKE))

    @rule()
    def make(self) -> None:
        if len(self.lockstep.sides[0].futures) < MOST_FUTURES:
            self.inside(self.one_of(MAKE, MAKE, MAKE_GIVEN))

    @rule()
    def settle(self) -> None:
        self.inside(self.one_of(SETTLE))

    @rule()
    def settle_several(self) -> None:
        if self.several_causes:
            self.inside(*(self.one_of(SETTLE) for _ in range(3)))

    @rule()
    def relay(self) -> None:
        """Add a callback that settles another future: one that nobody else settles, nor settles others."""
        numbers = list(self.lockstep.sides[0].futures)
        source, target = self.one_of(numbers), self.one_of(numbers)
        free = source not in self.targets and target not in self.sources | self.targets
        if self.several_causes and source != target and free:
            self.sources.add(source)
            self.targets.add(target)
            give = [act.Give(target, value) for value in VALUES]
            fail = [act.Fail(target, error) for error in ("instance", "timeout", "unusual")]
            settle: Action = self.one_of(give, fail)
            self.inside(act.Add(source, self.one_of(SLOTS), self.one_of((None, 0)), script=(settle,)))

    @rule()
    def cancel(self) -> None:
        self.inside(self.one_of(choices.CANCEL))

    @rule()
    def add(self) -> None:
        self.inside(choices.addition(self.chance, choices.script(self.chance, self.effects)))

    @rule()
    def add_uncallable(self) -> None:
        # In debug mode the loop refuses them when they are scheduled.
        if self.lockstep.mode.name != "debug":
            self.perform(("callback", None), self.one_of(choices.ADD_UNCALLABLE))

    @rule()
    def remove(self) -> None:
        self.inside(self.one_of(choices.REMOVE))

    @rule()
    def ask(self) -> None:
        self.inside(self.one_of(ASK))

    @rule()
    def touch(self) -> None:
        self.inside(self.one_of(choices.TOUCH))

    @rule()
    def iterate(self) -> None:
        self.inside(self.one_of(choices.ITERATE, choices.USE, choices.USE))

    @rule()
    def begin_task(self) -> None:
        if len(self.lockstep.sides[0].tasks) >= MOST_TASKS:
            self.inside(self.one_of(choices.DROP_TASK))
        else:
            waits = WAIT_FOR_ONE if self.several_causes else WAITS
            self.inside(choices.task(self.chance, self.effects, waits))

    @rule()
    def cancel_task(self) -> None:
        self.inside(self.one_of(choices.CANCEL_TASK, choices.UNCANCEL))

    @rule()
    def several(self) -> None:
        self.inside(*choices.script(self.chance, self.effects))

    @rule()
    def drop(self) -> None:
        # The ends of a relay are known by their numbers.
        if not self.several_causes:
            self.inside(act.DropIdle(self.one_of(INDICES)))

    @rule()
    def drop_task(self) -> None:
        self.inside(self.one_of(choices.DROP_TASK))

    @rule()
    def collect(self) -> None:
        self.do(Collect())
