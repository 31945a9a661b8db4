//! The exceptions this library raises, as classes that Python code can name in `except`.
//!
//! They are the ones of the pure-Python package `crossawait` where that is importable, so that one `except` serves every
//! extension in the process; otherwise equal classes of our own.

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// `RuntimeClosedError`: the runtime was shut down, or rejected the task, or was lost in a fork.
pub fn runtime_closed(py: Python<'_>, message: &str) -> PyErr {
    match runtime_closed_type(py) {
        Ok(class) => PyErr::from_type(class, message.to_owned()),
        Err(error) => error,
    }
}

/// `RustPanic`: a future panicked. The exception has the attributes `message` and `location` (`file:line:column`).
pub fn rust_panic(py: Python<'_>, message: &str, location: &str) -> PyErr {
    match rust_panic_type(py).and_then(|class| build_panic(&class, message, location)) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

fn build_panic<'py>(class: &Bound<'py, PyType>, message: &str, location: &str) -> PyResult<Bound<'py, PyAny>> {
    let exception = class.call1((message, location))?;
    exception.setattr("message", message)?;
    exception.setattr("location", location)?;
    Ok(exception)
}

/// The class `RuntimeClosedError`, a `RuntimeError`.
pub fn runtime_closed_type(py: Python<'_>) -> PyResult<Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    shared_or_own(py, &CLASS, "RuntimeClosedError", || {
        PyErr::new_type(
            py,
            c"crossawait_core.RuntimeClosedError",
            Some(c"The runtime that was to run this has been shut down."),
            Some(&py.get_type::<PyRuntimeError>()),
            None,
        )
    })
}

/// The class `RustPanic`, an `Exception`.
pub fn rust_panic_type(py: Python<'_>) -> PyResult<Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    shared_or_own(py, &CLASS, "RustPanic", || {
        PyErr::new_type(
            py,
            c"crossawait_core.RustPanic",
            Some(c"A Rust future panicked; see the attributes `message` and `location`."),
            Some(&py.get_type::<PyException>()),
            None,
        )
    })
}

fn shared_or_own<'py>(
    py: Python<'py>,
    class: &'static PyOnceLock<Py<PyType>>,
    name: &str,
    own: impl FnOnce() -> PyResult<Py<PyType>>,
) -> PyResult<Bound<'py, PyType>> {
    let found =
        class.get_or_try_init(py, || match py.import("crossawait").and_then(|package| package.getattr(name)) {
            Ok(shared) => Ok(shared.cast_into::<PyType>()?.unbind()),
            Err(_) => own(),
        })?;
    Ok(found.bind(py).clone())
}
