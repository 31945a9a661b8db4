//! What sockets raise: the classes that Python's own sockets and streams raise, with their numbers.

use std::borrow::Cow;
use std::io;

use crossawait_core::Runtime;
use pyo3::exceptions::PyOSError;
use pyo3::import_exception;
use pyo3::prelude::*;

import_exception!(asyncio, IncompleteReadError);
import_exception!(asyncio, LimitOverrunError);
import_exception!(crossawait, RuntimeClosedError);
import_exception!(socket, gaierror);

/// An error of a stream, listener or name look-up, found on a runtime's thread and raised on the loop's.
#[derive(Debug)]
pub(crate) enum SocketError {
    /// The operating system's.
    System(io::Error),
    /// Used after `close`. What it was is named.
    Closed(&'static str),
    /// The stream ended early.
    Incomplete { partial: Vec<u8>, expected: Option<usize> },
    /// No separator within the limit. `consumed` bytes stay in the buffer.
    LimitOverrun { message: &'static str, consumed: usize },
    /// A name that does not resolve, with the resolver's number.
    Unresolved { number: i32, message: String },
    /// The runtime has gone away meanwhile.
    RuntimeClosed,
}

impl From<io::Error> for SocketError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<SocketError> for PyErr {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::System(error) => system_error(&error),
            SocketError::Closed(what) => os_error(BAD_DESCRIPTOR, &format!("the {what} is closed")),
            SocketError::Incomplete { partial, expected } => {
                IncompleteReadError::new_err((Cow::<[u8]>::Owned(partial), expected))
            }
            SocketError::LimitOverrun { message, consumed } => LimitOverrunError::new_err((message, consumed)),
            SocketError::Unresolved { number, message } => gaierror::new_err((number, message)),
            SocketError::RuntimeClosed => runtime_closed("the runtime has been shut down".into()),
        }
    }
}

/// `EBADF`, on every platform that has numbers for errors.
const BAD_DESCRIPTOR: i32 = 9;

pub(crate) fn runtime_closed(message: String) -> PyErr {
    RuntimeClosedError::new_err(message)
}

/// Refuses to use in a forked child what the parent made.
pub(crate) fn check_process(py: Python<'_>, runtime: &Runtime, what: &str) -> PyResult<()> {
    if runtime.is_inherited() {
        let message = format!("this {what} belongs to the process that this one was forked from; make a new one here");
        return Err(crossawait_core::error::runtime_closed(py, &message));
    }
    Ok(())
}

/// `OSError(number, text)`, which Python turns into the subclass that belongs to the number.
fn system_error(error: &io::Error) -> PyErr {
    match raw_number(error) {
        Some(number) => {
            // "Connection refused (os error 111)": Python shows the number itself.
            let text = io::Error::from_raw_os_error(number).to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            os_error(number, text)
        }
        None => PyOSError::new_err(error.to_string()),
    }
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

fn os_error(number: i32, text: &str) -> PyErr {
    PyOSError::new_err((number, text.to_owned()))
}
