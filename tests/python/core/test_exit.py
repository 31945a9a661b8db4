"""The interpreter ends with futures under way: nothing is printed, nothing hangs."""

from __future__ import annotations

import pytest

from child_process import printed, python

ENDINGS = {
    "pending": "",
    "settled": "gate.give('value')\ngate.wait_dropped()",
    "failed": "gate.fail(LookupError('missing'))\ngate.wait_dropped()",
    "panics in conversion": "gate.odd('panics')\ngate.wait_dropped()",
    "while others end it": "gate.give('value', elsewhere=True)",
    "while others let it fail": "gate.fail(LookupError('missing'), elsewhere=True)",
}


@pytest.mark.parametrize("runtime", ["tokio", "async-std", "smol", "custom"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_with_an_awaitable_that_nobody_awaited(runtime: str, ending: str) -> None:
    # Globals: they are dropped when hardly anything of the interpreter is left.
    code = f"from crossawait_tests import Gate, Runtime\nruntime, gate = Runtime({runtime!r}), Gate()\n"
    code += "awaitable = runtime.awaitable(gate)\ngate.wait_polled()\n"
    assert printed(code + ENDINGS[ending]) == ""


def test_with_a_coroutine_that_waits() -> None:
    code = """
        from crossawait_tests import Gate, Runtime
        runtime, gate = Runtime(), Gate()
        coroutine = runtime.coroutine(gate)
        yielded = coroutine.send(None)
    """
    assert printed(code) == ""


def test_with_a_coroutine_that_was_never_awaited() -> None:
    """What goes last goes when nothing can be imported any more; the warning is as of a native one."""
    code = """
        import sys, types
        from crossawait_tests import Gate, Runtime
        runtime = Runtime()
        sys.modules["last"] = last = types.ModuleType("last")
        last.coroutine = runtime.coroutine(Gate(), name="never")
        runtime.shutdown()
    """
    result = python(code)
    assert (result.returncode, result.stdout) == (0, "")
    # Warnings are errors in these processes, and this one has nobody to be raised to.
    assert result.stderr.splitlines()[-1] == "RuntimeWarning: coroutine 'never' was never awaited"


def test_with_one_made_in_python() -> None:
    code = """
        import asyncio
        from crossawait_tests import Awaitable
        loop = asyncio.new_event_loop()
        awaitable = Awaitable(loop=loop)
        awaitable.set_result("value")
        loop.close()
    """
    assert printed(code) == ""


def test_with_a_closed_loop_that_had_waiters() -> None:
    code = """
        import asyncio
        from crossawait_tests import Gate, Runtime
        runtime, gate = Runtime(), Gate()

        async def begin():
            awaitable = runtime.awaitable(gate)
            awaitable.add_done_callback(print)
            return awaitable

        loop = asyncio.new_event_loop()
        awaitable = loop.run_until_complete(begin())
        loop.close()
    """
    assert printed(code) == ""


def test_while_the_notifier_is_inside_the_loop() -> None:
    # The one thread that attaches on behalf of others: it must be out, and stay out, before the interpreter
    # ends. A call that lets the interpreter go holds it inside, and the end is slow: it would come back.
    code = """
        import asyncio, sys, time, types
        from crossawait_tests import Gate, Runtime

        class WithoutReaders(asyncio.SelectorEventLoop):
            def add_reader(self, *_arguments):
                raise NotImplementedError

            def call_soon_threadsafe(self, *arguments, **options):
                super().call_soon_threadsafe(*arguments, **options)
                time.sleep(0.3)

        async def main():
            awaitable = runtime.awaitable(gate)
            asyncio.get_running_loop().call_soon(lambda: gate.give(42, elsewhere=True))
            print(await awaitable)

        class Slow:
            def __del__(self, sleep=time.sleep):
                sleep(0.6)

        runtime, gate = Runtime(), Gate()
        loop = WithoutReaders()
        loop.run_until_complete(main())
        loop.close()
        sys.modules["slow"] = types.ModuleType("slow")
        sys.modules["slow"].slow = Slow()
    """
    assert printed(code) == "42"


def test_with_a_task_that_asyncio_describes_as_it_goes() -> None:
    code = """
        import asyncio
        from crossawait_tests import Gate, Runtime

        async def wait():
            kept.append(asyncio.ensure_future(runtime.awaitable(gate)))
            kept.append(asyncio.ensure_future(wait_for(kept[0])))
            await asyncio.sleep(0)

        async def wait_for(awaitable):
            await awaitable

        kept, runtime, gate = [], Runtime(), Gate()
        loop = asyncio.new_event_loop()
        loop.run_until_complete(wait())
        loop.close()
    """
    result = python(code)
    assert result.returncode == 0
    assert "Task was destroyed but it is pending" in result.stderr
    assert "wait_for=<Awaitable finished>" in result.stderr
    assert "Error" not in result.stderr
