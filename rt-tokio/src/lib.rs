//! tokio as an executor: tasks, blocking pool, timers, sockets.
//!
//! ```
//! use crossawait_core::{Options, Runtime};
//! use crossawait_tokio::Tokio;
//!
//! # fn main() -> std::io::Result<()> {
//! let runtime = Runtime::new(Tokio::with_options(&Options::new().worker_threads(2))?);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod burst;
#[cfg(unix)]
mod net;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::burst::Burst;
use crossawait_core::io::{BoxFuture, Timers};
use crossawait_core::{Executor, Job, Options, Task};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};

/// A tokio runtime, started here or adopted.
///
/// Dropping one that was started here shuts it down in the background: unfinished tasks are dropped, threads are not
/// waited for.
pub struct Tokio {
    handle: Handle,
    burst: Arc<Burst>,
    /// `None` if adopted, or once shut down.
    owned: Mutex<Option<Runtime>>,
    /// How it was started; `None` if adopted.
    options: Option<Options>,
}

impl Tokio {
    /// Starts a multi-thread runtime with a worker for each processor.
    ///
    /// # Errors
    /// If the operating system refuses threads or descriptors.
    pub fn new() -> io::Result<Self> {
        Self::with_options(&Options::new())
    }

    /// Starts a multi-thread runtime.
    ///
    /// # Errors
    /// `InvalidInput` for options out of range; otherwise as [`new`](Self::new).
    pub fn with_options(options: &Options) -> io::Result<Self> {
        options.check()?;
        let mut builder = Builder::new_multi_thread();
        builder
            .enable_all()
            .worker_threads(options.workers_or_default())
            .thread_name(options.thread_name.as_deref().unwrap_or("crossawait-tokio"));
        if let Some(most) = options.max_blocking_threads {
            builder.max_blocking_threads(most);
        }
        let runtime = builder.build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            burst: Arc::default(),
            owned: Mutex::new(Some(runtime)),
            options: Some(options.clone()),
        })
    }

    /// Adopts a runtime that somebody else owns and shuts down. Its driver must be enabled (`enable_all`) for timers
    /// and sockets to work.
    pub fn from_handle(handle: Handle) -> Self {
        Self { handle, burst: Arc::default(), owned: Mutex::new(None), options: None }
    }
}

impl Executor for Tokio {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        // A runtime that has been shut down drops the task, which settles it.
        self.burst.spawn(&self.handle, task);
        Ok(())
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Job> {
        drop(self.handle.spawn_blocking(move || job.run()));
        Ok(())
    }

    fn enter(&self, body: &mut dyn FnMut()) {
        let _context = self.handle.enter();
        body();
    }

    fn shutdown(&self, timeout: Duration) {
        let runtime = self.owned.lock().take();
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(timeout);
        }
    }

    fn after_fork(&self) -> Result<Arc<dyn Executor>, &'static str> {
        let Some(options) = &self.options else {
            return Err("an adopted tokio runtime does not survive a fork; make a new one in the child");
        };
        match Self::with_options(options) {
            Ok(fresh) => Ok(Arc::new(fresh)),
            Err(_) => Err("tokio could not be started again after the fork: out of threads or descriptors"),
        }
    }

    fn name(&self) -> &str {
        "tokio"
    }

    fn worker_threads(&self) -> usize {
        self.handle.metrics().num_workers()
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

impl Timers for Tokio {
    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        Box::pin(async move { tokio::time::sleep(duration).await })
    }
}

impl Drop for Tokio {
    fn drop(&mut self) {
        if let Some(runtime) = self.owned.get_mut().take() {
            // Never joins: the last reference may go on one of the runtime's own threads.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Tokio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokio").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
