//! Exceptions of Python streams as errors of Rust's input and output.

use std::io::{Error, ErrorKind};

use pyo3::exceptions::{PyEOFError, PyNotImplementedError, PyOSError};
use pyo3::prelude::*;

use crate::once::intern;

/// What a call on the loop's thread gave, with its exception as the source of an error of the kind that belongs to it.
#[expect(
    clippy::disallowed_methods,
    reason = "the loop's thread is attached already, and PyO3's own conversion asks too"
)]
pub(super) fn carried<T>(result: PyResult<T>) -> Result<T, Error> {
    result.map_err(|error| Error::new(Python::attach(|py| kind_of(py, &error)), error))
}

/// The error of a call that has not come to an end, on whichever thread: the loop is closed, or blocked.
pub(super) fn not_called(error: PyErr) -> Error {
    Error::other(error)
}

fn kind_of(py: Python<'_>, error: &PyErr) -> ErrorKind {
    let kind = kind_of_class(py, error);
    match kind {
        // Those who read and write would try again.
        ErrorKind::WouldBlock | ErrorKind::Interrupted => ErrorKind::Other,
        kind => kind,
    }
}

fn kind_of_class(py: Python<'_>, error: &PyErr) -> ErrorKind {
    if let Some(number) = system_number(py, error) {
        return Error::from_raw_os_error(number).kind();
    }
    if error.is_instance_of::<PyEOFError>(py) {
        return ErrorKind::UnexpectedEof;
    }
    if error.is_instance_of::<PyNotImplementedError>(py) {
        return ErrorKind::Unsupported;
    }
    match Error::from(error.clone_ref(py)).kind() {
        ErrorKind::Other => kind_of_resource(py, error),
        kind => kind,
    }
}

/// The `errno` of an exception that is Python's own. What other modules derive from `OSError`, such as `ssl.SSLError`, has
/// numbers of another kind.
fn system_number(py: Python<'_>, error: &PyErr) -> Option<i32> {
    let value = error.value(py);
    let module = value.get_type().module().ok()?;
    if !error.is_instance_of::<PyOSError>(py) || module != "builtins" {
        return None;
    }
    value.getattr(intern!(py, "errno")).ok()?.extract().ok()
}

/// For the exceptions that trio and anyio have in place of the system's, under the same names.
fn kind_of_resource(py: Python<'_>, error: &PyErr) -> ErrorKind {
    let Ok(name) = error.get_type(py).name() else {
        return ErrorKind::Other;
    };
    match name.to_str() {
        Ok("BrokenResourceError") => match error.cause(py).map(|cause| kind_of_class(py, &cause)) {
            None | Some(ErrorKind::Other) => ErrorKind::BrokenPipe,
            Some(kind) => kind,
        },
        Ok("ClosedResourceError") => ErrorKind::NotConnected,
        Ok("BusyResourceError") => ErrorKind::ResourceBusy,
        _ => ErrorKind::Other,
    }
}
