//! The bridge between async Rust and async Python that knows no runtime.
//!
//! A Rust future becomes a Python [`Awaitable`] (a future, started) or a [`Coroutine`] (lazy, what calling an `async def`
//! gives); any [`Executor`] runs it. Runtime threads never attach to Python: they store Rust values and push to the
//! queue of the event loop that waits, whose thread converts and wakes.
//!
//! ```no_run
//! use crossawait_core::{Executor, Runtime, Task, pyo3::prelude::*};
//!
//! # struct Threads;
//! # impl Executor for Threads {
//! #     fn spawn(&self, task: Task) -> Result<(), Task> {
//! #         std::thread::spawn(|| futures::executor::block_on(task));
//! #         Ok(())
//! #     }
//! # }
//! /// `await answer()` in Python.
//! #[pyfunction]
//! fn answer(py: Python<'_>) -> PyResult<Bound<'_, crossawait_core::Coroutine>> {
//!     let runtime = Runtime::new(Threads);
//!     runtime.coroutine_into_py(py, async { Ok::<_, PyErr>(42) })
//! }
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`executor`] | the trait that a runtime implements |
//! | `task` | the cell: state machine, outcome, cancellation |
//! | `runtime`, `builder` | an executor with a life; where a future is polled first |
//! | `options` | worker counts and names, checked |
//! | `awaitable`, `coroutine` | the two faces of a cell in Python |
//! | `event_loop` | queue, wake, drain: one for each Python loop |
//! | `caller`, `python_future` | the other direction: calling Python and awaiting it |
//! | `cancel_token` | cancellation that the future takes part in |
//! | `block_on`, `local` | waiting without `await`; futures that must not leave their thread |
//! | `stream` | streams, in both directions |
//! | [`entry`] | a Rust `main`, or a test, with a Python loop under it |
//! | `byte_stream` | byte streams in Python, over whatever Rust reads and writes |
//! | `python_io` | Python's byte streams as Rust readers and writers |
//! | `loop_bound` | values that are dropped where Python is |
//! | `blocking` | Python functions on the blocking pool |
//! | [`io`] | timers and byte streams, as small traits |
//! | `panic`, [`error`] | what goes wrong, as Python exceptions |
//! | `sync` | what cells and queues synchronize with, to be modelled |
//! | `asyncio`, `trio`, `python_source` | what the library calls of theirs, and its own parts in Python |
//! | `lifecycle`, `daemon` | fork and interpreter exit |
//! | `bench` | the parts by themselves, for measurements (with the feature `__bench`) |
//! | `macros` | what the attributes `pyfunction` and `pymethods` write (with the feature `macros`) |

mod asyncio;
mod attach;
mod awaitable;
#[cfg(all(unix, feature = "__bench"))]
#[doc(hidden)]
pub mod bench;
mod block_on;
mod blocking;
mod builder;
mod byte_stream;
mod caller;
mod cancel_token;
mod coroutine;
mod current;
mod daemon;
pub mod entry;
pub mod error;
mod event_loop;
pub mod executor;
mod finalize;
mod frame;
mod fresh_thread;
pub mod io;
mod lifecycle;
mod local;
mod loop_bound;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod macros;
mod metrics;
#[cfg(all(test, crossawait_loom))]
mod models;
mod once;
mod options;
mod panic;
mod python_future;
mod python_io;
mod python_source;
mod running_loop;
mod runtime;
mod stream;
mod sync;
mod task;
mod thrown;
mod trio;

/// ```no_run
/// use std::sync::LazyLock;
///
/// use crossawait_core::{Runtime, pyfunction, pyo3::prelude::*};
/// # use crossawait_core::{Executor, Task, pyo3};
/// # struct Threads;
/// # impl Executor for Threads {
/// #     fn spawn(&self, task: Task) -> Result<(), Task> {
/// #         std::thread::spawn(|| futures::executor::block_on(task));
/// #         Ok(())
/// #     }
/// # }
///
/// static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(Threads));
///
/// /// `await add(1)` in Python gives 3, and `add_blocking(1)` gives it to a function that is not `async`.
/// #[pyfunction(runtime = RUNTIME, blocking = add_blocking)]
/// #[pyo3(signature = (a, b = 2))]
/// async fn add(a: u64, b: u64) -> PyResult<u64> {
///     Ok(a + b)
/// }
/// ```
#[cfg(feature = "macros")]
pub use crossawait_macros::pyfunction;
/// ```no_run
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use crossawait_core::{Runtime, pymethods, pyo3::prelude::*};
/// # use crossawait_core::pyo3;
///
/// #[pyclass(frozen)]
/// struct Counter {
///     runtime: Runtime,
///     count: AtomicU64,
/// }
///
/// #[pymethods(runtime = self.runtime)]
/// impl Counter {
///     /// `await counter.add(2)`.
///     #[crossawait(blocking = add_blocking)]
///     #[pyo3(signature = (by = 1))]
///     async fn add(&self, by: u64) -> u64 {
///         self.count.fetch_add(by, Ordering::Relaxed) + by
///     }
/// }
/// ```
///
/// A class that is not frozen cannot have async methods:
///
/// ```compile_fail
/// # use crossawait_core::{Runtime, pymethods, pyo3, pyo3::prelude::*};
/// #[pyclass]
/// struct Counter {
///     runtime: Runtime,
/// }
///
/// #[pymethods(runtime = self.runtime)]
/// impl Counter {
///     async fn add(&self) {}
/// }
/// ```
#[cfg(feature = "macros")]
pub use crossawait_macros::pymethods;
pub use pyo3;

pub use crate::awaitable::Awaitable;
pub use crate::builder::Builder;
pub use crate::byte_stream::{ByteStream, NewByteStream};
pub use crate::caller::Caller;
pub use crate::cancel_token::CancelToken;
pub use crate::coroutine::Coroutine;
pub use crate::entry::run;
pub use crate::executor::{Executor, Job};
pub use crate::lifecycle::ForkGuard;
pub use crate::loop_bound::LoopBound;
pub use crate::metrics::{LoopMetrics, Metrics};
pub use crate::options::Options;
pub use crate::python_future::PythonFuture;
pub use crate::python_io::{PythonReader, PythonWriter};
pub use crate::runtime::{Runtime, WeakRuntime};
pub use crate::stream::{PythonStream, StreamIterator};
pub use crate::task::{Task, TaskCloser};
