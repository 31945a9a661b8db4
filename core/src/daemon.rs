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

use pyo3::prelude::*;

use crate::once::intern;

/// How often the end looks whether they are through. It does so once in a process, and mostly not even then.
const LOOK: Duration = Duration::from_millis(1);

/// What lets drains of daemon threads in, until the end.
#[derive(Debug)]
struct Gate {
    /// Those inside. Below zero in a child that was forked inside one: then the last is not waited for.
    running: AtomicIsize,
    ending: AtomicBool,
}

/// That of the process.
static GATE: Gate = Gate::new();

impl Gate {
    const fn new() -> Self {
        Self { running: AtomicIsize::new(0), ending: AtomicBool::new(false) }
    }

    fn begin(&self) -> Option<Draining<'_>> {
        // Counted first and asked then; `end` says so first and counts then. In the one order that all threads see, one of
        // the two comes first, and the other sees it.
        self.running.fetch_add(1, Ordering::SeqCst);
        let draining = Draining(self);
        (!draining.is_over()).then_some(draining)
    }

    fn end(&self, timeout: Duration) {
        self.ending.store(true, Ordering::SeqCst);
        let deadline = Instant::now() + timeout;
        while self.running.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
            thread::sleep(LOOK);
        }
    }

    #[cfg(any(all(unix, not(miri)), all(test, not(crossawait_loom))))]
    fn forget(&self) {
        self.running.store(0, Ordering::SeqCst);
    }
}

/// Whether this is a thread that nobody joins.
pub(crate) fn is_daemon(py: Python<'_>) -> PyResult<bool> {
    let thread = py.import("threading")?.call_method0("current_thread")?;
    thread.getattr(intern!(py, "daemon"))?.extract()
}

/// A drain in a daemon thread.
#[derive(Debug)]
pub(crate) struct Draining<'g>(&'g Gate);

impl Draining<'static> {
    /// `None` once it is too late.
    pub(crate) fn begin() -> Option<Self> {
        GATE.begin()
    }
}

impl Draining<'_> {
    /// Whether it has to end, with what it is at.
    pub(crate) fn is_over(&self) -> bool {
        self.0.ending.load(Ordering::SeqCst)
    }
}

impl Drop for Draining<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Lets none begin any more, and waits for those that run. A step that takes longer than `timeout` is left behind.
pub(crate) fn end(py: Python<'_>, timeout: Duration) {
    py.detach(|| GATE.end(timeout));
}

/// In a forked child: the threads that were at it are the parent's.
#[cfg(all(unix, not(miri)))]
pub(crate) fn forget() {
    GATE.forget();
}

#[cfg(all(test, not(crossawait_loom)))]
mod tests {
    use super::*;

    /// None of these waits that long, unless something is wrong.
    const LONG: Duration = Duration::from_secs(60);

    impl Gate {
        fn running(&self) -> isize {
            self.running.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn drains_come_and_go_until_the_end() {
        let gate = Gate::new();
        let (first, second) = (gate.begin().expect("not too late"), gate.begin().expect("not too late"));
        assert_eq!(gate.running(), 2);
        assert!(!first.is_over());
        drop((first, second));
        assert_eq!(gate.running(), 0);
        gate.end(LONG);
        assert!(gate.begin().is_none());
        assert_eq!(gate.running(), 0, "one that is refused does not count");
    }

    #[test]
    fn the_end_waits_for_those_that_run_and_tells_them() {
        let gate = Gate::new();
        let began = Instant::now();
        thread::scope(|scope| {
            let draining = gate.begin().expect("not too late");
            let ending = scope.spawn(|| gate.end(LONG));
            while !draining.is_over() {
                thread::yield_now();
            }
            // It has said so, and nobody is let in; but it goes on waiting for this one.
            assert!(gate.begin().is_none());
            assert!(!ending.is_finished());
            drop(draining);
            ending.join().expect("it does not panic");
        });
        assert!(began.elapsed() < LONG);
    }

    #[test]
    fn the_end_leaves_a_step_behind_that_takes_too_long() {
        let gate = Gate::new();
        let draining = gate.begin().expect("not too late");
        gate.end(Duration::from_millis(2));
        assert_eq!(gate.running(), 1);
        drop(draining);
    }

    #[test]
    fn none_is_inside_once_the_end_has_come() {
        for _ in 0..if cfg!(miri) { 3 } else { 300 } {
            let (gate, inside) = (Gate::new(), AtomicBool::new(false));
            thread::scope(|scope| {
                scope.spawn(|| {
                    while let Some(draining) = gate.begin() {
                        inside.store(true, Ordering::SeqCst);
                        inside.store(false, Ordering::SeqCst);
                        drop(draining);
                    }
                });
                gate.end(LONG);
                assert!(!inside.load(Ordering::SeqCst));
            });
            assert_eq!(gate.running(), 0);
        }
    }

    #[test]
    fn a_forked_child_waits_for_none_of_the_parents() {
        let gate = Gate::new();
        let draining = [gate.begin(), gate.begin()];
        // What the child does: it has this thread alone, which may be inside a drain itself.
        gate.forget();
        let begun = gate.begin();
        assert_eq!(gate.running(), 1);
        drop((draining, begun));
        assert_eq!(gate.running(), -2);
        let began = Instant::now();
        gate.end(LONG);
        assert!(began.elapsed() < LONG);
        assert!(gate.begin().is_none());
    }
}
