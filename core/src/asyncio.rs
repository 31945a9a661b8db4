//! The functions and classes of `asyncio` that the library calls, looked up once.
//!
//! The C versions are taken from `_asyncio` where there are any: they are what `asyncio` itself exports, without a
//! detour over Python code.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use pyo3::{IntoPyObject, ffi};

use crate::error;
use crate::once::intern;
use crate::once::once;

/// The loop of `asyncio.Future()` without arguments: the running one, or whatever the policy says.
pub(crate) fn default_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let function = once(py, &FUNCTION, || {
        // 3.10 and 3.11 keep the variant that does not warn under a private name.
        let events = py.import("asyncio.events")?;
        events.getattr("_get_event_loop").or_else(|_| events.getattr("get_event_loop")).map(Bound::unbind)
    })?;
    call0(function.bind(py))
}

/// Whether a task of `event_loop` is being stepped in this thread.
pub(crate) fn has_current_task(event_loop: &Bound<'_, PyAny>) -> PyResult<bool> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = event_loop.py();
    let function = once(py, &FUNCTION, || py.import("asyncio")?.getattr("current_task").map(Bound::unbind))?;
    Ok(!function.bind(py).call1((event_loop,))?.is_none())
}

macro_rules! class {
    ($(#[$doc:meta])* $function:ident, $name:literal) => {
        $(#[$doc])*
        pub(crate) fn $function(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
            static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
            let find = || PyResult::Ok(py.import("asyncio")?.getattr($name)?.cast_into()?.unbind());
            once(py, &CLASS, find).map(|class| class.bind(py))
        }
    };
}

class!(
    /// `asyncio.CancelledError`.
    cancelled_error, "CancelledError"
);
class!(
    /// `asyncio.InvalidStateError`.
    invalid_state_error, "InvalidStateError"
);
class!(
    /// `asyncio.Future`.
    future, "Future"
);

pub(crate) fn invalid_state(py: Python<'_>, message: &'static str) -> PyErr {
    match invalid_state_error(py) {
        Ok(class) => PyErr::from_type(class.clone(), message),
        Err(error) => error,
    }
}

/// `event_loop.get_debug()`.
pub(crate) fn is_debug(event_loop: &Bound<'_, PyAny>) -> PyResult<bool> {
    event_loop.call_method0(intern!(event_loop.py(), "get_debug"))?.is_truthy()
}

/// Where the caller is, as `traceback.extract_stack()` tells it.
pub(crate) fn stack(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("traceback")?.call_method0("extract_stack")
}

/// The words in which asyncio describes a future: its state, its outcome, its callbacks.
pub(crate) fn describe_future(future: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = future.py();
    let function =
        once(py, &FUNCTION, || py.import("asyncio.base_futures")?.getattr("_future_repr_info").map(Bound::unbind));
    match function {
        Ok(function) => function.bind(py).call1((future,))?.extract(),
        // While the interpreter goes away nothing can be imported: asyncio describes then what it destroys.
        Err(_) => Ok(vec![future.getattr(intern!(py, "_state"))?.extract::<String>()?.to_lowercase()]),
    }
}

/// `event_loop.call_soon(callback, argument, context=context)`.
pub(crate) fn call_soon(
    event_loop: &Bound<'_, PyAny>,
    callback: &Bound<'_, PyAny>,
    argument: &Bound<'_, PyAny>,
    context: &Bound<'_, PyAny>,
) -> PyResult<()> {
    schedule(intern!(event_loop.py(), "call_soon"), event_loop, callback, argument, context)
}

/// `event_loop.call_soon_threadsafe(callback, argument, context=context)`.
pub(crate) fn call_soon_threadsafe(
    event_loop: &Bound<'_, PyAny>,
    callback: &Bound<'_, PyAny>,
    argument: &Bound<'_, PyAny>,
    context: &Bound<'_, PyAny>,
) -> PyResult<()> {
    schedule(intern!(event_loop.py(), "call_soon_threadsafe"), event_loop, callback, argument, context)
}

fn schedule(
    method: &Bound<'_, PyString>,
    event_loop: &Bound<'_, PyAny>,
    callback: &Bound<'_, PyAny>,
    argument: &Bound<'_, PyAny>,
    context: &Bound<'_, PyAny>,
) -> PyResult<()> {
    static KEYWORDS: PyOnceLock<Py<PyTuple>> = PyOnceLock::new();
    let py = event_loop.py();
    let keywords = once(py, &KEYWORDS, || ("context",).into_pyobject(py).map(Bound::unbind))?;
    let arguments = [event_loop.as_ptr(), callback.as_ptr(), argument.as_ptr(), context.as_ptr()];
    // SAFETY: attached; three positional arguments (the receiver included) and one named by the keyword tuple, all
    // alive throughout. Vectorcall spares the dictionary that an ordinary keyword call builds.
    let handle = unsafe { ffi::PyObject_VectorcallMethod(method.as_ptr(), arguments.as_ptr(), 3, keywords.as_ptr()) };
    // SAFETY: a new reference, or null with the error set.
    unsafe { error::returned(py, handle) }.map(drop)
}

/// Tells the loop's exception handler of a callback that failed, in the words of the handle that would have run it.
pub(crate) fn report_failed_callback(
    event_loop: &Bound<'_, PyAny>,
    callback: &Bound<'_, PyAny>,
    argument: &Bound<'_, PyAny>,
    context: &Bound<'_, PyAny>,
    error: PyErr,
) -> PyResult<()> {
    let py = event_loop.py();
    let source = py
        .import("asyncio.format_helpers")?
        .call_method1("_format_callback_source", (callback, (argument,)))?
        .extract::<String>()?;
    let handle = py.import("asyncio")?.getattr("Handle")?.call1((callback, (argument,), event_loop, context))?;
    let details = PyDict::new(py);
    details.set_item("message", format!("Exception in callback {source}"))?;
    details.set_item("exception", error)?;
    details.set_item("handle", handle)?;
    event_loop.call_method1(intern!(py, "call_exception_handler"), (details,)).map(drop)
}

/// Calls without arguments.
pub(crate) fn call0<'py>(callable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = callable.py();
    // SAFETY: attached, and no arguments to keep alive.
    let result = unsafe { ffi::PyObject_Vectorcall(callable.as_ptr(), ptr::null(), 0, ptr::null_mut()) };
    // SAFETY: a new reference, or null with the error set.
    unsafe { error::returned(py, result) }
}

/// A copy of this thread's context, as `add_done_callback` takes it where none is given.
pub(crate) fn copy_context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: attached; returns a new reference, or null with the error set.
    unsafe { error::returned(py, ffi::PyContext_CopyCurrent()) }
}

