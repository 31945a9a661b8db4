//! What a thread of a model sleeps on until it is woken: a loop, or an executor. If nobody wakes it, loom says so.

use std::sync::Arc;
use std::task::{Wake, Waker};

use loom::sync::{Condvar, Mutex};

/// Stands for the descriptor that an event loop polls, and for an executor's waker.
#[derive(Debug)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
    sort: Sort,
}

/// When a sleeper gets up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// For as long as nobody has acknowledged: a descriptor in `select`, `poll`, or `epoll` as asyncio uses it.
    Level,
    /// Once for each time it rings, or for several: a loop that is told of changes, or called by the notifier.
    Edge,
}

impl Bell {
    pub(crate) fn new(sort: Sort) -> Arc<Self> {
        Arc::new(Self { rung: Mutex::new(false), changed: Condvar::new(), sort })
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(self.clone())
    }

    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.changed.notify_one();
    }

    pub(crate) fn acknowledge(&self) {
        if self.sort == Sort::Level {
            *self.rung.lock().unwrap() = false;
        }
    }

    /// Sleeps until it rings.
    pub(crate) fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.changed.wait(rung).unwrap();
        }
        if self.sort == Sort::Edge {
            *rung = false;
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}
