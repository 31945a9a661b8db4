//! Redis for Python: the `redis` crate behind awaitables, on tokio, async-std or smol.
//!
//! The source is the same for all three; which one it is says a cargo feature, and `runtime` is the only module that
//! knows.
//!
//! | module | what |
//! |---|---|
//! | `runtime` | the runtime of this build |
//! | `client` | the class `Client`: what Python calls |
//! | `pool` | connections that many commands share |
//! | `blocking` | connections for commands that keep one to themselves |
//! | `messages` | subscriptions, as an iterator and as a callback |
//! | `argument`, `reply` | from Python to the wire, and back |
//! | `error` | what goes wrong, as Python exceptions |
//! | `deadline` | a limit for what the driver gives none |

mod argument;
mod blocking;
mod client;
mod deadline;
mod error;
mod messages;
mod pool;
mod reply;
mod runtime;

/// The Python module.
#[pyo3::pymodule(gil_used = false)]
mod crossawait_redis_example {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::client::Client;
    #[pymodule_export]
    use super::error::RedisError;
    #[pymodule_export]
    use crossawait_core::{Awaitable, Coroutine, StreamIterator};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("RUNTIME", crate::runtime::NAME)
    }
}
