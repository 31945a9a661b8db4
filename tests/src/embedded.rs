//! Python inside Rust tests.

use std::ffi::CStr;

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyTuple};

/// Runs `body` with this thread attached to Python.
#[expect(clippy::disallowed_methods, reason = "tests are users of the library, and users may attach")]
pub fn attached<R>(body: impl for<'py> FnOnce(Python<'py>) -> R) -> R {
    Python::attach(body)
}

/// Runs Python code that defines `async def main(...)`, then `main` on a fresh event loop of asyncio's.
///
/// # Errors
/// What `main` raises.
pub fn run<'py, A>(py: Python<'py>, code: &CStr, arguments: A) -> PyResult<Bound<'py, PyAny>>
where
    A: pyo3::call::PyCallArgs<'py>,
{
    let module = PyModule::from_code(py, code, c"script.py", c"script")?;
    let main = module.getattr("main")?.call1(arguments)?;
    py.import("asyncio")?.call_method1("run", (main,))
}

/// Awaits it on a fresh event loop.
///
/// # Errors
/// What the `await` raises.
pub fn awaited<'py>(awaitable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    run(awaitable.py(), c"async def main(awaitable): return await awaitable", (awaitable,))
}

/// A Python function without parameters.
pub fn callable<'py, F>(py: Python<'py>, function: F) -> Bound<'py, PyCFunction>
where
    F: for<'p> Fn(Python<'p>) -> PyResult<Bound<'p, PyAny>> + Send + Sync + 'static,
{
    let function = move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, pyo3::types::PyDict>>| {
        function(arguments.py()).map(Bound::unbind)
    };
    PyCFunction::new_closure(py, None, None, function).expect("a function can be made")
}

/// The name of the exception's class.
pub fn class_of(py: Python<'_>, error: &PyErr) -> String {
    error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default()
}
