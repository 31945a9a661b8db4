//! The runtimes that were compiled in, by name.

use std::io;
use std::sync::Arc;

use crossawait_core::{Executor, Options};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

/// Names of what was compiled in, in order of preference.
pub(crate) const NAMES: &[&str] = &[
    #[cfg(feature = "tokio")]
    "tokio",
    #[cfg(feature = "smol")]
    "smol",
    #[cfg(feature = "async-std")]
    "async-std",
];

/// Starts the runtime of that name, or the first one.
pub(crate) fn start(py: Python<'_>, name: Option<&str>, options: &Options) -> PyResult<Arc<dyn Executor>> {
    let Some(name) = name.or(NAMES.first().copied()) else {
        return Err(PyRuntimeError::new_err("this module was built without any runtime"));
    };
    options.check().map_err(start_error)?;
    match name {
        #[cfg(feature = "tokio")]
        "tokio" => crossawait_tokio::Tokio::with_options(options).map(shared).map_err(start_error),
        #[cfg(feature = "smol")]
        "smol" => crossawait_smol::Smol::with_options(options).map(shared).map_err(start_error),
        #[cfg(feature = "async-std")]
        "async-std" => start_async_std(py, options),
        _ => {
            let _ = py;
            let found = NAMES.join(", ");
            Err(PyValueError::new_err(format!("runtime \"{name}\" is not in this module (found: {found})")))
        }
    }
}

#[cfg(feature = "async-std")]
fn start_async_std(py: Python<'_>, options: &Options) -> PyResult<Arc<dyn Executor>> {
    use crossawait_async_std::AsyncStd;
    // async-std reads its options from the environment, once. Python's own mapping is the safe way to write there.
    let environ = py.import("os")?.getattr("environ")?;
    for (variable, value) in AsyncStd::environment(options).map_err(start_error)? {
        environ.set_item(variable, value)?;
    }
    AsyncStd::new().map(shared).map_err(start_error)
}

fn shared(executor: impl Executor) -> Arc<dyn Executor> {
    Arc::new(executor)
}

fn start_error(error: io::Error) -> PyErr {
    match error.kind() {
        io::ErrorKind::InvalidInput => PyValueError::new_err(error.to_string()),
        io::ErrorKind::ResourceBusy => PyRuntimeError::new_err(error.to_string()),
        io::ErrorKind::Unsupported => crate::error::runtime_closed(error.to_string()),
        _ => PyOSError::new_err(error.to_string()),
    }
}
