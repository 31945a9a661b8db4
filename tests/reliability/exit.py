"""Exit is clean: no crash, no hang, nothing printed, the program's own exit code, soon."""

from __future__ import annotations

import importlib.util
import itertools
import signal

from experiment import CUSTOM, WHEELS, Experiment, seconds

PROMISE = "exit is clean"

# What each ending leaves: the exit code, and what the interpreter itself writes of it.
TRACEBACK = r"Traceback .*|  .*|"
STATUS = {"end": 0, "sys.exit": 3, "error": 1, "interrupt": -signal.SIGINT, "os._exit": 4}
STDERR = {
    "error": TRACEBACK + "|LookupError: the program's own",
    "interrupt": TRACEBACK + "|During handling of .*|asyncio.exceptions.CancelledError|KeyboardInterrupt",
}

# Whose loop the awaitables are in flight on, and which endings are tried from there.
ENDINGS = {
    "main": ("end", "sys.exit", "error", "interrupt", "os._exit"),
    "task": ("sys.exit", "error", "interrupt", "os._exit"),
    "thread": ("end", "sys.exit", "error", "interrupt"),
    "daemons": ("end", "sys.exit", "error", "interrupt", "os._exit"),
}
ORIGINS = {
    "main": "from main",
    "task": "from a task",
    "thread": "from a thread that has ended",
    "daemons": "from daemon threads that run on",
}
LEFT, SHUTDOWN = "left", "shutdown"


def experiments() -> list[Experiment]:
    """Returns every way to end, on every runtime that is here."""
    runtimes = [*WHEELS, *([CUSTOM] if importlib.util.find_spec("crossawait_tests") else [])]
    ways = [(origin, ending) for origin, endings in ENDINGS.items() for ending in endings]
    return [
        way(runtime, origin, ending, shutdown)
        for runtime, (origin, ending), shutdown in itertools.product(runtimes, ways, (LEFT, SHUTDOWN))
        # There is no shutting down in between when a signal ends it where it waits.
        if not (origin == "task" and ending == "interrupt" and shutdown == SHUTDOWN)
    ]


def way(runtime: str, origin: str, ending: str, shutdown: str) -> Experiment:
    """Returns one way to end."""
    return Experiment(
        PROMISE,
        row=f"1,000 in flight, {ORIGINS[origin]}",
        way=f"{ending}, {'after shutdown()' if shutdown == SHUTDOWN else 'no shutdown()'}",
        runtime=runtime,
        program="ending.py",
        arguments=(origin, ending, shutdown),
        status=STATUS[ending],
        stderr=STDERR.get(ending),
        interrupted=ending == "interrupt",
        bounds={"exit": seconds(2)},
    )
