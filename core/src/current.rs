//! Which runtimes' work this thread is doing: their tasks, or their blocking calls.
//!
//! A runtime that is shut down from inside its own work would wait for itself. The record that every cell has at hand
//! stands for the runtime.

use std::cell::RefCell;
use std::ptr;
use std::sync::Arc;

use crate::metrics::Record;

thread_local! {
    /// Compared, never followed. Work nests: a task may be polled inside another's poll.
    static CURRENT: RefCell<Vec<*const Record>> = const { RefCell::new(Vec::new()) };
}

/// Marks the thread as working for a runtime, until dropped.
pub(crate) struct Working;

impl Working {
    pub(crate) fn on(record: Option<&Arc<Record>>) -> Self {
        CURRENT.with_borrow_mut(|current| current.push(record.map_or(ptr::null(), Arc::as_ptr)));
        Self
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(Vec::pop);
    }
}

/// Whether this thread is doing that runtime's work.
pub(crate) fn works_on(record: &Arc<Record>) -> bool {
    CURRENT.with_borrow(|current| current.contains(&Arc::as_ptr(record)))
}
