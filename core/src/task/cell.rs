//! The cell itself: header, then the future or what it left, in one allocation.

use std::any::TypeId;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pyo3::prelude::*;

use super::header::Header;
use crate::cancel_token::CancelToken;
use crate::metrics::Record;
use crate::panic::{self, PanicReport};
use crate::sync::UnsafeCell;

/// The reading side of a cell.
pub(crate) type CellRef = Arc<dyn Cell>;

/// What both sides can ask of a cell without knowing the future's type.
pub(crate) trait Cell: Send + Sync {
    fn header(&self) -> &Header;

    /// Polls the future; on `Ready` the outcome lies in the cell, not yet published.
    ///
    /// # Safety
    /// The caller is the cell's one writing side, and the cell is not settled as `COMPLETE`.
    unsafe fn poll(&self, context: &mut Context<'_>) -> Poll<()>;

    /// Drops the future, or an unpublished outcome.
    ///
    /// # Safety
    /// As for [`poll`](Self::poll).
    unsafe fn clear(&self);

    /// Takes the outcome out and converts it, for [`take_outcome`].
    fn convert(&self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>>;

    /// Drops the outcome unconverted, if it is there: nobody will ask for it.
    fn discard(&self);
}

/// Takes the outcome out of a cell and converts it. `None` unless the phase was `COMPLETE`: only one caller ever gets it.
pub(crate) fn take_outcome(cell: &CellRef, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
    let outcome = cell.convert(py)?;
    // The first look at an error makes the exception, and that runs whatever code its arguments bring along.
    let looked_at = |error| panic::catch(|| crate::error::not_stop_iteration(py, error));
    Some(outcome.map_err(|error| looked_at(error).unwrap_or_else(|report| report.into_error(py))))
}

/// What a finished future left behind.
enum Stage<F, T, E> {
    Future(F),
    Returned(T),
    /// In a box: errors are large and rare, and every cell has room for its largest stage.
    Failed(Box<Failure<E>>),
    Empty,
}

/// Why a future has no value.
enum Failure<E> {
    Error(E),
    Panic(PanicReport),
}

pub(super) struct TaskCell<F, T, E> {
    header: Header,
    /// Owned by the writing side until it publishes `COMPLETE`, then by whoever moves `COMPLETE` to `TAKEN`.
    stage: UnsafeCell<Stage<F, T, E>>,
}

impl<F, T, E> TaskCell<F, T, E> {
    pub(super) fn new(future: F, record: Option<Arc<Record>>, token: Option<CancelToken>) -> Self {
        Self { header: Header::new(record, token), stage: UnsafeCell::new(Stage::Future(future)) }
    }

    /// Takes the outcome out. `None` unless the phase was `COMPLETE`.
    fn take(&self) -> Option<Stage<F, T, E>> {
        self.header.take()?;
        // SAFETY: `take` moved COMPLETE to TAKEN, which succeeds once: the stage is ours alone (see `impl Sync`). What is
        // moved out of its place is no future: the writing side replaced that before it published COMPLETE.
        Some(self.stage.with_mut(|stage| std::mem::replace(unsafe { &mut *stage }, Stage::Empty)))
    }
}

// SAFETY: a `&TaskCell` gives no access to `stage` but through `poll` and `clear` (unsafe: only the one writing side, and
// not after publishing), `convert` and `discard` (only the one caller whose compare-and-swap moved COMPLETE to TAKEN, which the
// release store of COMPLETE precedes). So at any time one thread at most touches the stage, and what moves between
// threads is `Send`. The header is `Sync` by itself.
unsafe impl<F: Send, T: Send, E: Send> Sync for TaskCell<F, T, E> {}

impl<F, T, E> Cell for TaskCell<F, T, E>
where
    F: Future<Output = Result<T, E>> + Send,
    T: for<'py> IntoPyObject<'py> + Send + 'static,
    E: Into<PyErr> + Send,
{
    fn header(&self) -> &Header {
        &self.header
    }

    unsafe fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        self.stage.with_mut(|stage| {
            // SAFETY: the caller is the only one with access to the stage now (see the contract and `impl Sync`).
            let stage = unsafe { &mut *stage };
            let Stage::Future(future) = stage else {
                return Poll::Ready(());
            };
            // SAFETY: the future lies inside an `Arc` that is never moved out of, and is dropped in place (below, in
            // `clear`, or with the cell) before its memory is used for anything else.
            let future = unsafe { Pin::new_unchecked(future) };
            let outcome = match panic::catch(|| future.poll(context)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(Ok(value))) => Stage::Returned(value),
                Ok(Poll::Ready(Err(error))) => Stage::Failed(Box::new(Failure::Error(error))),
                Err(report) => Stage::Failed(Box::new(Failure::Panic(report))),
            };
            // The future goes first: its destructor has run by the time anybody is told. Should it panic, that is the
            // outcome: assigning would leave the stage half dropped.
            let dropped = panic::catch(|| drop_stage(stage));
            *stage = match dropped {
                Ok(()) => outcome,
                Err(report) => {
                    // It may panic in its turn.
                    panic::ignore_panic(|| drop(outcome));
                    Stage::Failed(Box::new(Failure::Panic(report)))
                }
            };
            if !matches!(stage, Stage::Returned(_)) {
                self.header.mark_failed();
            }
            Poll::Ready(())
        })
    }

