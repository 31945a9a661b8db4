//! async-std as an executor: tasks, blocking pool, timers, sockets.
//!
//! async-std has one executor for the process, sized and named by the environment variables `ASYNC_STD_THREAD_COUNT` and
//! `ASYNC_STD_THREAD_NAME` when it first runs, and it cannot be stopped. Each [`AsyncStd`] is a view of it that can be
//! closed: it takes no more work then, and its unfinished tasks are dropped.
//!
//! async-std is discontinued (RUSTSEC-2025-0052): take it for what runs on it already.

#![forbid(unsafe_code)]

mod live;
#[cfg(unix)]
mod net;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossawait_core::io::{BoxFuture, Timers};
use crossawait_core::{Executor, ForkGuard, Job, Options, Task};
use live::LiveTasks;

/// Executor, reactor and blocking pool all live in statics of the process.
static STATICS: ForkGuard = ForkGuard::new();

/// Whether the executor's threads have their number and name for good.
static STARTED: AtomicBool = AtomicBool::new(false);

/// A view of async-std's one executor.
pub struct AsyncStd {
    live: Arc<LiveTasks>,
    worker_threads: usize,
}

impl AsyncStd {
    /// Takes async-std as the environment variables describe it; its threads start with the first task.
    ///
    /// # Errors
    /// If async-std ran before this process was forked.
    pub fn new() -> io::Result<Self> {
        STATICS.start()?;
        STARTED.store(true, Ordering::Relaxed);
        Ok(Self { live: LiveTasks::new(), worker_threads: configured_workers() })
    }

    /// Whether an executor has been made in this process: from then on the environment variables are not read.
    pub fn is_started() -> bool {
        STARTED.load(Ordering::Relaxed)
    }

    /// The environment variables that say what `options` ask for, to be set before the first [`new`](Self::new).
    ///
    /// # Errors
    /// `InvalidInput` for options out of range, for `max_blocking_threads` (async-std's blocking pool is sized by the
    /// environment variable `BLOCKING_MAX_THREADS`); `ResourceBusy` for anything at all once async-std has started.
    pub fn environment(options: &Options) -> io::Result<Vec<(&'static str, String)>> {
        options.check()?;
        if options.max_blocking_threads.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "async-std has one blocking pool for the whole process: set the environment variable \
                 BLOCKING_MAX_THREADS instead of max_blocking_threads",
            ));
        }
        if Self::is_started() && !options.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "async-std has one executor for the whole process, and it has started: options can be given to the \
                 first runtime only",
            ));
        }
        let count = options.worker_threads.map(|count| ("ASYNC_STD_THREAD_COUNT", count.to_string()));
        let name = options.thread_name.clone().map(|name| ("ASYNC_STD_THREAD_NAME", name));
        Ok(count.into_iter().chain(name).collect())
    }
}

/// As async-std reads it.
fn configured_workers() -> usize {
    let count = std::env::var("ASYNC_STD_THREAD_COUNT").ok().and_then(|count| count.parse().ok());
    count.unwrap_or_else(|| Options::new().workers_or_default())
}

impl Executor for AsyncStd {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        let entry = self.live.enter(task)?;
        // Dropping the handle detaches the task.
        drop(async_std::task::spawn(entry.run()));
        Ok(())
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Job> {
        if self.live.is_closed() {
            return Err(job);
        }
        drop(async_std::task::spawn_blocking(move || job.run()));
        Ok(())
    }

    fn shutdown(&self, timeout: Duration) {
        self.live.close(timeout);
    }

    fn after_fork(&self) -> Result<Arc<dyn Executor>, &'static str> {
        Err("async-std does not survive a fork once it has run; start it only in the child, use the \"spawn\" start \
             method, or choose tokio")
    }

    fn name(&self) -> &str {
        "async-std"
    }

    fn worker_threads(&self) -> usize {
        self.worker_threads
    }

    fn timers(&self) -> Option<&dyn Timers> {
        Some(self)
    }

    // The sockets are for Unix so far; elsewhere there is none.
    #[cfg(unix)]
    fn network(&self) -> Option<&dyn crossawait_core::io::Network> {
        Some(self)
    }
}

impl Timers for AsyncStd {
    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        Box::pin(async move { async_std::task::sleep(duration).await })
    }
}

impl Drop for AsyncStd {
    fn drop(&mut self) {
        // As the others do: unfinished tasks end with their runtime, and nobody waits for them.
        self.live.close(Duration::ZERO);
    }
}

impl fmt::Debug for AsyncStd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncStd").field("closed", &self.live.is_closed()).finish_non_exhaustive()
    }
}
