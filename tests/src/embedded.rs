//! Python inside Rust tests.

use std::ffi::CStr;

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};

/// Runs `body` with this thread attached to Python.
#[expect(clippy::disallowed_methods, reason = "tests are users of the library, and users may attach")]
pub fn attached<R>(body: impl for<'py> FnOnce(Python<'py>) -> R) -> R {
    crossawait_core::entry::initialize();
    Python::attach(body)
}

/// A module of its own. `PyModule::from_code` gives two threads the same one for the same name.
///
/// # Errors
/// What the code raises.
pub fn script<'py>(py: Python<'py>, code: &CStr) -> PyResult<Bound<'py, PyModule>> {
    let module = PyModule::new(py, "script")?;
    py.run(code, Some(&module.dict()), None)?;
    Ok(module)
}

/// In seconds, far longer than anything here takes; then a test fails rather than hangs.
const PATIENCE: f64 = 60.0;

/// Runs Python code that defines `async def main(...)`, then `main` on a fresh event loop of asyncio's.
///
/// # Errors
/// What `main` raises, or `TimeoutError` if it hangs.
pub fn run<'py, A>(py: Python<'py>, code: &CStr, arguments: A) -> PyResult<Bound<'py, PyAny>>
where
    A: pyo3::call::PyCallArgs<'py>,
{
    let main = script(py, code)?.getattr("main")?.call1(arguments)?;
    let asyncio = py.import("asyncio")?;
    asyncio.call_method1("run", (asyncio.call_method1("wait_for", (main, PATIENCE))?,))
}

/// Awaits it on a fresh event loop.
///
/// # Errors
/// What the `await` raises.
pub fn awaited<'py>(awaitable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    run(awaitable.py(), c"async def main(awaitable): return await awaitable", (awaitable,))
}

/// A Python function.
pub fn callable<'py, F>(py: Python<'py>, function: F) -> Bound<'py, PyCFunction>
where
    F: Fn(&Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> + Send + Sync + 'static,
{
    let function = move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| function(arguments);
    PyCFunction::new_closure(py, None, None, function).expect("a function can be made")
}

/// The name of the exception's class.
pub fn class_of(py: Python<'_>, error: &PyErr) -> String {
    error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default()
}
