//! Event loops in daemon threads, when the interpreter ends.
//!
//! Up to CPython 3.13 a daemon thread that asks for the interpreter after its end is ended by `pthread_exit`, wherever it is.
//! That unwinds, and unwinding through a drain aborts the process. So no drain begins in a daemon thread once the
//! interpreter is about to end, and those that run are waited for. Other threads are joined before, and drain until then:
//! they may be waiting for the very news that their runtime is closed.
//!
//! A loop counts as a daemon thread's if it first met the library in one. One that is handed to another thread later keeps
//! what it was: it is not waited for, or stops draining as the interpreter ends.

use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::intern;
use pyo3::prelude::*;

/// Drains in daemon threads. Below zero in a child that was forked inside one: then the last is not waited for.
static RUNNING: AtomicIsize = AtomicIsize::new(0);

static ENDING: AtomicBool = AtomicBool::new(false);

/// How often the end looks whether they are through. It does so once in a process, and mostly not even then.
const LOOK: Duration = Duration::from_millis(1);

/// Whether this is a thread that nobody joins.
pub(crate) fn is_daemon(py: Python<'_>) -> PyResult<bool> {
    let thread = py.import("threading")?.call_method0("current_thread")?;
    thread.getattr(intern!(py, "daemon"))?.extract()
}

/// A drain in a daemon thread.
pub(crate) struct Draining(());

impl Draining {
    /// `None` once it is too late.
    pub(crate) fn begin() -> Option<Self> {
        // Counted first and asked then; `end` says so first and counts then. In the one order that all threads see, one of
        // the two comes first, and the other sees it.
        RUNNING.fetch_add(1, Ordering::SeqCst);
        let draining = Self(());
        (!draining.is_over()).then_some(draining)
    }

    /// Whether it has to end, with what it is at.
    pub(crate) fn is_over(&self) -> bool {
        ENDING.load(Ordering::SeqCst)
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Lets none begin any more, and waits for those that run. A step that takes longer than `timeout` is left behind.
pub(crate) fn end(py: Python<'_>, timeout: Duration) {
    ENDING.store(true, Ordering::SeqCst);
    let deadline = Instant::now() + timeout;
    py.detach(|| {
        while RUNNING.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
            thread::sleep(LOOK);
        }
    });
}

/// In a forked child: the threads that were at it are the parent's.
pub(crate) fn forget() {
    RUNNING.store(0, Ordering::SeqCst);
}
