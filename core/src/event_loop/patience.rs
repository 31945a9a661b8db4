//! Whether a thread that has asked the loop for something lingers a moment, before it goes and is fetched back.
//!
//! A lone caller's call of Python takes two wake-ups, the loop's and its own thread's, and when the two sleep on
//! different cores that is most of the time: of 48 µs, where a call itself takes 10. A caller that stays awake for those
//! 10 µs spares its own wake-up, and the loop's with it, since the next call is there before the loop has gone to sleep.
//! It also costs less processor time, not more: 20 µs for both threads against 57.
//!
//! It may only cost where it does not help. So one thread at a time lingers for a loop, no longer than the two wake-ups
//! take, not when several call (they keep the loop awake, and what they ask goes in batches), and ever more rarely while it
//! is in vain: when the loop is busy, or what it calls takes its time.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::ffi;

/// What two wake-ups across cores cost.
const LIMIT: Duration = Duration::from_micros(50);

/// Most callers at once. The calls of so many and more take less time apart from each other than one after the other.
const CROWD: usize = 5;

/// Looks for the answer between two at the clock, which takes as long as several of them.
const STRIDE: u32 = 16;

/// Calls in a row that a thread may have answered before it has to give its other tasks a turn.
const ROW: u32 = 32;

/// Most calls without, after one in vain.
const MOST_SKIPPED: u32 = 1023;

/// What a loop's callers have learnt about lingering. Nothing but time depends on it, so nothing is ordered by it.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    /// Calls on their way.
    callers: AtomicUsize,
    lingering: AtomicBool,
    /// Calls that are still to go without.
    to_skip: AtomicU32,
    /// As many as the last one in vain has made go without.
    skipped: AtomicU32,
}

impl Patience {
    /// Counts a call, until [`leave`](Self::leave).
    pub(crate) fn enter(&self) {
        self.callers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        self.callers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Stays until `answered`, or for as long as it is worth it. Called by a thread that has just sent a call.
    pub(crate) fn linger(&self, answered: impl Fn() -> bool) {
        if self.is_crowded() || !may_linger() || self.lingering.swap(true, Ordering::Relaxed) {
            return;
        }
        if self.is_due() {
            self.learn(self.wait(answered));
        }
        self.lingering.store(false, Ordering::Relaxed);
    }

    fn is_crowded(&self) -> bool {
        self.callers.load(Ordering::Relaxed) >= CROWD
    }

    fn is_due(&self) -> bool {
        let to_skip = self.to_skip.load(Ordering::Relaxed);
        if to_skip > 0 {
            self.to_skip.store(to_skip - 1, Ordering::Relaxed);
            return false;
        }
        true
    }

    fn wait(&self, answered: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + LIMIT;
        loop {
            for _ in 0..STRIDE {
                if answered() {
                    return true;
                }
                std::hint::spin_loop();
            }
            if self.is_crowded() || Instant::now() >= deadline {
                return false;
            }
        }
    }

    fn learn(&self, answered: bool) {
        let skipped = if answered { 0 } else { (self.skipped.load(Ordering::Relaxed) * 2 + 1).min(MOST_SKIPPED) };
        self.skipped.store(skipped, Ordering::Relaxed);
        self.to_skip.store(skipped, Ordering::Relaxed);
    }
}

thread_local! {
    static IN_ROW: Cell<u32> = const { Cell::new(0) };
}

/// Notes whether a call of this thread was answered in the very poll that sent it.
pub(crate) fn note(at_once: bool) {
    IN_ROW.set(if at_once { IN_ROW.get() + 1 } else { 0 });
}

/// Whether this thread's other tasks are to have a turn first. Asked again, they have had it.
pub(crate) fn is_row_over() -> bool {
    let over = IN_ROW.get() >= ROW;
    if over {
        IN_ROW.set(0);
    }
    over
}

/// Not on the only core, nor on a thread that keeps the loop from answering.
fn may_linger() -> bool {
    static SEVERAL_CORES: OnceLock<bool> = OnceLock::new();
    // SAFETY: any thread may ask at any time; without an interpreter the answer is yes.
    let attached = unsafe { ffi::PyGILState_Check() } != 0;
    !attached && *SEVERAL_CORES.get_or_init(|| thread::available_parallelism().is_ok_and(|cores| cores.get() > 1))
}
