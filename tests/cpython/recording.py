"""What a running suite tells of its tests."""

from __future__ import annotations

import faulthandler
import logging
import sys
import unittest
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

# What `sys.exc_info` returns.
Error: TypeAlias = Any
Write: TypeAlias = Callable[..., None]


class Recorder(unittest.TestResult):
    """Writes one line when a test starts, and one with its outcome when it has ended."""

    def __init__(self, write: Write, seconds_per_test: float) -> None:
        super().__init__()
        self._write = write
        self._seconds_per_test = seconds_per_test
        self._running = False
        self._outcome = "passed"
        self._detail = ""
        self._noise: list[str] = []
        listen(self._noise)

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().startTest(test)
        # A test that hangs ends the process, with the stacks of all threads in its log.
        faulthandler.dump_traceback_later(self._seconds_per_test, exit=True)
        self._write(started=test.id())
        self._running, self._outcome, self._detail = True, "passed", ""

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().stopTest(test)
        faulthandler.cancel_dump_traceback_later()
        self._running = False
        self._tell(test, self._outcome, self._detail)

    def addError(self, test: unittest.TestCase, err: Error) -> None:  # noqa: N802
        super().addError(test, err)
        self._became(test, "error", self.errors[-1][1])

    def addFailure(self, test: unittest.TestCase, err: Error) -> None:  # noqa: N802
        super().addFailure(test, err)
        self._became(test, "failed", self.failures[-1][1])

    def addSubTest(  # noqa: N802
        self, test: unittest.TestCase, subtest: unittest.TestCase, err: Error
    ) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            outcome = "failed" if issubclass(err[0], test.failureException) else "error"
            self._became(test, outcome, f"{subtest.id()}: {err[1]!r}")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        super().addSkip(test, reason)
        # A part that is skipped leaves the outcome to the rest of its test.
        if not hasattr(test, "test_case"):
            self._became(test, "skipped", reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Error) -> None:  # noqa: N802
        super().addExpectedFailure(test, err)
        self._became(test, "failed as expected", "")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().addUnexpectedSuccess(test)
        self._became(test, "passed unexpectedly", "")

    def _became(self, test: unittest.TestCase, outcome: str, detail: str) -> None:
        if not self._running:
            # The fixture of a class or a module neither starts nor stops.
            self._tell(test, outcome, detail)
        elif self._outcome not in ("failed", "error"):
            self._outcome, self._detail = outcome, detail

    def _tell(self, test: unittest.TestCase, outcome: str, detail: str) -> None:
        self._write(test=test.id(), outcome=outcome, detail=detail, noise=self._noise)
        self._noise.clear()


def listen(noise: list[str]) -> None:
    """Has `noise` filled with what goes wrong without failing a test."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            noise.append(f"logged: {record.getMessage()}")

    def unraisable(details: sys.UnraisableHookArgs) -> None:
        noise.append(f"unraisable: {details.exc_value!r} in {details.object!r}")

    def warn(message: Warning | str, category: type[Warning], *_args: Any, **_options: Any) -> None:
        if issubclass(category, (RuntimeWarning, ResourceWarning)):
            noise.append(f"{category.__name__}: {message}")

    logging.getLogger("asyncio").addHandler(Listener(logging.ERROR))
    sys.unraisablehook = unraisable
    warnings.simplefilter("default")
    warnings.showwarning = warn
