//! What the verbs of a stream raise.

use std::borrow::Cow;
use std::io;

use pyo3::import_exception;
use pyo3::prelude::*;

import_exception!(asyncio, IncompleteReadError);
import_exception!(asyncio, LimitOverrunError);

/// An error that is found on a runtime's thread and raised on the loop's.
#[derive(Debug)]
pub(super) enum StreamError {
    Failed(io::Error),
    /// Used after `close`.
    Closed,
    /// The stream ended early.
    Incomplete {
        partial: Vec<u8>,
        expected: Option<usize>,
    },
    /// No separator within the limit. `consumed` bytes stay in the buffer.
    LimitOverrun {
        message: &'static str,
        consumed: usize,
    },
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StreamError> for PyErr {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Failed(error) => crate::error::os_error(error),
            StreamError::Closed => crate::error::closed("stream"),
            StreamError::Incomplete { partial, expected } => {
                IncompleteReadError::new_err((Cow::<[u8]>::Owned(partial), expected))
            }
            StreamError::LimitOverrun { message, consumed } => LimitOverrunError::new_err((message, consumed)),
        }
    }
}
