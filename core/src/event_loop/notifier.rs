//! A thread that wakes loops which cannot poll a descriptor, such as Windows' proactor loop.
//!
//! `call_soon_threadsafe` is the only way into such a loop, and it needs the interpreter. Runtime threads never attach,
//! so one thread of our own does it for all of them: it sleeps detached, attaches once per batch, and calls.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

use crate::attach::attach;
use crate::lifecycle::{self, PerProcess};

/// One loop's standing order: which callable to run on which loop.
pub(crate) struct Notification {
    notifier: &'static Notifier,
    /// How to run something on the loop.
    method: &'static str,
    /// Both weak: the queue that owns this is kept alive by producers, and must not keep the loop alive.
    target: Mutex<Option<Target>>,
}

struct Target {
    python_loop: Py<PyWeakrefReference>,
    drain: Py<PyWeakrefReference>,
}

impl Notification {
    /// `method` is the one that has the loop call something soon, from any thread.
    pub(crate) fn new(py: Python<'_>, method: &'static str) -> PyResult<Arc<Self>> {
        Ok(Arc::new(Self { notifier: Notifier::here(py)?, method, target: Mutex::new(None) }))
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
        self.notifier.pending.lock().push(self.clone());
        self.notifier.pushed.notify_one();
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
        if python_loop.call_method1(self.method, (&drain,)).is_err() {
            // The loop is closed: nothing will ever run there again. A closed loop is silent.
            let _ = drain.call_method0("close");
        }
    }
}

impl std::fmt::Debug for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notification").finish_non_exhaustive()
    }
}

/// The thread's side.
#[derive(Default)]
struct Notifier {
    /// Held while the thread is started: then it is there for whoever comes later.
    started: Mutex<bool>,
    pending: Mutex<Vec<Arc<Notification>>>,
    pushed: Condvar,
    /// Held by the thread while it is attached (the one lock here that is). True once the interpreter is about to end:
    /// then it attaches no more.
    ended: Mutex<bool>,
}

static NOTIFIER: PerProcess<Notifier> = PerProcess::new();

impl Notifier {
    /// That of this process, with its thread. Called attached.
    fn here(py: Python<'_>) -> PyResult<&'static Self> {
        lifecycle::install_exit_hook(py)?;
        let notifier = NOTIFIER.get_or_init(Self::default);
        let mut started = notifier.started.lock();
        if !*started {
            std::thread::Builder::new().name("crossawait-notifier".into()).spawn(|| notifier.run())?;
            *started = true;
        }
        Ok(notifier)
    }

    fn run(&self) {
        let mut batch = Vec::new();
        loop {
            {
                let mut pending = self.pending.lock();
                while pending.is_empty() {
                    self.pushed.wait(&mut pending);
                }
                std::mem::swap(&mut *pending, &mut batch);
            }
            if !self.call_all(&mut batch) {
                // The interpreter is going away, and the loops with it.
                std::mem::forget(batch);
                return;
            }
        }
    }

    /// This thread exists to attach, so that runtime threads need not.
    fn call_all(&self, batch: &mut Vec<Arc<Notification>>) -> bool {
        let ended = self.ended.lock();
        let call = |py: Python<'_>| batch.drain(..).for_each(|notification| notification.call(py));
        !*ended && attach(call).is_some()
    }
}

/// Called before the interpreter ends: waits, detached, until the thread is not attached and will not be again.
///
/// Up to 3.13, a thread that comes back to an interpreter that is ending is killed where it stands: in the middle of Rust.
pub(crate) fn stop(py: Python<'_>, timeout: Duration) {
    let Some(notifier) = NOTIFIER.get() else {
        return;
    };
    py.detach(|| {
        if let Some(mut ended) = notifier.ended.try_lock_for(timeout) {
            *ended = true;
        }
    });
}
