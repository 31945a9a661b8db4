//! Python functions on the executor's blocking pool.

use crossawait_core::Runtime;
use crossawait_core::pyo3::exceptions::PyTypeError;
use crossawait_core::pyo3::prelude::*;
use crossawait_core::pyo3::types::{PyCFunction, PyTuple};
use crossawait_tests::embedded::{attached, callable, class_of, run};

use crate::subject::Subject;

/// `call(function, *args)` in Python.
fn caller<'py>(py: Python<'py>, runtime: &Runtime) -> Bound<'py, PyCFunction> {
    let runtime = runtime.clone();
    callable(py, move |arguments| {
        let function = arguments.get_item(0)?;
        let rest = arguments.get_slice(1, arguments.len());
        Ok(runtime.call_blocking(&function, &rest)?.into_any().unbind())
    })
}

pub(crate) fn blocking_call(subject: &Subject) {
    let code = c"
import contextvars
import threading

variable = contextvars.ContextVar('variable')

def work(number, *, fail=False):
    assert threading.get_ident() != loop_thread
    assert variable.get() == 'from the caller'
    variable.set('changed')
    if fail or number < 0:
        raise LookupError(number)
    return number * 2

async def main(call):
    global loop_thread
    loop_thread = threading.get_ident()
    variable.set('from the caller')
    assert await call(work, 21) == 42
    # In a copy.
    assert variable.get() == 'from the caller'
    try:
        await call(work, -1)
    except LookupError as error:
        assert error.args == (-1,)
    else:
        raise AssertionError
    return 'done'
";
    attached(|py| {
        let runtime = subject.runtime();
        let result = run(py, code, (caller(py, &runtime),));
        if subject.complete {
            assert_eq!(result.unwrap().to_string(), "done");
            assert_eq!(runtime.metrics().blocking_calls, 2);
        } else {
            // No pool: the job comes back, and whoever awaits it hears of that.
            assert_eq!(class_of(py, &result.unwrap_err()), "RuntimeClosedError");
        }
    });
}

pub(crate) fn blocking_call_cancelled(subject: &Subject) {
    if !subject.complete {
        return;
    }
    let code = c"
import asyncio
import threading

async def main(call):
    loop = asyncio.get_running_loop()
    started = asyncio.Event()
    release, finished = threading.Event(), threading.Event()

    def work():
        loop.call_soon_threadsafe(started.set)
        release.wait()
        finished.set()

    task = asyncio.create_task(call(work))
    await started.wait()
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    else:
        raise AssertionError
    # The call goes on all the same.
    assert not finished.is_set()
    release.set()
    await loop.run_in_executor(None, finished.wait)
";
    attached(|py| {
        let runtime = subject.runtime();
        run(py, code, (caller(py, &runtime),)).unwrap();
    });
}

pub(crate) fn blocking_call_of_no_function(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let error = runtime.call_blocking(&py.None().into_bound(py), &PyTuple::empty(py)).unwrap_err();
        assert!(error.is_instance_of::<PyTypeError>(py));
        assert_eq!(runtime.metrics().blocking_calls, 0);
    });
}
