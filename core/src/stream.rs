//! Rust streams as Python's asynchronous iterators, and the other way round.
//!
//! | file | what |
//! |---|---|
//! | `stream.rs` | the Python object that `async for` goes over |
//! | `stream/buffer.rs` | what lies between a stream and whoever takes its items |
//! | `stream/drive.rs` | the task that fills the buffer |
//! | `stream/python.rs` | a Python iterator as a Rust stream |

mod buffer;
mod drive;
mod python;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use parking_lot::Mutex;
use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;

use crate::coroutine::Coroutine;
use crate::lifecycle::OwnProcess;
use crate::runtime::Runtime;
use crate::task::Task;
use buffer::{Buffer, Reserved};
use drive::Drive;
pub use python::PythonStream;

/// Items that wait for Python, at most. So many are converted in about a millisecond.
const CAPACITY: usize = 1024;

impl Runtime {
    /// Returns an asynchronous iterator over the items of `stream`.
    ///
    /// The stream is started by the first `__anext__`. A task on the runtime polls it and runs ahead of Python by up to
    /// 1,024 items, so that a loop crosses once for each batch. The first error is raised and ends the iteration; a panic
    /// likewise. An `__anext__` that is cancelled loses no item. `aclose` drops the stream on its
    /// runtime, and so does letting go of the iterator and of what waits for its next item.
    ///
    /// # Errors
    /// `RuntimeClosedError` if the runtime is shut down.
    pub fn stream_into_py<'py, S, T, E>(&self, py: Python<'py>, stream: S) -> PyResult<Bound<'py, StreamIterator>>
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let runtime = self.admit(py)?.clone();
        let buffer = Arc::new(Buffer::new(CAPACITY));
        let (task, _) = Task::new(Drive::new(stream, buffer.clone()), Some(runtime.record().clone()));
        let source = Typed { open: Arc::new(Open(buffer)), runtime };
        Bound::new(py, StreamIterator { source: OwnProcess::new(Box::new(source)), unstarted: Mutex::new(Some(task)) })
    }
}

/// Has the classes made of this module and below; see [`once`](crate::once).
pub(crate) fn make_classes(py: Python<'_>) {
    py.get_type::<StreamIterator>();
    python::make_class(py);
}

/// What `async for` goes over: the items of a Rust stream.
#[pyclass(frozen, weakref, generic, module = "crossawait")]
pub struct StreamIterator {
    /// A forked child forgets it: the buffer may be in any state there, and its producer is the parent's.
    source: OwnProcess<Box<dyn Source>>,
    /// The task that polls the stream, until the first item is asked for.
    unstarted: Mutex<Option<Task>>,
}

/// A stream's buffer, whatever its items are.
trait Source: Send + Sync {
    fn start(&self, task: Task);
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>>;
    fn close(&self);
}

struct Typed<T, E> {
    open: Arc<Open<T, E>>,
    runtime: Runtime,
}

/// Shared by the iterator and whoever waits for its next item: a Python generator is kept by its `__anext__` too. With the
/// last of them the stream is closed.
struct Open<T, E>(Arc<Buffer<T, E>>);

impl<T, E> Drop for Open<T, E> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T, E> Source for Typed<T, E>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    E: Into<PyErr> + Send + 'static,
{
    fn start(&self, task: Task) {
        self.runtime.spawn(task);
    }

    fn next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let next = Next { open: self.open.clone(), key: None };
        self.runtime.builder().name("StreamIterator.__anext__").coroutine_into_py(py, next)
    }

    fn close(&self) {
        self.open.0.close();
    }
}

/// Ready as soon as there is an item, or the end.
struct Next<T, E> {
    open: Arc<Open<T, E>>,
    /// While it waits.
    key: Option<u64>,
}

impl<T: Send + 'static, E: Into<PyErr> + Send + 'static> Future for Next<T, E> {
    type Output = Result<Reserved<T, E>, PyErr>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let reserved = this.open.0.poll_reserve(context, &mut this.key);
        reserved.map(|reserved| reserved.ok_or_else(|| PyStopAsyncIteration::new_err(())))
    }
}

impl<T, E> Drop for Next<T, E> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.open.0.leave(key);
        }
    }
}

#[pymethods]
impl StreamIterator {
    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        if self.source.is_inherited() {
            return Err(crate::error::runtime_closed(
                py,
                "this stream belongs to the process that this one was forked from; make a new one here",
            ));
        }
        let unstarted = self.unstarted.lock().take();
        if let Some(task) = unstarted {
            self.source.start(task);
        }
        self.source.next(py)
    }

    /// End the iteration: the stream is dropped on its runtime, and what it has still given is thrown away.
    fn aclose<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        if !self.source.is_inherited() {
            let unstarted = self.unstarted.lock().take();
            self.source.close();
            drop(unstarted);
        }
        Coroutine::inline(py, "StreamIterator.aclose", async { Ok::<_, PyErr>(()) })
    }
}

impl std::fmt::Debug for StreamIterator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamIterator").finish_non_exhaustive()
    }
}
