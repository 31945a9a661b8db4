//! What listeners and look-ups raise: the classes that Python's own sockets raise, with their numbers.

use std::io;

use crossawait_core::error::{closed, os_error};
use pyo3::import_exception;
use pyo3::prelude::*;

import_exception!(crossawait, RuntimeClosedError);
import_exception!(socket, gaierror);

/// An error of a listener or name look-up, found on a runtime's thread and raised on the loop's.
#[derive(Debug)]
pub(crate) enum SocketError {
    /// The operating system's.
    System(io::Error),
    /// Used after `close`. What it was is named.
    Closed(&'static str),
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
            SocketError::System(error) => os_error(error),
            SocketError::Closed(what) => closed(what),
            SocketError::Unresolved { number, message } => gaierror::new_err((number, message)),
            SocketError::RuntimeClosed => runtime_closed("the runtime has been shut down".into()),
        }
    }
}

pub(crate) fn runtime_closed(message: String) -> PyErr {
    RuntimeClosedError::new_err(message)
}
