//! What a Rust runtime has to offer so that Python can await on it: one method; the rest is optional.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::io::{Network, Timers};
use crate::task::Task;

/// A Rust runtime, or the part of one that runs tasks.
///
/// Only [`spawn`](Self::spawn) is required. An executor is used from any thread, attached to Python or not, and must not
/// attach to Python itself.
///
/// ```
/// use crossawait_core::{Executor, Task};
///
/// /// A thread for each task: the smallest executor that works.
/// struct Threads;
///
/// impl Executor for Threads {
///     fn spawn(&self, task: Task) -> Result<(), Task> {
///         std::thread::spawn(|| futures::executor::block_on(task));
///         Ok(())
///     }
/// }
/// ```
pub trait Executor: Send + Sync + 'static {
    /// Takes over a task and polls it to its end, on any thread but not before returning.
    ///
    /// # Errors
    /// A task that is not accepted is given back. A task that was accepted may still be dropped unfinished, for example
    /// at shutdown: that settles whoever awaits it.
    fn spawn(&self, task: Task) -> Result<(), Task>;

    /// Runs a job on a thread where blocking is allowed.
    ///
    /// # Errors
    /// Gives the job back if the executor has no such threads, or takes no more work. The default.
    fn spawn_blocking(&self, job: Job) -> Result<(), Job> {
        Err(job)
    }

    /// Calls `body` once, on this thread, in the executor's ambient context: what its futures expect to find around
    /// them when they are polled outside one of its workers.
    ///
    /// A call rather than a guard: guards of tokio must be dropped in order, which an object cannot promise.
    fn enter(&self, body: &mut dyn FnMut()) {
        body();
    }

    /// Stops taking work, drops what has not finished, and waits up to `timeout` for its threads.
    ///
    /// Called without the interpreter's lock, more than once perhaps, never on one of the executor's own threads.
    fn shutdown(&self, timeout: Duration) {
        let _ = timeout;
    }

    /// A fresh executor of the same configuration, for a child process that this one was forked into. Called in the
    /// child, on an executor whose threads do not exist there: it may read plain data of its own, nothing more.
    ///
    /// # Errors
    /// What to tell the user, if there cannot be one. The default.
    fn after_fork(&self) -> Result<Arc<dyn Executor>, &'static str> {
        Err("this runtime does not survive a fork; make a new one in the child")
    }

    /// The name that users know the runtime by.
    fn name(&self) -> &str {
        "custom"
    }

    /// How many threads poll tasks; 0 if it is not known.
    fn worker_threads(&self) -> usize {
        0
    }

    /// The runtime's timers, if it has any.
    fn timers(&self) -> Option<&dyn Timers> {
        None
    }

    /// The runtime's sockets, if it has any.
    fn network(&self) -> Option<&dyn Network> {
        None
    }
}

/// A piece of blocking work for [`Executor::spawn_blocking`]. It does not panic. Dropping it unrun is allowed, and
/// settles whoever waits for it.
pub struct Job(Box<dyn FnOnce() + Send>);

impl Job {
    /// Wraps a closure. A panic in it is caught and forgotten (the process's panic hook has seen it): carry results
    /// and errors out by other means.
    pub fn new(work: impl FnOnce() + Send + 'static) -> Self {
        Self(Box::new(work))
    }

    /// Does the work, on this thread.
    pub fn run(self) {
        crate::panic::ignore_panic(self.0);
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}
