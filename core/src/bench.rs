//! What lies below the public interface, for the programs in `benches/`. No part of that interface: only the feature
//! `__bench` has it, and it may change at any time.

use std::fmt;
use std::future::{Future, pending, ready};
use std::io;
use std::iter;
use std::sync::Arc;

use pyo3::prelude::*;

use crate::awaitable::{Awaitable, Role};
use crate::event_loop::queue::{Message, Queue};
use crate::event_loop::wake::{Wake, WakeFd};
use crate::event_loop::{EventLoop, Kind};
use crate::runtime::Runtime;
use crate::task::{CellRef, Task};

/// The library's side of an event loop that does not exist: a queue with its descriptor, which nobody polls.
pub struct Loop(Arc<EventLoop>);

impl Loop {
    /// Makes one.
    ///
    /// # Errors
    /// If the system has no descriptor left.
    pub fn new() -> io::Result<Self> {
        Ok(Self(EventLoop::new(Queue::new(Wake::Fd(WakeFd::new()?)), Kind::Asyncio)))
    }

    /// Pushes the message that an awaitable has settled.
    pub fn push(&self, key: u64) {
        let _ = self.0.queue().push(Message::Settled(key));
    }

    /// A drain without Python: takes all messages, delivers none, and returns how many there were.
    pub fn drain(&self) -> usize {
        self.0.take_turn(|| iter::from_fn(|| self.0.next_message()).count())
    }
}

impl fmt::Debug for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loop")
    }
}

/// The reading side of a task.
pub struct Reader(CellRef);

impl Reader {
    /// A task that gives a number at its first poll.
    pub fn of_ready() -> (Task, Self) {
        Self::of(ready(Ok(1)))
    }

    /// A task that never ends.
    pub fn of_pending() -> (Task, Self) {
        Self::of(pending())
    }

    fn of(future: impl Future<Output = PyResult<u64>> + Send + 'static) -> (Task, Self) {
        let (task, cell) = Task::new(future, None);
        (task, Self(cell))
    }

    /// Has the loop told of the settlement. False if it is too late for that.
    pub fn watch(&self, on: &Loop, key: u64) -> bool {
        self.0.header().watch(on.0.queue(), key)
    }

    /// Cancels the task, and wakes its executor. False if it had settled.
    pub fn cancel(&self) -> bool {
        self.0.header().cancel_at_once()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

/// As [`Runtime::future_into_py`], with the task handed over by `spawn`: to a known executor, or to one behind a pointer.
///
/// # Errors
/// As there.
pub fn future_into_py_by<'py, T, E>(
    py: Python<'py>,
    runtime: &Runtime,
    future: impl Future<Output = Result<T, E>> + Send + 'static,
    spawn: impl FnOnce(Task) -> Result<(), Task>,
) -> PyResult<Bound<'py, Awaitable>>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    E: Into<PyErr> + Send + 'static,
{
    let runtime = runtime.admit(py)?;
    let (task, cell) = Task::new(future, Some(runtime.record().clone()));
    let awaitable = Awaitable::over(py, cell, Role::Future, "")?;
    task.mark_spawned();
    drop(spawn(task));
    awaitable.get().keep(Some(runtime.clone()));
    Ok(awaitable)
}
