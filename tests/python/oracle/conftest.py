"""What the machines run on, and the count of what they did."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from crossawait_tests import Runtime

from oracle.modes import MODES, Mode
from oracle.steps import RUN


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Mode:
    """A kind of loop."""
    mode = MODES[request.param]
    # Read whenever the library meets a new loop.
    if mode.strict:
        monkeypatch.setenv("CROSSAWAIT_STRICT", "1")
    else:
        monkeypatch.delenv("CROSSAWAIT_STRICT", raising=False)
    return mode


@pytest.fixture(scope="session")
def one_worker() -> Iterator[Runtime]:
    """A runtime whose tasks settle, and say so, one after another."""
    runtime = Runtime("custom", worker_threads=1)
    yield runtime
    runtime.shutdown()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how many steps were run."""
    if not RUN:
        return
    terminalreporter.section("oracle: steps that agree")
    for (machine, mode), steps in sorted(RUN.items()):
        terminalreporter.write_line(f"{machine:12} {mode:10} {steps:8,}")
    terminalreporter.write_line(f"{'all':23} {sum(RUN.values()):8,}")
