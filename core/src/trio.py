"""What runs inside trio, said in trio's own terms."""

from contextvars import Context, copy_context
from inspect import isawaitable

from trio import Cancelled, CancelScope
from trio.lowlevel import Abort, current_task, spawn_system_task, wait_readable, wait_task_rescheduled


def install(descriptor, drain):
    """Have `drain` called whenever `descriptor` is readable, until the run ends.

    In an empty context: the task lives as long as the run, and so would the variables of whoever came first.
    """
    spawn_system_task(watch, descriptor, drain, name="crossawait", context=Context())


async def watch(descriptor, drain):
    """The system task. Whatever it raised would end the run: `drain` does not raise."""
    try:
        while True:
            await wait_readable(descriptor)
            drain()
    finally:
        # The run ends. There may be tasks left that wait for ours behind a shield.
        with CancelScope(shield=True):
            while drain.is_awaited():
                await wait_readable(descriptor)
                drain()
        drain.close()


async def wait(waiter):
    """Wait until the awaitable behind `waiter` has settled; return its result or raise."""
    cancelled = None

    def abort(raise_cancel):
        # What has settled is on its way, and is not thrown away for a cancellation that comes too late. What
        # takes part in its cancellation has been asked to end, and is waited for.
        nonlocal cancelled
        cancelled = raise_cancel
        return Abort.SUCCEEDED if waiter.give_up() else Abort.FAILED

    try:
        if waiter.enlist(current_task()):
            try:
                await wait_task_rescheduled(abort)
            finally:
                waiter.leave()
        if cancelled is not None and waiter.is_cancelled():
            cancelled()
        return waiter.outcome()
    finally:
        # An exception that is raised here refers to this frame, and the awaitable to the exception.
        waiter = cancelled = None


def run(awaitable, end):
    """Await `awaitable` in a task of its own and tell `end`; the scope that is returned cancels it."""
    if not isawaitable(awaitable):
        raise TypeError("a coroutine or an awaitable is required")
    scope = CancelScope()
    spawn_system_task(drive, awaitable, scope, end, name="crossawait call", context=copy_context())
    return scope


async def drive(awaitable, scope, end):
    """The task. What it raised would end the run, so it raises nothing but the run's own cancellation."""
    try:
        value = None
        with scope:
            value = await awaitable
        end.give(value)
    except Cancelled:
        # The run ends. Somebody may be waiting for this behind a shield, and hears of it now or never.
        end.abandon()
        raise
    except BaseException as error:  # noqa: BLE001 - Rust is told of whatever it is
        end.fail(error)
