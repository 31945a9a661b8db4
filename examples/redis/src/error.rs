//! What goes wrong, as Python exceptions.

use pyo3::create_exception;
use pyo3::exceptions::{PyConnectionError, PyException, PyTimeoutError};
use pyo3::prelude::*;

create_exception!(
    crossawait_redis_example,
    RedisError,
    PyException,
    "The server refused a command, or its answer makes no sense."
);

/// Made on the runtime, and an exception only where Python is.
pub(crate) enum Error {
    Redis(redis::RedisError),
    TimedOut,
    /// The server has ended a subscription.
    Ended,
    /// What a callback raised.
    Python(PyErr),
}

impl From<redis::RedisError> for Error {
    fn from(error: redis::RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        match error {
            Error::Redis(error) if error.is_timeout() => timed_out(),
            Error::Redis(error) if error.is_io_error() || error.is_connection_dropped() => {
                PyConnectionError::new_err(error.to_string())
            }
            Error::Redis(error) => RedisError::new_err(error.to_string()),
            Error::TimedOut => timed_out(),
            Error::Ended => PyConnectionError::new_err("the server has closed the connection"),
            Error::Python(error) => error,
        }
    }
}

fn timed_out() -> PyErr {
    PyTimeoutError::new_err("the server took too long")
}
