//! A thread that wakes loops which cannot poll a descriptor, such as Windows' proactor loop.
//!
//! `call_soon_threadsafe` is the only way into such a loop, and it needs the interpreter. Runtime threads never attach,
//! so one thread of our own does it for all of them: it sleeps detached, attaches once per batch, and calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

use crate::lifecycle;

/// One loop's standing order: which callable to run on which loop.
pub(crate) struct Notification {
    /// Both weak: the queue that owns this is kept alive by producers, and must not keep the loop alive.
    target: Mutex<Option<Target>>,
}

struct Target {
    python_loop: Py<PyWeakrefReference>,
    drain: Py<PyWeakrefReference>,
}

impl Notification {
    pub(crate) fn new() -> Arc<Self> {
        ensure_thread();
        Arc::new(Self { target: Mutex::new(None) })
    }

    /// Says what to call. To be called before the first `notify`.
    pub(crate) fn aim<T>(&self, python_loop: &Bound<'_, PyAny>, drain: &Bound<'_, T>) -> PyResult<()> {
        let python_loop = PyWeakrefReference::new(python_loop)?.unbind();
        let drain = PyWeakrefReference::new(drain.as_any())?.unbind();
        *self.target.lock() = Some(Target { python_loop, drain });
        Ok(())
    }

    /// Forgets what to call. Called attached.
    pub(crate) fn retire(&self) {
        let target = self.target.lock().take();
        drop(target);
    }

    pub(crate) fn notify(self: &Arc<Self>) {
        PENDING.0.lock().push(self.clone());
        PENDING.1.notify_one();
    }

    fn call(&self, py: Python<'_>) {
        let target =
            self.target.lock().as_ref().map(|target| (target.python_loop.clone_ref(py), target.drain.clone_ref(py)));
        let Some((python_loop, drain)) = target else {
            return;
        };
        let (Some(python_loop), Some(drain)) = (python_loop.bind(py).upgrade(), drain.bind(py).upgrade()) else {
            return;
        };
        // Fails if the loop is closed: nothing will ever run there again, and a closed loop is silent.
        let _ = python_loop.call_method1(pyo3::intern!(py, "call_soon_threadsafe"), (drain,));
    }
}

impl std::fmt::Debug for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notification").finish_non_exhaustive()
    }
}

static PENDING: (Mutex<Vec<Arc<Notification>>>, Condvar) = (Mutex::new(Vec::new()), Condvar::new());

/// Starts the thread, once in each process: a forked child has none.
fn ensure_thread() {
    /// One more than the process generation that has a thread.
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let here = lifecycle::generation() + 1;
    if STARTED.swap(here, Ordering::Relaxed) != here {
        // Without the thread such loops would never be woken; there is no better moment to say so than this one.
        std::thread::Builder::new()
            .name("crossawait-notifier".into())
            .spawn(run)
            .expect("the system can start one more thread");
    }
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
