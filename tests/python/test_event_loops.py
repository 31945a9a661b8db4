"""The event loops of the tests: all that are to be had are there, and what they complain of is heard."""

from __future__ import annotations

import asyncio
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from packaging.requirements import Requirement

from event_loops import COMPILED, KINDS, LOOPS, run
from tasks import spawn

REQUIREMENTS = Path(__file__).parents[2] / "requirements-dev.txt"


def test_every_loop_that_is_asked_for_is_there() -> None:
    lines = [line.partition("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines()]
    required = [Requirement(line) for line in lines if line]
    asked_for = {each.name for each in required if each.marker is None or each.marker.evaluate()}
    assert asked_for & set(COMPILED) <= set(KINDS)


@pytest.mark.parametrize("kind", [*LOOPS, "anyio"])
def test_what_a_loop_complains_of_is_a_failure(kind: str) -> None:
    async def complain() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "not well"})

    with pytest.raises(AssertionError, match="not well"):
        run(kind, complain())


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_test_raises_comes_out_as_it_is(kind: str) -> None:
    async def fail() -> None:
        raise LookupError("missing")

    with pytest.raises(LookupError, match="missing"):
        run(kind, fail())


@pytest.mark.parametrize("kind", KINDS)
def test_tasks_that_a_test_leaves_behind_are_ended(kind: str) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("ended")

    async def leave() -> str:
        task = spawn(work())
        await anyio.lowlevel.checkpoint()
        assert not task.done()
        return "left"

    assert run(kind, leave()) == "left"
    assert ended == ["ended"]
