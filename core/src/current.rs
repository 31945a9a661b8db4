//! Which runtime's work this thread is doing: its tasks, or its blocking calls.
//!
//! A runtime that is shut down from inside its own work would wait for itself. The counters stand for the runtime: every
//! cell has them at hand.

use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use crate::metrics::Counters;

thread_local! {
    /// Compared, never followed.
    static CURRENT: Cell<*const Counters> = const { Cell::new(ptr::null()) };
}

/// Marks the thread as working for a runtime, until dropped.
pub(crate) struct Working {
    before: *const Counters,
}

impl Working {
    pub(crate) fn on(counters: Option<&Arc<Counters>>) -> Self {
        Self { before: CURRENT.replace(counters.map_or(ptr::null(), Arc::as_ptr)) }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// Whether this thread is doing that runtime's work.
pub(crate) fn works_on(counters: &Arc<Counters>) -> bool {
    ptr::eq(CURRENT.get(), Arc::as_ptr(counters))
}
