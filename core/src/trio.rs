//! The functions of `trio` that the library calls, looked up once.
//!
//! Trio has no futures and no callbacks: a task sleeps until somebody calls `reschedule` for it. So waiting is a
//! coroutine of trio's own kind, in `trio.py`, and a loop of ours is a system task that watches a descriptor. A run of
//! trio is known by its token, which lives as long as the run does.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyModule};

use crate::once::intern;
use crate::once::once;
use crate::python_source::{self, python_source};

/// Whether the code that calls runs inside trio, also in a guest run on top of an asyncio loop.
///
/// Asks `sniffio`, which trio tells when it starts and stops running; and does so only once trio has been imported, so
/// that a program without trio pays for one look into a dictionary.
pub(crate) fn is_running(py: Python<'_>) -> PyResult<bool> {
    static SNIFFIO: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let thread_local = match SNIFFIO.get(py) {
        Some(thread_local) => thread_local.bind(py),
        None if !is_imported(py)? => return Ok(false),
        None => once(py, &SNIFFIO, || py.import("sniffio")?.getattr("thread_local").map(Bound::unbind))?.bind(py),
    };
    match thread_local.getattr_opt(intern!(py, "name"))? {
        Some(name) => name.eq(intern!(py, "trio")),
        None => Ok(false),
    }
}

fn is_imported(py: Python<'_>) -> PyResult<bool> {
    static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let modules = once(py, &MODULES, || {
        py.import("sys")?.getattr("modules")?.cast_into::<PyDict>().map(Bound::unbind).map_err(PyErr::from)
    })?;
    // The submodule: the package itself is listed from the beginning of its import on.
    modules.bind(py).contains(intern!(py, "trio.lowlevel"))
}

macro_rules! function {
    ($(#[$doc:meta])* $function:ident, $module:expr, $name:literal) => {
        $(#[$doc])*
        fn $function(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
            static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let function = once(py, &FUNCTION, || ($module)(py)?.getattr($name).map(Bound::unbind));
            function.map(|function| function.bind(py))
        }
    };
}

fn lowlevel(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("trio.lowlevel")
}

/// Our own part in Python.
fn inside(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = once(py, &MODULE, || {
        let source = python_source!("trio.py");
        python_source::module(py, source, c"crossawait/trio.py", "crossawait_core_trio").map(Bound::unbind)
    })?;
    Ok(module.bind(py).clone())
}

function!(current_trio_token, lowlevel, "current_trio_token");
function!(reschedule_function, lowlevel, "reschedule");
function!(install_function, inside, "install");
function!(run_function, inside, "run");
function!(wait_function, inside, "wait");

/// The token of the run that runs in this thread.
pub(crate) fn current_token(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    crate::asyncio::call0(current_trio_token(py)?)
}

/// Lets a sleeping task go on. Its run must be the one that runs in this thread.
pub(crate) fn reschedule(task: &Bound<'_, PyAny>) -> PyResult<()> {
    reschedule_function(task.py())?.call1((task,)).map(drop)
}

/// Has the current run call `drain` whenever `descriptor` is readable.
pub(crate) fn install(descriptor: i32, drain: &Bound<'_, PyAny>) -> PyResult<()> {
    install_function(drain.py())?.call1((descriptor, drain)).map(drop)
}

/// Awaits `awaitable` in a system task of the current run, and tells `end`. Gives the scope that cancels it.
pub(crate) fn run<'py>(awaitable: &Bound<'py, PyAny>, end: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    run_function(awaitable.py())?.call1((awaitable, end))
}

/// A coroutine for trio that waits for what `waiter` stands for.
pub(crate) fn wait<'py>(waiter: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    wait_function(waiter.py())?.call1((waiter,))
}
