//! The compiled half of the wheels: a thin module over the core and the runtimes that were compiled in.
//!
//! | file | what |
//! |---|---|
//! | `backend.rs` | the runtimes that were compiled in, by name |
//! | `runtime.rs` | `Runtime` and its verbs |
//! | `interval.rs` | `Interval`, the ticks of `runtime.interval` |
//! | `connected.rs` | a new connection, on its way to becoming the core's `Stream` |
//! | `listener.rs` | `Listener` |
//! | `echo.rs` | both ends of a connection, for the benchmarks |
//! | `address.rs` | socket addresses from Python; name resolution |
//! | `error.rs` | what listeners and look-ups raise |

#![forbid(unsafe_code)]

mod address;
mod backend;
mod connected;
mod echo;
mod error;
mod interval;
mod listener;
mod runtime;

/// What the wheels call `_runtime`: the runtimes compiled in, and the classes they share.
#[pyo3::pymodule(gil_used = false)]
mod _runtime {
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_export]
    use crossawait_core::{Awaitable, ByteStream, Coroutine};

    #[pymodule_export]
    use crate::{interval::Interval, listener::Listener, runtime::PyRuntime};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("RUNTIMES", PyTuple::new(module.py(), crate::backend::NAMES)?)
    }
}
