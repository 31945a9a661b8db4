//! The state word, and everything else of a cell that does not depend on the future's type.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Instant;

use crate::cancel_token::CancelToken;
use crate::event_loop::queue::{Message, Queue};
use crate::lifecycle;
use crate::metrics::Record;
use crate::sync::{AtomicU32, AtomicU64, AtomicWaker, Event, EventListener, Listener, OnceLock};

/// The part of the state word that says how far the task has come.
const PHASE: u32 = 0b0111;
/// A loop is subscribed: whoever settles the task pushes a message.
const WATCHED: u32 = 0b0001_0000;
/// A thread blocks on the cell, or has: whoever settles the task, or converts its outcome, notifies it.
const BLOCKED_ON: u32 = 0b0010_0000;
/// What the task left is an error or a panic. Set before COMPLETE is.
const FAILED: u32 = 0b1000_0000;
/// The future has been asked to end.
const CANCEL_ASKED: u32 = 0b1_0000_0000;
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
    record: Option<Arc<Record>>,
    /// With a token the future takes part in its cancellation.
    token: Option<CancelToken>,
}

/// What came of an attempt to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelling {
    /// The task is settled as cancelled.
    Done,
    /// The future has been asked to end, and settles the task when it does.
    Asked,
    /// The task had settled.
    TooLate,
}

