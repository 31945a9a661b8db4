//! What few threads do for a moment, and not while the process forks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Open, but for the time of a fork. It has no lock that a child could inherit locked.
#[derive(Debug)]
pub(crate) struct Gate {
    inside: AtomicUsize,
    /// Forks under way: several threads may be at it.
    forks: AtomicUsize,
}

impl Gate {
    pub(super) const fn new() -> Self {
        Self { inside: AtomicUsize::new(0), forks: AtomicUsize::new(0) }
    }

    /// Waits for forks to be over. Inside, nobody waits for the interpreter: a fork holds it.
    pub(super) fn enter(&self) -> Inside<'_> {
        loop {
            // Counted first and looked then, as `shut` says so first and counts then: one of the two sees the other.
            self.inside.fetch_add(1, Ordering::SeqCst);
            let inside = Inside(self);
            if self.forks.load(Ordering::SeqCst) == 0 {
                return inside;
            }
            drop(inside);
            thread::yield_now();
        }
    }

    /// Before a fork: waits until nobody is inside.
    pub(crate) fn shut(&self) {
        self.forks.fetch_add(1, Ordering::SeqCst);
        while self.inside.load(Ordering::SeqCst) > 0 {
            thread::yield_now();
        }
    }

    /// After it, in the parent.
    pub(crate) fn open(&self) {
        self.forks.fetch_sub(1, Ordering::SeqCst);
    }

    /// After it, in the child: whoever else was here is the parent's.
    pub(crate) fn open_in_child(&self) {
        self.forks.store(0, Ordering::SeqCst);
        self.inside.store(0, Ordering::SeqCst);
    }
}

/// Somebody inside.
#[derive(Debug)]
pub(super) struct Inside<'g>(&'g Gate);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(all(test, not(crossawait_loom)))]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_fork_waits_for_those_inside_and_others_for_the_fork() {
        let gate = Gate::new();
        let (told, heard) = mpsc::channel();
        thread::scope(|scope| {
            let inside = gate.enter();
            let second = gate.enter();
            let forking = told.clone();
            scope.spawn(|| {
                gate.shut();
                // What was told before came from those inside, and what comes next is from behind the gate.
                forking.send("shut").expect("the test listens");
                gate.open();
                drop(forking);
            });
            while gate.forks.load(Ordering::SeqCst) == 0 {
                thread::yield_now();
            }
            let late = told.clone();
            scope.spawn(|| {
                let _inside = gate.enter();
                late.send("late").expect("the test listens");
                drop(late);
            });
            drop(second);
            told.send("inside").expect("the test listens");
            drop(inside);
        });
        drop(told);
        assert_eq!(heard.iter().collect::<Vec<_>>(), ["inside", "shut", "late"]);
    }

    #[test]
    fn a_child_has_nobody_inside() {
        let gate = Gate::new();
        let inside = gate.enter();
        gate.forks.store(1, Ordering::SeqCst);
        gate.open_in_child();
        drop(gate.enter());
        gate.shut();
        gate.open();
        std::mem::forget(inside);
    }
}
