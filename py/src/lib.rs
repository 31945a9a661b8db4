//! The compiled half of the wheels: a thin module over the core and the runtimes that were compiled in.
//!
//! | file | what |
//! |---|---|
//! | `backend.rs` | the runtimes that were compiled in, by name |
//! | `runtime.rs` | `Runtime` and its verbs |
//! | `interval.rs` | `Interval`, the ticks of `runtime.interval` |
//! | `stream.rs`, `reader.rs` | `Stream`, and what it has read but not given out |
//! | `listener.rs` | `Listener` |
//! | `address.rs` | socket addresses to and from Python; name resolution |
//! | `error.rs` | what sockets raise |

#![forbid(unsafe_code)]

mod address;
mod backend;
mod error;
mod interval;
mod listener;
mod reader;
mod runtime;
mod stream;

/// What the wheels call `_runtime`: the runtimes compiled in, and the classes they share.
#[pyo3::pymodule(gil_used = false)]
mod _runtime {
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_export]
    use crossawait_core::{Awaitable, Coroutine};

    #[pymodule_export]
    use crate::{interval::Interval, listener::Listener, runtime::PyRuntime, stream::Stream};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("RUNTIMES", PyTuple::new(module.py(), crate::backend::NAMES)?)
    }
}