/// What `asyncio.ensure_future(awaitable, loop=event_loop)` gives: a task of a coroutine, and a future itself.
pub(crate) fn ensure_future<'py>(
    event_loop: &Bound<'py, PyAny>,
    awaitable: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = event_loop.py();
    // SAFETY: attached, on a live object.
    if unsafe { ffi::PyCoro_CheckExact(awaitable.as_ptr()) } != 0 {
        return event_loop.call_method1(intern!(py, "create_task"), (awaitable,));
    }
    let function = once(py, &FUNCTION, || py.import("asyncio")?.getattr("ensure_future").map(Bound::unbind))?;
    let keywords = PyDict::new(py);
    keywords.set_item(intern!(py, "loop"), event_loop)?;
    function.bind(py).call((awaitable,), Some(&keywords))
}

/// Runs `body` in `context`, or in a copy of it if it is in use.
pub(crate) fn in_context<R>(context: &Bound<'_, PyAny>, body: impl FnOnce() -> R) -> PyResult<R> {
    let py = context.py();
    let mut context = context.clone();
    // SAFETY: attached; anything but a context sets an error.
    if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
        drop(error::fetch(py));
        context = context.call_method0(intern!(py, "copy"))?;
        // SAFETY: as above; a fresh copy is not in use.
        if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
            return Err(error::fetch(py));
        }
    }
    // A panic goes on only when the context has been left: nothing could be called in one that was not.
    let result = catch_unwind(AssertUnwindSafe(body));
    // SAFETY: attached; entered above, and the body leaves what it enters.
    if unsafe { ffi::PyContext_Exit(context.as_ptr()) } != 0 {
        return Err(error::fetch(py));
    }
    result.map_or_else(|payload| resume_unwind(payload), Ok)
}

/// `event_loop.is_running()`.
pub(crate) fn is_running(event_loop: &Bound<'_, PyAny>) -> PyResult<bool> {
    event_loop.call_method0(intern!(event_loop.py(), "is_running"))?.is_truthy()
}

/// Has a loop that runs in another thread look for callbacks.
pub(crate) fn wake(event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    // Any function that does nothing.
    let nothing = event_loop.py().get_type::<pyo3::types::PyBool>();
    event_loop.call_method1(intern!(event_loop.py(), "call_soon_threadsafe"), (nothing,)).map(drop)
}

/// The error of anything that needs a running loop.
pub(crate) fn no_running_loop() -> PyErr {
    PyRuntimeError::new_err("no running event loop")
}
