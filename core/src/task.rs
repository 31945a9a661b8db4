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

use std::any::{Any, TypeId};
use std::cell::UnsafeCell;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use atomic_waker::AtomicWaker;
use event_listener::{Event, Listener};
use pyo3::prelude::*;

use crate::event_loop::queue::{Message, Queue};
use crate::lifecycle;
use crate::metrics::Counters;
use crate::panic::{self, PanicReport};

/// The part of the state word that says how far the task has come.
const PHASE: u32 = 0b0111;
/// A loop is subscribed: whoever settles the task pushes a message.
const WATCHED: u32 = 0b0001_0000;
/// A thread blocks on the cell: whoever settles the task notifies it.
const BLOCKED_ON: u32 = 0b0010_0000;
/// The task was handed to an executor and is counted in its metrics.
const SPAWNED: u32 = 0b0100_0000;

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Phase {
    /// The writing side may still settle it.
    Pending = 0,
    /// The outcome lies in the cell, unconverted.
    Complete = 1,
    /// An attached reader has taken the outcome out; it lives in a Python object now.
    Taken = 2,
    /// Cancelled from Python; the writing side drops the future when it next looks.
    Cancelled = 3,
    /// The task was dropped unfinished, or never accepted.
    Closed = 4,
}

impl Phase {
    fn of(state: u32) -> Phase {
        match state & PHASE {
            0 => Phase::Pending,
            1 => Phase::Complete,
            2 => Phase::Taken,
            3 => Phase::Cancelled,
            _ => Phase::Closed,
        }
    }
}

/// The part of a cell that does not depend on the future's type.
pub(crate) struct Header {
    state: AtomicU32,
    /// The process generation (see `lifecycle`) that made the cell; a forked child must not touch it.
    generation: u32,
    /// The key of the subscribed awaitable in its event loop's table.
    key: AtomicU64,
    /// Set once, before `WATCHED` is.
    queue: OnceLock<Arc<Queue>>,
    /// Wakes the task on its executor, so that a cancelled future is dropped there.
    waker: AtomicWaker,
    blocked: Event,
    counters: Option<Arc<Counters>>,
}

