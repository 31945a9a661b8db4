//! Counters that cost a relaxed addition where they are counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What one runtime has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Threads that poll tasks; 0 if the executor does not say.
    pub worker_threads: usize,
    /// Tasks handed to the executor, or kept to be polled by an event loop. A future that was ready at an inline first poll
    /// never was.
    pub tasks_spawned: u64,
    /// Of those, the ones that have settled, in whatever way.
    pub tasks_settled: u64,
    /// Calls that were run on the blocking pool.
    pub blocking_calls: u64,
    /// What the event loops were told.
    pub event_loops: LoopMetrics,
}

impl Metrics {
    /// Tasks handed to the executor that have not settled.
    pub fn tasks_pending(&self) -> u64 {
        self.tasks_spawned.saturating_sub(self.tasks_settled)
    }
}

/// What all event loops served by this copy of the library have received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoopMetrics {
    /// Times that a loop was woken: one system call each.
    pub wakes: u64,
    /// Batches that loops have drained. Never fewer than the wakes that were answered.
    pub batches: u64,
    /// Messages in those batches.
    pub completions: u64,
}

/// Keeps a counter that one side writes away from the cache line of the other's.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What cells know of the runtime that they belong to; its address is the runtime's identity.
///
/// The first counter is written where tasks are made, the others where they end.
#[derive(Debug, Default)]
pub(crate) struct Record {
    spawned: Counter,
    settled: Counter,
    blocking: Counter,
    /// The executor has been told to stop: what is pending now may never be polled again.
    stopped: AtomicBool,
}

impl Record {
    pub(crate) fn task_spawned(&self) {
        self.spawned.add(1);
    }

    pub(crate) fn task_settled(&self) {
        self.settled.add(1);
    }

    pub(crate) fn blocking_call(&self) {
        self.blocking.add(1);
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(crate) fn snapshot(&self, worker_threads: usize) -> Metrics {
        // Settled is read first, so that a task settling in between is not seen settled but unspawned.
        let tasks_settled = self.settled.get();
        Metrics {
            worker_threads,
            tasks_spawned: self.spawned.get(),
            tasks_settled,
            blocking_calls: self.blocking.get(),
            event_loops: LOOPS.snapshot(),
        }
    }
}

/// The counters of all event loops. One process-wide set: they are touched once per batch, not once per task.
#[derive(Debug)]
pub(crate) struct LoopCounters {
    wakes: Counter,
    batches: Counter,
    completions: Counter,
}

pub(crate) static LOOPS: LoopCounters =
    LoopCounters { wakes: Counter::new(), batches: Counter::new(), completions: Counter::new() };

impl LoopCounters {
    pub(crate) fn wake(&self) {
        self.wakes.add(1);
    }

    pub(crate) fn batch(&self, completions: usize) {
        self.batches.add(1);
        self.more(completions);
    }

    /// Adds to a batch.
    pub(crate) fn more(&self, completions: usize) {
        self.completions.add(completions as u64);
    }

    fn snapshot(&self) -> LoopMetrics {
        LoopMetrics { wakes: self.wakes.get(), batches: self.batches.get(), completions: self.completions.get() }
    }
}
