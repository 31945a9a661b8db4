//! Futures that must not leave their thread, polled by the event loop of that thread. See `residents`.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};

use pyo3::prelude::*;

use crate::asyncio;
use crate::awaitable::{Awaitable, Role};
use crate::builder::Unstarted;
use crate::coroutine::Coroutine;
use crate::event_loop::EventLoop;
use crate::event_loop::queue::{Message, Queue};
use crate::event_loop::residents::Residence;
use crate::runtime::Runtime;
use crate::task::{CellRef, Task};

impl Runtime {
    /// As [`future_into_py`](Self::future_into_py), for a future that is not `Send`: the event loop of this thread polls
    /// it, here and now for the first time, and drops it.
    ///
    /// # Errors
    /// `RuntimeError` if no loop runs in this thread, or if it is blocked; `RuntimeClosedError` if the runtime is shut
    /// down.
    pub fn local_future_into_py<'py, F, T, E>(&self, py: Python<'py>, future: F) -> PyResult<Bound<'py, Awaitable>>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let (local, cell) = self.local(py, future)?;
        let awaitable = Awaitable::over(py, cell, Role::Local, "local")?;
        awaitable.get().keep(Some(local.start()));
        Ok(awaitable)
    }

    /// As [`coroutine_into_py`](Self::coroutine_into_py), for a future that is not `Send`: the event loop of this thread
    /// polls it, and drops it.
    ///
    /// # Errors
    /// As for [`local_future_into_py`](Self::local_future_into_py).
    pub fn local_coroutine_into_py<'py, F, T, E>(&self, py: Python<'py>, future: F) -> PyResult<Bound<'py, Coroutine>>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let (local, cell) = self.local(py, future)?;
        Coroutine::over(py, cell, "local", Unstarted::Local(local))
    }

    fn local<F, T, E>(&self, py: Python<'_>, future: F) -> PyResult<(Local, CellRef)>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let runtime = self.admit(py)?.clone();
        let (_, event_loop) = EventLoop::running(py)?.ok_or_else(asyncio::no_running_loop)?;
        let queue = event_loop.queue();
        queue.check_unblocked()?;
        let future = OwnThread::new(future, queue.clone());
        let (task, cell) = Task::new(future, Some(runtime.record().clone()));
        Ok((Local { task, event_loop, runtime }, cell))
    }
}

/// A local task that has not been started.
pub(crate) struct Local {
    task: Task,
    event_loop: Arc<EventLoop>,
    runtime: Runtime,
}

impl Local {
    /// Polls it for the first time.
    pub(crate) fn start(self) -> Runtime {
        let queue = self.event_loop.queue();
        self.event_loop.residents().start(queue, self.task, self.runtime.clone(), Residence::Bound);
        self.runtime
    }
}

/// A future in a cell, which may be moved between threads, that is itself touched on one thread only.
struct OwnThread<F: 'static> {
    /// `None` only while it is dropped. In a box of its own, so that it can be sent home.
    future: Option<Pin<Box<F>>>,
    thread: ThreadId,
    queue: Arc<Queue>,
    /// On its way home.
    sent: bool,
}

// SAFETY: what is sent is the box. The future in it is reached through `poll` and `drop` only, and both look first whether
// this is the thread that made it; another one sends the box on, or leaks it.
unsafe impl<F> Send for OwnThread<F> {}

impl<F: 'static> OwnThread<F> {
    fn new(future: F, queue: Arc<Queue>) -> Self {
        Self { future: Some(Box::pin(future)), thread: thread::current().id(), queue, sent: false }
    }
}

impl<F: Future> Future for OwnThread<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        assert_eq!(thread::current().id(), self.thread, "a local future is polled by the loop of its own thread");
        match &mut self.future {
            Some(future) => future.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl<F: 'static> Drop for OwnThread<F> {
    fn drop(&mut self) {
        if self.future.is_none() || thread::current().id() == self.thread {
            return;
        }
        let future = self.future.take();
        if self.sent {
            // Another thread runs the loop now. Sent once more it would come back here, again and again.
            mem::forget(future);
            return;
        }
        let home = Self { future, thread: self.thread, queue: self.queue.clone(), sent: true };
        if let Err(refused) = self.queue.push(Message::Drop(Box::new(home))) {
            // The loop is gone, and perhaps the thread.
            mem::forget(refused);
        }
    }
}
