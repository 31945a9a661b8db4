//! The Python side that a Rust future was called from: the way back.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::asyncio;
use crate::event_loop::EventLoop;
use crate::event_loop::queue::Queue;
use crate::loop_bound::LoopBound;
use crate::python_future::{self, PythonFuture};

/// The event loop and the context variables that a Rust future was called from, so that it can call Python in turn.
///
/// Taken on the loop's thread, before the future is made, and moved into it; cloning is cheap. It may be used and dropped
/// on any thread. Nothing that is done with it attaches the thread to Python: what has to run there is a message to the
/// loop.
///
/// ```no_run
/// # use crossawait_core::{Caller, Coroutine, Runtime, pyo3::prelude::*};
/// /// Calls `await callback(number)` from a worker and returns what that returns, plus one.
/// fn plus_one<'py>(runtime: &Runtime, callback: Bound<'py, PyAny>) -> PyResult<Bound<'py, Coroutine>> {
///     let py = callback.py();
///     let caller = Caller::current(py)?;
///     let callback = caller.bind(callback.unbind());
///     runtime.coroutine_into_py(py, async move {
///         let number = caller.call(
///             move |py| callback.get(py).bind(py).call1((41,)),
///             |result| result?.extract::<i64>(),
///         );
///         Ok::<_, PyErr>(number.await? + 1)
///     })
/// }
/// ```
#[derive(Clone)]
pub struct Caller {
    queue: Arc<Queue>,
    context: Arc<LoopBound<Py<PyAny>>>,
}

impl Caller {
    /// The loop that runs in this thread, and a copy of the current context.
    ///
    /// # Errors
    /// `RuntimeError` if no loop runs in this thread.
    pub fn current(py: Python<'_>) -> PyResult<Self> {
        let (_, event_loop) = EventLoop::running(py)?.ok_or_else(asyncio::no_running_loop)?;
        let queue = event_loop.queue().clone();
        let context = LoopBound::to(queue.clone(), asyncio::copy_context(py)?.unbind());
        Ok(Self { queue, context: Arc::new(context) })
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Has `value` dropped on the loop's thread, wherever the future that holds it is dropped.
    pub fn bind<T: Send + 'static>(&self, value: T) -> LoopBound<T> {
        LoopBound::to(self.queue.clone(), value)
    }

    /// Calls Python and awaits what it returns.
    ///
    /// `make` runs on the loop's thread, in the caller's context and outside of any task; what it returns is awaited there:
    /// a coroutine becomes a task, a future is waited for. `extract` makes a Rust value of the result, or of the exception,
    /// there too, so that no Python object has to leave the thread. Nothing happens before the first poll, which stays for
    /// up to 50 µs where answers have come that quickly: longer than a poll takes as a rule, and less than going to sleep
    /// and being woken.
    ///
    /// Dropping the future cancels the Python task.
    ///
    /// # Errors
    /// What `make` and `extract` return; `TypeError` if what `make` returns cannot be awaited; `RuntimeError` if the loop is
    /// closed before the result is there. A panic of either function is a `RustPanic`.
    pub fn call<T, M, X>(&self, make: M, extract: X) -> PythonFuture<T>
    where
        T: Send + 'static,
        M: for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>> + Send + 'static,
        X: for<'py> FnOnce(PyResult<Bound<'py, PyAny>>) -> PyResult<T> + Send + 'static,
    {
        PythonFuture::call(self.queue.clone(), self.context.clone(), make, extract)
    }

    /// Runs `work` on the loop's thread and gives what it returns: for Python that is not to be awaited.
    ///
    /// In the caller's context and outside of any task. The loop stands still meanwhile. Nothing happens before the first
    /// poll; dropped before the loop has come to it, it does not happen at all.
    ///
    /// # Errors
    /// What `work` returns; `RuntimeError` if the loop is closed before it has run. A panic of it is a `RustPanic`.
    pub fn on_loop<T, W>(&self, work: W) -> PythonFuture<T>
    where
        T: Send + 'static,
        W: for<'py> FnOnce(Python<'py>) -> PyResult<T> + Send + 'static,
    {
        PythonFuture::on_loop(self.queue.clone(), self.context.clone(), work)
    }

    /// Awaits a Python awaitable from Rust. It is started at once, on this thread, in the caller's context; the future may
    /// be polled on any.
    ///
    /// `extract` as in [`call`](Self::call); to keep the object, `|result| result.map(Bound::unbind)`. Dropping the future
    /// cancels the Python task.
    ///
    /// # Errors
    /// `TypeError`, at once, if it cannot be awaited; `RuntimeError` if the loop does not run in this thread. The future's
    /// own errors are those of `call`.
    pub fn into_future<T, X>(&self, awaitable: &Bound<'_, PyAny>, extract: X) -> PyResult<PythonFuture<T>>
    where
        T: Send + 'static,
        X: for<'py> FnOnce(PyResult<Bound<'py, PyAny>>) -> PyResult<T> + Send + 'static,
    {
        python_future::started(&self.queue, &self.context, awaitable, extract)
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}
