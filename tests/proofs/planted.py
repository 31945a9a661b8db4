"""Plants one bug after the other into a copy of the core and has the models of `make loom` find it.

A proof that finds nothing proves nothing unless it would have found something. Each plant names the model
that has to fail; the copy lies in the folder given, and the sources stay as they are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PATIENCE = 300


class Plant(NamedTuple):
    """A bug: what is replaced by what, and the model that finds it."""

    bug: str
    file: str
    old: str
    new: str
    model: str


HEADER = "core/src/task/header.rs"
TASK = "core/src/task.rs"
CELL = "core/src/task/cell.rs"
QUEUE = "core/src/event_loop/queue.rs"
DRAIN = "core/src/event_loop/drain.rs"
BUFFER = "core/src/stream/buffer.rs"

SETTLING = "match self.state.compare_exchange_weak(state, settled, Ordering::AcqRel, Ordering::Relaxed)"
TAKING = "match self.state.compare_exchange_weak(state, taken, Ordering::Acquire, Ordering::Relaxed)"

PLANTS = [
    Plant(
        "settling does not publish the outcome",
        HEADER,
        SETTLING,
        SETTLING.replace("AcqRel", "Acquire"),
        "one_of_two_takes_the_outcome",
    ),
    Plant(
        "settling does not receive the subscriber's queue",
        HEADER,
        SETTLING,
        SETTLING.replace("AcqRel", "Release"),
        "whoever_watches_is_told_and_finds_the_outcome",
    ),
    Plant(
        "settling is a look and a store",
        HEADER,
        SETTLING,
        "self.state.store(settled, Ordering::Release);\n            match Ok::<u32, u32>(state)",
        "either_a_cancellation_or_the_outcome_counts",
    ),
    Plant(
        "taking does not receive the outcome",
        HEADER,
        TAKING,
        TAKING.replace("Acquire", "Relaxed"),
        "one_of_two_takes_the_outcome",
    ),
    Plant(
        "taking is a look and a store",
        HEADER,
        TAKING,
        "self.state.store(taken, Ordering::Release);\n            match Ok::<u32, u32>(state)",
        "one_of_two_takes_the_outcome",
    ),
    Plant(
        "watching publishes the flag before the key",
        HEADER,
        "        self.key.store(key, Ordering::Release);\n"
        "        let before = self.state.fetch_or(WATCHED, Ordering::AcqRel);\n",
        "        let before = self.state.fetch_or(WATCHED, Ordering::AcqRel);\n"
        "        self.key.store(key, Ordering::Release);\n",
        "whoever_watches_is_told_and_finds_the_outcome",
    ),
    Plant(
        "watching does not publish",
        HEADER,
        "self.state.fetch_or(WATCHED, Ordering::AcqRel)",
        "self.state.fetch_or(WATCHED, Ordering::Acquire)",
        "whoever_watches_is_told_and_finds_the_outcome",
    ),
    Plant(
        "a phase is read without what was written before it",
        HEADER,
        "Phase::of(self.state.load(Ordering::Acquire))",
        "Phase::of(self.state.load(Ordering::Relaxed))",
        "a_dropped_task_is_closed_or_was_cancelled",
    ),
    Plant(
        "asking is a look and a flag",
        HEADER,
        "        let before = self.state.fetch_or(CANCEL_ASKED, Ordering::AcqRel);\n",
        "        let before = self.state.load(Ordering::Acquire);\n"
        "        self.state.fetch_or(CANCEL_ASKED, Ordering::AcqRel);\n",
        "a_question_comes_in_time_or_is_told_that_it_does_not",
    ),
    Plant(
        "blocking listens after it has looked",
        HEADER,
        "            let listener = self.blocked.listen();\n"
        "            let before = self.state.fetch_or(BLOCKED_ON, Ordering::AcqRel);\n",
        "            let before = self.state.fetch_or(BLOCKED_ON, Ordering::AcqRel);\n"
        "            let listener = self.blocked.listen();\n",
        "a_blocked_thread_is_told",
    ),
    Plant(
        "cancelling wakes nobody",
        HEADER,
        "        self.tell_others(before);\n        self.waker.wake();\n",
        "        self.tell_others(before);\n",
        "a_cancelled_future_is_dropped_by_its_executor",
    ),
    Plant(
        "a poll does not look again once its waker is there",
        TASK,
        "if self.cell.as_ref().is_some_and(|cell| !cell.header().is_settled()) {",
        "if self.cell.is_some() {",
        "a_cancelled_future_is_dropped_by_its_executor",
    ),
    Plant(
        "a settled cell keeps the waker",
        TASK,
        "            cell.header().unregister();\n",
        "",
        "a_dropped_task_is_closed_or_was_cancelled",
    ),
    Plant(
        "a dropped task settles before its future is gone",
        TASK,
        "            unsafe { cell.clear() };\n            cell.header().settle(phase);\n",
        "            cell.header().settle(phase);\n            unsafe { cell.clear() };\n",
        "a_dropped_task_is_closed_or_was_cancelled",
    ),
    Plant(
        "a task that was cancelled at its end keeps the outcome",
        TASK,
        "                    unsafe { cell.clear() };\n                }\n",
        "                }\n",
        "either_a_cancellation_or_the_outcome_counts",
    ),
    Plant(
        "the outcome is taken by whoever sees that it is there",
        CELL,
        "        self.header.take()?;\n",
        "        if self.header.phase() != super::header::Phase::Complete {\n"
        "            return None;\n        }\n        self.header.take();\n",
        "one_of_two_takes_the_outcome",
    ),
    Plant(
        "a queue is disarmed without another look",
        QUEUE,
        "state.armed = !state.messages.is_empty();",
        "state.armed = false;",
        "a_loop_that_polls_gets_every_message",
    ),
    Plant(
        "a queue is disarmed before it is acknowledged",
        QUEUE,
        "        self.wake.acknowledge();\n        let mut state = self.state.lock();\n",
        "        let mut state = self.state.lock();\n        state.armed = false;\n        drop(state);\n"
        "        self.wake.acknowledge();\n        return;\n        #[expect(unreachable_code)]\n"
        "        let mut state = self.state.lock();\n",
        "a_loop_that_polls_gets_every_message",
    ),
    Plant(
        "a loop that is told of changes is left as it stands",
        QUEUE,
        "        if backlog || !self.state.lock().messages.is_empty() {\n",
        "        if !backlog && !self.state.lock().messages.is_empty() {\n            return;\n        }\n"
        "        if backlog {\n",
        "a_loop_that_is_told_of_changes_gets_every_message",
    ),
    Plant(
        "a queue wakes nobody that it has woken once",
        QUEUE,
        "        let again = state.armed;\n",
        "        let again = state.armed;\n        state.armed = true;\n",
        "a_loop_that_polls_gets_every_message",
    ),
    Plant(
        "the drain forgets what it has not got to",
        DRAIN,
        "self.queue.rest(left);",
        "self.queue.rest(left && false);",
        "a_bounded_drain_comes_back_for_the_rest",
    ),
    Plant(
        "a closed queue takes messages",
        QUEUE,
        "            state.closed = true;\n",
        "",
        "a_closed_queue_keeps_nothing",
    ),
    Plant(
        "a queue is closed after its messages were taken",
        QUEUE,
        "            let mut state = self.state.lock();\n            state.closed = true;\n"
        "            std::mem::take(&mut state.messages)\n",
        "            let messages = std::mem::take(&mut self.state.lock().messages);\n"
        "            self.state.lock().closed = true;\n            messages\n",
        "a_closed_queue_keeps_nothing",
    ),
    Plant(
        "a stream ends for one while another has its last item",
        BUFFER,
        "if state.closed || state.ended && state.reserved == 0 {",
        "if state.closed || state.ended {",
        "an_item_that_nobody_takes_is_the_next_ones",
    ),
    Plant(
        "nobody hears that a stream has ended after all",
        BUFFER,
        "let consumers = if over { mem::take(&mut state.consumers) } else { Vec::new() };",
        "let consumers = if over { Vec::new() } else { Vec::new() };",
        "one_gets_the_last_item_and_the_other_the_end",
    ),
    Plant(
        "nobody hears of an item of a stream that is given back",
        BUFFER,
        "        state.items.insert(place, (number, item));\n"
        "        let consumers = mem::take(&mut state.consumers);\n",
        "        state.items.insert(place, (number, item));\n        let consumers = Vec::new();\n",
        "an_item_that_nobody_takes_is_the_next_ones",
    ),
    Plant(
        "nobody hears of the items of a stream",
        BUFFER,
        "        state.ended |= ended;\n        let consumers = mem::take(&mut state.consumers);\n",
        "        state.ended |= ended;\n        let consumers = Vec::new();\n",
        "every_item_arrives_in_order_and_then_the_end",
    ),
    Plant(
        "a stream does not say that it waits for room",
        BUFFER,
        "state.parked = room == 0;",
        "state.parked = false;",
        "every_item_arrives_in_order_and_then_the_end",
    ),
    Plant(
        "closing a stream wakes nobody that fills it",
        BUFFER,
        "        producer.into_iter().for_each(Waker::wake);\n",
        "        drop(producer);\n",
        "closing_ends_the_filling_task_wherever_it_waits",
    ),
]


def run(copy: Path, model: str) -> bool:
    """Tell whether the model fails in the copy. A copy that does not build is an error."""
    command = ["cargo", "test", "--quiet", "--locked", "--package", "crossawait-core", "--lib"]
    built = subprocess.run([*command, "--no-run"], cwd=copy, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        sys.exit(built.stderr)
    tested = subprocess.run(
        [*command, "--", model], cwd=copy, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    if tested.returncode == 0 and "1 passed" not in tested.stdout:
        sys.exit(f"there is no model {model}\n{tested.stdout}")
    return tested.returncode != 0


def main() -> None:
    """Plant each bug by itself."""
    copy = Path(sys.argv[1])
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    os.environ["RUSTFLAGS"] = "--cfg crossawait_loom"
    os.environ["RUST_BACKTRACE"] = "0"
    shutil.rmtree(copy, ignore_errors=True)
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    missed = []
    for plant in PLANTS:
        if wanted not in plant.bug:
            continue
        source = (ROOT / plant.file).read_text()
        if source.count(plant.old) != 1:
            sys.exit(f"cannot plant {plant.bug!r}: {plant.file} has changed")
        (copy / plant.file).write_text(source.replace(plant.old, plant.new))
        found = run(copy, plant.model)
        (copy / plant.file).write_text(source)
        print(f"{'found ' if found else 'MISSED'}  {plant.bug}  ({plant.model})", flush=True)
        if not found:
            missed.append(plant.bug)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
