"""The tests that need not pass, each with its reason, from `exceptions.toml`."""

from __future__ import annotations

import fnmatch
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suites import Suite

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path(__file__).with_name("exceptions.toml")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True)
class Reason:
    """One entry of the file."""

    module: str
    replaced: str
    test: str
    reason: str
    # Where it holds; empty: everywhere.
    python: tuple[str, ...]
    loops: tuple[str, ...]

    def applies(self, suite: Suite) -> bool:
        """Returns whether it is about this suite, here."""
        return (
            self.module == suite.module
            and self.replaced == suite.replaced
            and (not self.loops or suite.loop in self.loops)
            and (not self.python or PYTHON in self.python)
        )


class Exceptions:
    """What the file says, and which of it was needed."""

    def __init__(self, file: Path = FILE) -> None:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        self._reasons = [read(**entry) for entry in content.get("exception", ())]
        self._needed: set[tuple[Reason, Suite]] = set()

    def find(self, suite: Suite, test: str) -> Reason | None:
        """Returns the reason why a test need not pass, if there is one."""
        for reason in self._reasons:
            if reason.applies(suite) and fnmatch.fnmatchcase(test, f"*.{reason.test}"):
                self._needed.add((reason, suite))
                return reason
        return None

    def stale(self, judged: list[Suite]) -> list[str]:
        """Returns a line on each entry that one of the suites judged did not need: its test passes."""
        return [
            f"{suite}: {reason.test} is excepted, and no such test fails"
            for suite in judged
            for reason in self._reasons
            if reason.applies(suite) and (reason, suite) not in self._needed
        ]


def read(*, module: str, replaced: str, test: str, reason: str, python: Any = (), loops: Any = ()) -> Reason:
    """Returns an entry as an object; one with a key too many or too few is a TypeError."""
    return Reason(module, replaced, test, reason, tuple(python), tuple(loops))