impl Header {
    pub(crate) fn new(counters: Option<Arc<Counters>>) -> Self {
        Self {
            state: AtomicU32::new(Phase::Pending as u32),
            generation: lifecycle::generation(),
            key: AtomicU64::new(0),
            queue: OnceLock::new(),
            waker: AtomicWaker::new(),
            blocked: Event::new(),
            counters,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        // Acquire: whoever sees a settled phase also sees what was written before settling.
        Phase::of(self.state.load(Ordering::Acquire))
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.phase() != Phase::Pending
    }

    /// Whether this process forked after the cell was made. Then everything in it belongs to the parent.
    pub(crate) fn is_inherited(&self) -> bool {
        self.generation != lifecycle::generation()
    }

    /// Leaves `PENDING` for `phase` and tells whoever asked to know. Returns false if somebody else was first.
    pub(crate) fn settle(&self, phase: Phase) -> bool {
        let Some(before) = self.leave_pending(phase) else {
            return false;
        };
        self.tell_others(before);
        if before & WATCHED != 0 {
            if let Some(queue) = self.queue.get() {
                // A refused message means that the loop is closed: nobody is left to tell.
                let _ = queue.push(Message::Settled(self.key.load(Ordering::Acquire)));
            }
        }
        true
    }

    /// The settlement itself: one successful compare-and-swap in a cell's life. Returns the state before.
    ///
    /// The caller goes on with [`tell_others`](Self::tell_others), and tells the loop's waiters.
    pub(crate) fn leave_pending(&self, phase: Phase) -> Option<u32> {
        let mut state = self.state.load(Ordering::Relaxed);
        while Phase::of(state) == Phase::Pending {
            let settled = (state & !PHASE) | phase as u32;
            // Release publishes the outcome; acquire receives the subscriber's queue and key.
            match self.state.compare_exchange_weak(state, settled, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(before) => return Some(before),
                Err(now) => state = now,
            }
        }
        None
    }

    /// Tells the metrics and blocked threads of a settlement; `before` is what `leave_pending` returned.
    pub(crate) fn tell_others(&self, before: u32) {
        if let (Some(counters), true) = (&self.counters, before & SPAWNED != 0) {
            counters.task_settled();
        }
        if before & BLOCKED_ON != 0 {
            self.notify_blocked();
        }
    }

    /// Lets blocked threads look again.
    pub(crate) fn notify_blocked(&self) {
        self.blocked.notify(usize::MAX);
    }

    /// Cancels the task: it is settled now, and its future dropped on its executor soon.
    ///
    /// The caller tells the waiters. Returns false if the task had settled before.
    pub(crate) fn cancel(&self) -> bool {
        let Some(before) = self.leave_pending(Phase::Cancelled) else {
            return false;
        };
        self.tell_others(before);
        self.waker.wake();
        true
    }

    /// Closes the task from outside: the waiters get a `RuntimeClosedError` and the future is dropped soon.
    fn close(&self) {
        if self.settle(Phase::Closed) {
            self.waker.wake();
        }
    }

    /// Subscribes the awaitable `key` of the loop behind `queue`.
    ///
    /// Returns false if the task has settled already: then no message will come. A cell is subscribed to one queue in
    /// its life; the key may change.
    pub(crate) fn watch(&self, queue: &Arc<Queue>, key: u64) -> bool {
        let _ = self.queue.set(queue.clone());
        self.key.store(key, Ordering::Release);
        let before = self.state.fetch_or(WATCHED, Ordering::AcqRel);
        Phase::of(before) == Phase::Pending
    }

    /// Ends the subscription. A message that is on its way already carries a key that the loop no longer knows.
    pub(crate) fn unwatch(&self) {
        self.state.fetch_and(!WATCHED, Ordering::AcqRel);
    }

    /// Counts the task as handed to an executor.
    pub(crate) fn mark_spawned(&self) {
        self.state.fetch_or(SPAWNED, Ordering::Relaxed);
        if let Some(counters) = &self.counters {
            counters.task_spawned();
        }
    }

    /// Blocks this thread until the task has settled or `deadline` is there. Returns whether it has settled.
    ///
    /// To be called detached from Python.
    pub(crate) fn block_until(&self, deadline: Instant) -> bool {
        self.block_while(|| Phase::of(self.state.fetch_or(BLOCKED_ON, Ordering::AcqRel)) == Phase::Pending, deadline);
        self.is_settled()
    }

    /// Blocks this thread until `condition` is found false after a notification, or `deadline` is there.
    ///
    /// To be called detached from Python.
    pub(crate) fn block_while(&self, condition: impl Fn() -> bool, deadline: Instant) {
        loop {
            // Listening comes first: a notification between the look and the sleep is not missed.
            let listener = self.blocked.listen();
            if !condition() || listener.wait_deadline(deadline).is_none() {
                return;
            }
        }
    }
}

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

