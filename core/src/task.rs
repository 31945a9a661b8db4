//! The task cell: one allocation that holds a Rust future, then its outcome.
//!
//! A cell has two sides. The **writing side** is a [`Task`], given to an executor: it polls the future and stores the
//! outcome, and it never touches Python. The **reading side** is a [`Cell`] handle inside a Python object: it cancels,
//! subscribes an event loop, and converts the outcome once it is there. They meet in one atomic word:
//!
//! ```text
//!              poll returned Ready                    first attached reader
//!   PENDING ──────────────────────► COMPLETE ──────────────────────────────► TAKEN
//!      │ └──── cancel() ──────────► CANCELLED
//!      └────── task dropped ──────► CLOSED        (executor shut down, or rejected the task)
//! ```
//!
//! Leaving `PENDING` is the settlement; it happens exactly once because it is one compare-and-swap. Flags in the same
//! word say who wants to hear of it, so that a completion nobody waits for costs no message.

mod cell;
mod header;
#[cfg(all(test, unix, not(crossawait_loom)))]
mod sequences;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pyo3::prelude::*;

use self::cell::TaskCell;
#[cfg(feature = "macros")]
pub(crate) use self::cell::into_any;
pub(crate) use self::cell::{Cell, CellRef, ManualCell, take_outcome};
pub(crate) use self::header::{Cancelling, Header, Phase};
use crate::cancel_token::CancelToken;
use crate::current::Working;
use crate::metrics::Record;

/// A Rust future on its way to Python, to be driven to its end by an [`Executor`](crate::Executor).
///
/// It is a future itself, without output and never panicking, two words large: an executor boxes or stores it as it
/// likes and polls it like any other. Dropping a task that has not finished drops its future and settles whoever awaits
/// it with a `RuntimeClosedError`, so an executor that loses work never leaves an awaitable pending.
///
/// Polling and dropping a task takes no Python lock and never attaches to the interpreter.
#[must_use = "a task does nothing unless an executor polls it"]
pub struct Task {
    /// `None` once finished. The presence of the handle is the writing side's claim on the stage.
    cell: Option<CellRef>,
    /// The cell holds a waker of the executor's.
    registered: bool,
}

impl Task {
    /// Puts `future` into a cell. The second handle is the reading side.
    pub(crate) fn new<F, T, E>(future: F, record: Option<Arc<Record>>) -> (Task, CellRef)
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        Self::with_token(future, record, None)
    }

    /// As [`new`](Self::new), for a future that takes part in its cancellation.
    pub(crate) fn with_token<F, T, E>(
        future: F,
        record: Option<Arc<Record>>,
        token: Option<CancelToken>,
    ) -> (Task, CellRef)
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let cell: CellRef = Arc::new(TaskCell::new(future, record, token));
        (Task { cell: Some(cell.clone()), registered: false }, cell)
    }

    /// Polls once on this thread, with a waker that does nothing: a task that stays pending must be handed to an
    /// executor, which polls it again.
    pub(crate) fn poll_inline(&mut self) -> Poll<()> {
        Pin::new(self).poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Counts the task as handed to an executor.
    pub(crate) fn mark_spawned(&self) {
        if let Some(cell) = &self.cell {
            cell.header().mark_spawned();
        }
    }

    /// Whether nothing is left to poll.
    pub(crate) fn is_finished(&self) -> bool {
        self.cell.is_none()
    }

    /// A handle that can close the task from outside, for executors that cannot drop what they have accepted.
    pub fn closer(&self) -> TaskCloser {
        TaskCloser { cell: self.cell.clone() }
    }

    /// Gives up the writing side: drops the future, then settles as `phase` unless that has happened.
    fn abandon(&mut self, phase: Phase) {
        if let Some(cell) = self.cell.take() {
            if cell.header().is_inherited() {
                // The parent's thread may have been in the middle of anything: forget, never drop.
                std::mem::forget(cell);
                return;
            }
            // SAFETY: this task was the writing side until the line above, and has not published COMPLETE.
            unsafe { cell.clear() };
            cell.header().settle(phase);
            self.let_go(&cell);
        }
    }

    /// A settled cell may live on for long in Python: it must not keep the executor's resources.
    fn let_go(&self, cell: &CellRef) {
        if self.registered {
            cell.header().unregister();
        }
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(cell) = &self.cell else {
            return Poll::Ready(());
        };
        let header = cell.header();
        if !header.is_settled() {
            let _working = Working::on(header.record());
            // SAFETY: this task is the writing side, and publishes COMPLETE only below, giving the side up.
            if unsafe { cell.poll(context) }.is_ready() {
                if header.finish() != Some(Phase::Complete) {
                    // Cancelled: the outcome is nobody's. SAFETY: not published, so still the writing side.
                    unsafe { cell.clear() };
                }
                if let Some(cell) = self.cell.take() {
                    self.let_go(&cell);
                }
                return Poll::Ready(());
            }
            header.register(context.waker());
            self.registered = true;
            // A cancellation before `register` found no waker to wake; one after it finds ours.
            if self.cell.as_ref().is_some_and(|cell| !cell.header().is_settled()) {
                return Poll::Pending;
            }
        }
        self.abandon(Phase::Closed);
        Poll::Ready(())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.abandon(Phase::Closed);
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.cell.as_ref().map(|cell| cell.header().phase());
        f.debug_struct("Task").field("phase", &phase).finish()
    }
}

/// Closes one [`Task`] from outside; see [`Task::closer`].
#[derive(Clone)]
pub struct TaskCloser {
    cell: Option<CellRef>,
}

impl TaskCloser {
    /// Settles the task with a `RuntimeClosedError`, unless it has settled, and wakes it, so that the executor drops
    /// its future when it polls the task next.
    ///
    /// May be called from any thread; wakes an event loop, never attaches to Python.
    pub fn close(&self) {
        if let Some(cell) = &self.cell {
            cell.header().close();
        }
    }
}

impl fmt::Debug for TaskCloser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskCloser").finish_non_exhaustive()
    }
}
