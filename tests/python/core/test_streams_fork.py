"""A stream begun before `os.fork`: its producer, and perhaps the lock on its buffer, is the parent's."""

from __future__ import annotations

import os

import pytest

from child_process import printed

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def test_a_child_is_told_and_the_parent_goes_on() -> None:
    code = """
import asyncio, gc, os, signal, sys, warnings
from crossawait_tests import Gate, Runtime, gated

warnings.simplefilter("ignore", DeprecationWarning)
rust = Runtime()
gates = [Gate() for _ in range(2)]
iterator = gated(rust, gates)


async def take(number):
    gates[number].give(number)
    return await anext(iterator)


async def use():
    try:
        await anext(iterator)
    except RuntimeError as error:
        return type(error).__name__


print(asyncio.run(take(0)), flush=True)
child = os.fork()
if child == 0:
    signal.alarm(20)
    print(asyncio.run(use()), flush=True)
    del iterator
    gc.collect()
    os._exit(0)
print(os.waitpid(child, 0)[1])
print(asyncio.run(take(1)))
"""
    assert printed(code).splitlines() == ["0", "RuntimeClosedError", "0", "1"]