    /// Takes the outcome out and converts it. `None` unless the phase was `COMPLETE`: only one caller ever gets it.
    fn convert(&self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>>;
}

/// What a finished future left behind.
enum Stage<F, T, E> {
    Future(F),
    Returned(Result<T, E>),
    Panicked(PanicReport),
    Empty,
}

struct TaskCell<F, T, E> {
    header: Header,
    /// Owned by the writing side until it publishes `COMPLETE`, then by whoever moves `COMPLETE` to `TAKEN`.
    stage: UnsafeCell<Stage<F, T, E>>,
}

// SAFETY: a `&TaskCell` gives no access to `stage` but through `poll` and `clear` (unsafe: only the one writing side, and
// not after publishing) and `convert` (only the one caller whose compare-and-swap moved COMPLETE to TAKEN, which the
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
        // SAFETY: the caller is the only one with access to the stage now (see the contract and `impl Sync`).
        let stage = unsafe { &mut *self.stage.get() };
        let Stage::Future(future) = stage else {
            return Poll::Ready(());
        };
        // SAFETY: the future lies inside an `Arc` that is never moved out of, and is dropped in place (below, in
        // `clear`, or with the cell) before its memory is used for anything else.
        let future = unsafe { Pin::new_unchecked(future) };
        let outcome = match panic::catch(|| future.poll(context)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => Stage::Returned(outcome),
            Err(report) => Stage::Panicked(report),
        };
        // The future goes first: its destructor has run by the time anybody is told. Should it panic, that is the
        // outcome: assigning would leave the stage half dropped.
        let dropped = panic::catch(|| drop_stage(stage));
        *stage = match dropped {
            Ok(()) => outcome,
            Err(report) => Stage::Panicked(report),
        };
        Poll::Ready(())
    }

    unsafe fn clear(&self) {
        // SAFETY: the caller is the only one with access to the stage now (see the contract and `impl Sync`).
        let stage = unsafe { &mut *self.stage.get() };
        // Nobody waits for this outcome any more; the panic hook has reported what went wrong.
        let _ = panic::catch(|| drop_stage(stage));
    }

    fn convert(&self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        self.header.take()?;
        // SAFETY: `take` moved COMPLETE to TAKEN, which succeeds once: the stage is ours alone (see `impl Sync`).
        let stage = unsafe { &mut *self.stage.get() };
        Some(match std::mem::replace(stage, Stage::Empty) {
            Stage::Returned(Ok(value)) => match panic::catch(|| into_any(py, value)) {
                Ok(converted) => converted,
                Err(report) => Err(report.into_error(py)),
            },
            Stage::Returned(Err(error)) => match panic::catch(|| error.into()) {
                Ok(error) => Err(error),
                Err(report) => Err(report.into_error(py)),
            },
            Stage::Panicked(report) => Err(report.into_error(py)),
            Stage::Future(_) | Stage::Empty => Err(crate::error::runtime_closed(py, "the outcome is gone")),
        })
    }
}

impl<F, T, E> Drop for TaskCell<F, T, E> {
    fn drop(&mut self) {
        // The last handle may be an executor's: a destructor that panics must not take its thread along.
        let _ = panic::catch(|| drop_stage(self.stage.get_mut()));
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

impl Header {
    /// Moves COMPLETE to TAKEN; `None` if the phase was another.
    pub(crate) fn take(&self) -> Option<()> {
        let mut state = self.state.load(Ordering::Relaxed);
        while Phase::of(state) == Phase::Complete {
            let taken = (state & !PHASE) | Phase::Taken as u32;
            // Acquire receives the outcome that the writing side published.
            match self.state.compare_exchange_weak(state, taken, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(()),
                Err(now) => state = now,
            }
        }
        None
    }
}

/// A cell without a future: settled from Python, by `set_result` and its kin. The outcome lives in the Python object.
pub(crate) struct ManualCell {
    header: Header,
}

impl ManualCell {
    pub(crate) fn new() -> CellRef {
        Arc::new(Self { header: Header::new(None) })
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
}

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
}

impl Task {
    /// Puts `future` into a cell. The second handle is the reading side.
    pub(crate) fn new<F, T, E>(future: F, counters: Option<Arc<Counters>>) -> (Task, CellRef)
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let cell: CellRef =
            Arc::new(TaskCell { header: Header::new(counters), stage: UnsafeCell::new(Stage::Future(future)) });
        (Task { cell: Some(cell.clone()) }, cell)
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
            // SAFETY: this task is the writing side, and publishes COMPLETE only below, giving the side up.
            if unsafe { cell.poll(context) }.is_ready() {
                let published = header.settle(Phase::Complete);
                if !published {
                    // Cancelled meanwhile: the outcome is nobody's. SAFETY: not published, so still the writing side.
                    unsafe { cell.clear() };
                }
                self.cell = None;
                return Poll::Ready(());
            }
            header.waker.register(context.waker());
            // A cancellation before `register` found no waker to wake; one after it finds ours.
            if !header.is_settled() {
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

/// Anything a message may carry to a loop's thread only to be dropped there.
pub(crate) type Garbage = Box<dyn Any + Send>;

/// Catches a panic of user code that has nowhere to be reported.
pub(crate) fn ignore_panic(body: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(body));
}
