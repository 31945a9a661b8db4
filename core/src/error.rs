//! The exceptions this library raises, as classes that Python code can name in `except`.
//!
//! They are the ones of the pure-Python package `crossawait` where that is importable, so that one `except` serves every
//! extension in the process; otherwise equal classes of our own.

use std::{io, ptr};

use pyo3::exceptions::{
    PyBaseException, PyException, PyModuleNotFoundError, PyOSError, PyRuntimeError, PyStopIteration, PySystemError,
};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::once::once;

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

/// An `OSError` with the system's number, of the subclass that belongs to it, as Python's own sockets raise. An error without
/// a number gets the class that belongs to its kind; one that carries a Python exception is that exception.
pub fn os_error(error: io::Error) -> PyErr {
    match raw_number(&error) {
        Some(number) => {
            // "Connection refused (os error 111)": Python shows the number itself.
            let text = io::Error::from_raw_os_error(number).to_string();
            numbered(number, text.split(" (os error").next().unwrap_or_default())
        }
        None => error.into(),
    }
}

/// The `OSError` of something that is used after it was closed; `what` names it.
pub fn closed(what: &str) -> PyErr {
    // On every platform that has numbers for errors.
    const BAD_DESCRIPTOR: i32 = 9;
    numbered(BAD_DESCRIPTOR, &format!("the {what} is closed"))
}

fn numbered(number: i32, text: &str) -> PyErr {
    PyOSError::new_err((number, text.to_owned()))
}

/// The system's number, also where a runtime has wrapped the error in one of its own.
fn raw_number(error: &io::Error) -> Option<i32> {
    if let Some(number) = error.raw_os_error() {
        return Some(number);
    }
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(number) = inner.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return Some(number);
        }
        source = inner.source();
    }
    None
}

fn shared_or_own<'py>(
    py: Python<'py>,
    class: &'static PyOnceLock<Py<PyType>>,
    name: &str,
    own: impl FnOnce() -> PyResult<Py<PyType>>,
) -> PyResult<Bound<'py, PyType>> {
    if let Some(found) = class.get(py) {
        return Ok(found.bind(py).clone());
    }
    let found = match py.import("crossawait") {
        Ok(package) => match package.getattr(name).and_then(|shared| Ok(shared.cast_into::<PyType>()?)) {
            Ok(shared) => shared.unbind(),
            // Half imported, or not the package we mean: ask again next time.
            Err(_) => return Ok(own()?.into_bound(py)),
        },
        Err(error) if error.is_instance_of::<PyModuleNotFoundError>(py) => own()?,
        Err(_) => return Ok(own()?.into_bound(py)),
    };
    once(py, class, || Ok(found.clone_ref(py))).map(|class| class.bind(py).clone())
}

/// `error` with `cause` as its cause and context.
pub(crate) fn instead_of(py: Python<'_>, error: PyErr, cause: PyErr) -> PyErr {
    error.set_context(py, Some(cause.clone_ref(py)));
    error.set_cause(py, Some(cause));
    error
}

/// The error that raises `exception` here: the one that is being handled, if there is one, becomes its context.
pub(crate) fn raise(exception: Bound<'_, PyBaseException>) -> PyErr {
    // SAFETY: attached, with a live exception and its class; no reference is stolen. What is set is cleared at once: the
    // interpreter's way to find the context is wanted, not the error indicator.
    unsafe {
        ffi::PyErr_SetObject(ffi::Py_TYPE(exception.as_ptr()).cast(), exception.as_ptr());
        ffi::PyErr_Clear();
    }
    PyErr::from_value(exception.into_any())
}

/// The error to raise for one that an `await` would take for its result, as PEP 479 has it for generators.
pub(crate) fn not_stop_iteration(py: Python<'_>, error: PyErr) -> PyErr {
    if error.is_instance_of::<PyStopIteration>(py) {
        instead_of(py, PyRuntimeError::new_err("coroutine raised StopIteration"), error)
    } else {
        error
    }
}

/// The error that is set. As `PyErr::fetch`, but one that is a Rust panic on its way is given like any other: there it would
/// go on as a panic, through whatever the caller has begun.
#[allow(clippy::allow_attributes, deprecated, reason = "deprecated since 3.12, but there for all versions")]
pub(crate) fn fetch(py: Python<'_>) -> PyErr {
    let (mut class, mut value, mut traceback) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: attached; the three places receive owned references or null, and each is given back once. A normalised value
    // is an exception.
    let value = unsafe {
        ffi::PyErr_Fetch(&raw mut class, &raw mut value, &raw mut traceback);
        ffi::PyErr_NormalizeException(&raw mut class, &raw mut value, &raw mut traceback);
        if !value.is_null() && !traceback.is_null() {
            ffi::PyException_SetTraceback(value, traceback);
        }
        ffi::Py_XDECREF(class);
        ffi::Py_XDECREF(traceback);
        Bound::from_owned_ptr_or_opt(py, value)
    };
    value.map_or_else(|| PySystemError::new_err("an error was expected, and none was set"), PyErr::from_value)
}

/// What a function of the interpreter's returned: a new reference, or null with the error set.
///
/// # Safety
/// The pointer is that.
pub(crate) unsafe fn returned<'py>(py: Python<'py>, object: *mut ffi::PyObject) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: as the contract says.
    unsafe { Bound::from_owned_ptr_or_opt(py, object) }.ok_or_else(|| fetch(py))
}

/// An exception that is on its way while a destructor runs Python code: set aside, and put back as it was.
///
/// With the interpreter's own functions, not `PyErr::take`: that resumes a Rust panic that travels as an exception.
pub(crate) struct InFlight<'py> {
    parts: [*mut ffi::PyObject; 3],
    _py: Python<'py>,
}

impl<'py> InFlight<'py> {
    #[allow(clippy::allow_attributes, deprecated, reason = "deprecated since 3.12, but there for all versions")]
    pub(crate) fn set_aside(py: Python<'py>) -> Self {
        let mut parts = [ptr::null_mut(); 3];
        let [class, value, traceback] = &mut parts;
        // SAFETY: attached; the three places are valid and receive owned references or null.
        unsafe { ffi::PyErr_Fetch(class, value, traceback) };
        Self { parts, _py: py }
    }
}

impl Drop for InFlight<'_> {
    #[allow(clippy::allow_attributes, deprecated, reason = "as above")]
    fn drop(&mut self) {
        let [class, value, traceback] = self.parts;
        // SAFETY: attached, as `_py` shows; gives back the references that `PyErr_Fetch` gave, once.
        unsafe { ffi::PyErr_Restore(class, value, traceback) };
    }
}