    unsafe fn clear(&self) {
        self.stage.with_mut(|stage| {
            // SAFETY: the caller is the only one with access to the stage now (see the contract and `impl Sync`).
            let stage = unsafe { &mut *stage };
            // Nobody waits for this outcome any more; the panic hook has reported what went wrong.
            let _ = panic::catch(|| drop_stage(stage));
        });
    }

    fn convert(&self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        Some(match self.take()? {
            Stage::Returned(value) => match panic::catch(|| into_any(py, value)) {
                Ok(converted) => converted,
                Err(report) => Err(report.into_error(py)),
            },
            Stage::Failed(failure) => Err(failure.into_error(py)),
            Stage::Future(_) | Stage::Empty => Err(crate::error::runtime_closed(py, "the outcome is gone")),
        })
    }

    fn discard(&self) {
        if let Some(outcome) = self.take() {
            let _ = panic::catch(|| drop(outcome));
        }
    }
}

impl<F, T, E> Drop for TaskCell<F, T, E> {
    fn drop(&mut self) {
        // The last handle may be an executor's: a destructor that panics must not take its thread along.
        let _ = panic::catch(|| drop_stage(self.stage.get_mut()));
    }
}

impl<E: Into<PyErr>> Failure<E> {
    fn into_error(self, py: Python<'_>) -> PyErr {
        match self {
            Failure::Error(error) => panic::catch(|| error.into()).unwrap_or_else(|report| report.into_error(py)),
            Failure::Panic(report) => report.into_error(py),
        }
    }
}

/// Empties a stage so that a panicking destructor cannot run twice.
fn drop_stage<F, T, E>(stage: &mut Stage<F, T, E>) {
    /// Writes `Empty` without dropping what was there: its destructor has started.
    struct Emptied<'a, F, T, E>(&'a mut ManuallyDrop<Stage<F, T, E>>);

    impl<F, T, E> Drop for Emptied<'_, F, T, E> {
        fn drop(&mut self) {
            *self.0 = ManuallyDrop::new(Stage::Empty);
        }
    }

    // SAFETY: `ManuallyDrop<S>` has the layout of `S`, and the reference is not used but through it.
    let stage = unsafe { &mut *std::ptr::from_mut(stage).cast::<ManuallyDrop<Stage<F, T, E>>>() };
    let emptied = Emptied(stage);
    // SAFETY: dropped here in place (as a pinned future must be) and overwritten by `Emptied` before anybody can look,
    // also when the destructor panics.
    unsafe { ManuallyDrop::drop(emptied.0) };
}

fn into_any<T: for<'py> IntoPyObject<'py> + 'static>(py: Python<'_>, value: T) -> PyResult<Py<PyAny>> {
    use pyo3::BoundObject;
    if TypeId::of::<T>() == TypeId::of::<()>() {
        // As a Python function without `return`; PyO3 itself makes an empty tuple of it.
        return Ok(py.None());
    }
    match value.into_pyobject(py) {
        Ok(object) => Ok(object.into_any().unbind()),
        Err(error) => Err(error.into()),
    }
}

/// A cell without a future: settled from Python, by `set_result` and its kin. The outcome lives in the Python object.
pub(crate) struct ManualCell {
    header: Header,
}

impl ManualCell {
    pub(crate) fn shared() -> CellRef {
        Arc::new(Self { header: Header::new(None, None) })
    }
}

impl Cell for ManualCell {
    fn header(&self) -> &Header {
        &self.header
    }

    unsafe fn poll(&self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    unsafe fn clear(&self) {}

    fn convert(&self, _py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        None
    }

    fn discard(&self) {}
}