impl Header {
    pub(crate) fn new(record: Option<Arc<Record>>, token: Option<CancelToken>) -> Self {
        Self {
            state: AtomicU32::new(Phase::Pending as u32),
            generation: lifecycle::generation(),
            key: AtomicU64::new(0),
            queue: OnceLock::new(),
            waker: AtomicWaker::new(),
            blocked: Event::new(),
            record,
            token,
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
        self.settle_as(|_| phase).is_some()
    }

    /// Settles a task that has run to its end, as complete; or as cancelled, if it had been asked to end and did not fail.
    pub(super) fn finish(&self) -> Option<Phase> {
        let asked = |state| state & CANCEL_ASKED != 0 && state & FAILED == 0;
        self.settle_as(|state| if asked(state) { Phase::Cancelled } else { Phase::Complete })
    }

    fn settle_as(&self, phase: impl Fn(u32) -> Phase) -> Option<Phase> {
        let before = self.leave_pending_as(&phase)?;
        self.tell_others(before);
        if before & WATCHED != 0 {
            if let Some(queue) = self.queue.get() {
                // A refused message means that the loop is closed: nobody is left to tell.
                let _ = queue.push(Message::Settled(self.key.load(Ordering::Acquire)));
            }
        }
        Some(phase(before))
    }

    /// Notes, before COMPLETE is published, that the outcome is an error or a panic.
    pub(super) fn mark_failed(&self) {
        self.state.fetch_or(FAILED, Ordering::Relaxed);
    }

    /// Whether there may be an exception in the outcome. For a look without converting.
    pub(crate) fn may_have_failed(&self) -> bool {
        let state = self.state.load(Ordering::Acquire);
        Phase::of(state) != Phase::Complete || state & FAILED != 0
    }

    /// The settlement itself: one successful compare-and-swap in a cell's life. Returns the state before.
    ///
    /// The caller goes on with [`tell_others`](Self::tell_others), and tells the loop's waiters.
    pub(crate) fn leave_pending(&self, phase: Phase) -> Option<u32> {
        self.leave_pending_as(&|_| phase)
    }

    /// As [`leave_pending`](Self::leave_pending), for a phase that depends on the state before.
    fn leave_pending_as(&self, phase: &impl Fn(u32) -> Phase) -> Option<u32> {
        let mut state = self.state.load(Ordering::Relaxed);
        while Phase::of(state) == Phase::Pending {
            let settled = (state & !PHASE) | phase(state) as u32;
            // Release publishes the outcome; acquire receives the subscriber's queue and key.
            match self.state.compare_exchange_weak(state, settled, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(before) => return Some(before),
                Err(now) => state = now,
            }
        }
        None
    }

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

    /// Tells the metrics and blocked threads of a settlement; `before` is what `leave_pending` returned.
    pub(crate) fn tell_others(&self, before: u32) {
        if let (Some(record), true) = (&self.record, before & SPAWNED != 0) {
            record.task_settled();
        }
        if before & BLOCKED_ON != 0 {
            self.blocked.notify(usize::MAX);
        }
    }

    /// Lets threads that have got a [`listener`](Self::listen) look again. Without any it costs a look: the event would
    /// allocate its list only to find it empty.
    pub(crate) fn notify_blocked(&self) {
        if self.state.load(Ordering::Acquire) & BLOCKED_ON != 0 {
            self.blocked.notify(usize::MAX);
        }
    }

    /// Cancels the task: it is settled now, and its future dropped on its executor soon; or, if there is a token, the
    /// future is asked.
    ///
    /// If it is `Done` the caller tells the waiters; [`cancel_for_all`](Self::cancel_for_all) leaves that to the loop.
    pub(crate) fn cancel(&self) -> Cancelling {
        if let Some(asked) = self.ask() {
            return asked;
        }
        if self.cancel_at_once() { Cancelling::Done } else { Cancelling::TooLate }
    }

    /// As [`cancel`](Self::cancel), whether there is a token or not. Returns false if the task had settled.
    pub(crate) fn cancel_at_once(&self) -> bool {
        let Some(before) = self.leave_pending(Phase::Cancelled) else {
            return false;
        };
        self.tell_others(before);
        self.waker.wake();
        true
    }

    /// As [`cancel`](Self::cancel), with a message to the loop if anybody waits there.
    pub(crate) fn cancel_for_all(&self) {
        if self.ask().is_none() && self.settle(Phase::Cancelled) {
            self.waker.wake();
        }
    }

    /// Asks the future to end, if it has a token.
    fn ask(&self) -> Option<Cancelling> {
        let token = self.token.as_ref()?;
        // One word: either this comes in time to decide how the task settles, or it sees that it has.
        let before = self.state.fetch_or(CANCEL_ASKED, Ordering::AcqRel);
        if Phase::of(before) != Phase::Pending {
            return Some(Cancelling::TooLate);
        }
        token.cancel();
        Some(Cancelling::Asked)
    }

    /// Whether the future has a token.
    pub(crate) fn takes_part(&self) -> bool {
        self.token.is_some()
    }

    /// Closes the task from outside: the waiters get a `RuntimeClosedError` and the future is dropped soon.
    pub(crate) fn close(&self) {
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

    /// The runtime's record; none for cells that no executor runs.
    pub(crate) fn record(&self) -> Option<&Arc<Record>> {
        self.record.as_ref()
    }

    /// Lets go of the executor's waker: nothing is left to wake.
    pub(super) fn unregister(&self) {
        drop(self.waker.take());
    }

    /// Has `waker` woken when the task is cancelled or closed.
    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Counts the task as handed to an executor.
    pub(crate) fn mark_spawned(&self) {
        self.state.fetch_or(SPAWNED, Ordering::Relaxed);
        if let Some(record) = &self.record {
            record.task_spawned();
        }
    }

    /// Blocks this thread until the task has settled or `deadline` is there. Returns whether it has settled.
    ///
    /// To be called detached from Python.
    pub(crate) fn block_until(&self, deadline: Instant) -> bool {
        loop {
            // Listening comes first: a settlement between the look and the sleep is not missed.
            let listener = self.blocked.listen();
            let before = self.state.fetch_or(BLOCKED_ON, Ordering::AcqRel);
            if Phase::of(before) != Phase::Pending {
                return true;
            }
            if listener.wait_deadline(deadline).is_none() {
                return self.is_settled();
            }
        }
    }

    /// A listener for [`notify_blocked`](Self::notify_blocked). It misses none that a lock puts behind this call.
    pub(crate) fn listen(&self) -> EventListener {
        let listener = self.blocked.listen();
        self.state.fetch_or(BLOCKED_ON, Ordering::AcqRel);
        listener
    }
}
