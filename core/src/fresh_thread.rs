//! A thread for one piece of blocking work of the library's own: stopping an executor.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::Builder;
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::executor::Executor;
use crate::task::Task;

/// How long a wait goes without looking for signals.
pub(crate) const SIGNAL_CHECK: Duration = Duration::from_millis(50);

/// Starts a thread for each piece of work. As an executor it runs tasks that block.
pub(crate) struct FreshThread;

impl FreshThread {
    /// Does `work` on a thread of its own and waits for it, detached, and with an eye on signals: what a handler raises
    /// ends the waiting, not the work.
    pub(crate) fn work(py: Python<'_>, work: impl FnOnce() + Send + 'static) -> PyResult<()> {
        let (done, waiting) = mpsc::channel::<()>();
        // A receiver may not be shared; the lock lets it be lent to the detached closure.
        let waiting = Mutex::new(waiting);
        Self::start(move || {
            work();
            drop(done);
        })?;
        // Nothing is ever sent: the sender's end is the signal.
        while py.detach(|| waiting.lock().recv_timeout(SIGNAL_CHECK)) == Err(RecvTimeoutError::Timeout) {
            py.check_signals()?;
        }
        Ok(())
    }

    fn start(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        Builder::new().name("crossawait-shutdown".into()).spawn(work).map(drop)
    }
}

impl Executor for FreshThread {
    fn spawn(&self, mut task: Task) -> Result<(), Task> {
        // A refused thread drops the closure and with it the task, which settles it.
        let _ = Self::start(move || {
            let _ = task.poll_inline();
        });
        Ok(())
    }
}
