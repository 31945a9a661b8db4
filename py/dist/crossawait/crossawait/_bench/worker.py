"""The process of one contestant: it does what it is told on its standard input, a line of JSON at a time.

Each contestant has its own, so that none runs in another's heap, beside its threads or next to its faults,
and all of them stay ready, so that rounds can go from one to the next. Between two samples a process waits
for its input, its event loop with it: nothing but the contestant whose turn it is uses the processor.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from functools import partial
from typing import Any, TextIO

from crossawait._bench import loops
from crossawait._bench.contestants import Unsupported, make
from crossawait._bench.workload import Workload
from crossawait._bench.workloads import BY_NAME

# Long enough for threads to finish what they do after their last result was delivered.
PAUSE = 0.003


class Line:
    """The way to the parent and back."""

    def __init__(self, commands: TextIO, answers: TextIO) -> None:
        self._commands = commands
        self._answers = answers

    def receive(self) -> dict[str, Any] | None:
        """Wait for the next command; None when there is none to come."""
        line = self._commands.readline()
        command: dict[str, Any] | None = json.loads(line) if line else None
        return command

    def answer(self, **facts: object) -> None:
        """Answer the command."""
        print(json.dumps(facts), file=self._answers, flush=True)


async def serve(loop: str, runtime: str | None, line: Line) -> None:
    """Prepare for one workload after the other."""
    line.answer(ready=True)
    while (command := line.receive()) is not None:
        workload = BY_NAME[command["prepare"]]
        try:
            await at(workload, command["count"], loop, runtime, line)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a contestant, the others go on
            line.answer(**reason(error))
        else:
            line.answer(finished=True)


def reason(error: BaseException) -> dict[str, str]:
    """Return what the parent is told of an error; of a group of them, as trio raises, the first."""
    while nested := getattr(error, "exceptions", None):
        error = nested[0]
    words = " ".join(str(error).split())
    if isinstance(error, Unsupported):
        return {"unsupported": words}
    return {"error": f"{type(error).__name__}: {words}"}


async def at(workload: Workload, count: int, loop: str, runtime: str | None, line: Line) -> None:
    """Warm up for a workload, and give samples of it until it is finished."""
    tasks = loops.tasks(loop)
    contestant = make(runtime, loop, tasks)
    # Tasks end before what they use: a server that is cancelled complains less than one without a socket.
    async with contestant, tasks:
        if not workload.fresh:
            # Not counted: threads start, caches fill, connections are made.
            await workload.work(contestant, count)
        line.answer(prepared=True)
        while (command := line.receive()) and "sample" in command:
            gc.collect()
            await tasks.sleep(PAUSE)
            processor = time.process_time()
            sample = await workload.work(contestant, count)
            processor = time.process_time() - processor
            line.answer(value=sample.value, percentiles=sample.percentiles, processor=processor / count)


def main() -> None:
    """Run as ``worker.main()`` with the arguments LOOP and RUNTIME, which is empty for the loop by itself."""
    loop, runtime = sys.argv[-2:]
    # What a contestant prints must not come between the answers.
    line = Line(sys.stdin, sys.stdout)
    sys.stdout = sys.stderr
    gc.freeze()
    loops.run(loop, partial(serve, loop, runtime or None, line))
