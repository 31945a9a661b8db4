//! A thread that wakes loops which cannot poll a descriptor, such as Windows' proactor loop.
//!
//! `call_soon_threadsafe` is the only way into such a loop, and it needs the interpreter. Runtime threads never attach,
//! so one thread of our own does it for all of them: it sleeps detached, attaches once per batch, and calls.

use std::sync::{Arc, Once};

use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;

/// One loop's standing order: the callable to run, and on which loop.
pub(crate) struct Notification {
    /// The loop's bound `call_soon_threadsafe` and the drain; taken out when the loop is closed.
    target: Mutex<Option<(Py<PyAny>, Py<PyAny>)>>,
}

impl Notification {
    pub(crate) fn new() -> Arc<Self> {
        ensure_thread();
        Arc::new(Self { target: Mutex::new(None) })
    }

    /// Says what to call. To be called before the first `notify`.
    pub(crate) fn aim(&self, call_soon_threadsafe: Py<PyAny>, drain: Py<PyAny>) {
        *self.target.lock() = Some((call_soon_threadsafe, drain));
    }

    pub(crate) fn notify(self: &Arc<Self>) {
        PENDING.0.lock().push(self.clone());
        PENDING.1.notify_one();
    }

    fn call(&self, py: Python<'_>) {
        let target = self.target.lock().as_ref().map(|(call, drain)| (call.clone_ref(py), drain.clone_ref(py)));
        if let Some((call, drain)) = target {
            if call.call1(py, (drain,)).is_err() {
                // The loop is closed: nothing will ever run there again, and a closed loop is silent.
                let target = self.target.lock().take();
                drop(target);
            }
        }
    }
}

impl std::fmt::Debug for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notification").finish_non_exhaustive()
    }
}

static PENDING: (Mutex<Vec<Arc<Notification>>>, Condvar) = (Mutex::new(Vec::new()), Condvar::new());

fn ensure_thread() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // Without the thread such loops would never be woken; there is no better moment to say so than this one.
        std::thread::Builder::new()
            .name("crossawait-notifier".into())
            .spawn(run)
            .expect("the system can start one more thread");
    });
}

#[expect(clippy::disallowed_methods, reason = "this thread exists to attach so that runtime threads need not")]
fn run() {
    let mut batch = Vec::new();
    loop {
        {
            let mut pending = PENDING.0.lock();
            while pending.is_empty() {
                PENDING.1.wait(&mut pending);
            }
            std::mem::swap(&mut *pending, &mut batch);
        }
        let attached = Python::try_attach(|py| {
            for notification in batch.drain(..) {
                notification.call(py);
            }
        });
        if attached.is_none() {
            // The interpreter is going away, and the loops with it.
            std::mem::forget(batch);
            return;
        }
    }
}
