//! smol as an executor: tasks, blocking pool, timers, sockets.
//!
//! ```
//! use crossawait_core::{Options, Runtime};
//! use crossawait_smol::Smol;
//!
//! # fn main() -> std::io::Result<()> {
//! let runtime = Runtime::new(Smol::with_options(&Options::new().worker_threads(2))?);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

#[cfg(unix)]
mod net;
mod workers;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossawait_core::io::{BoxFuture, Timers};
use crossawait_core::{Executor, ForkGuard, Job, Options, Task};
use parking_lot::{Mutex, RwLock};
use workers::Workers;

/// smol keeps its reactor and its blocking pool in statics of the process.
static STATICS: ForkGuard = ForkGuard::new();

/// A smol executor with threads that run it, or an adopted one.
///
/// Dropping one that was started here ends its threads in the background.
pub struct Smol {
    /// `None` once shut down: dropping the executor is what drops its tasks.
    executor: RwLock<Option<Arc<smol::Executor<'static>>>>,
    /// `None` if adopted, or once shut down.
    workers: Mutex<Option<Workers>>,
    worker_threads: usize,
    adopted: bool,
}

impl Smol {
    /// Starts an executor with a thread for each processor.
    ///
    /// # Errors
    /// If the operating system refuses threads, or smol ran before this process was forked.
    pub fn new() -> io::Result<Self> {
        Self::with_options(&Options::new())
    }

    /// Starts an executor with threads of its own.
    ///
    /// # Errors
    /// `InvalidInput` for options out of range, and for `max_blocking_threads`: smol has one blocking pool for the
    /// process, sized by the environment variable `BLOCKING_MAX_THREADS`. Otherwise as [`new`](Self::new).
    pub fn with_options(options: &Options) -> io::Result<Self> {
        options.check()?;
        if options.max_blocking_threads.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "smol has one blocking pool for the whole process: set the environment variable BLOCKING_MAX_THREADS \
                 instead of max_blocking_threads",
            ));
        }
        STATICS.start()?;
        let executor = Arc::new(smol::Executor::new());
        let worker_threads = options.workers_or_default();
        let name = options.thread_name.as_deref().unwrap_or("crossawait-smol");
        let workers = Workers::start(&executor, worker_threads, name)?;
        Ok(Self {
            executor: RwLock::new(Some(executor)),
            workers: Mutex::new(Some(workers)),
            worker_threads,
            adopted: false,
        })
    }

    /// Adopts an executor that somebody else runs. Shutting this down lets go of it: its owner goes on running the tasks,
    /// but whoever awaits one gets a `RuntimeClosedError`.
    pub fn from_executor(executor: Arc<smol::Executor<'static>>) -> Self {
        // After a fork it is its owner's business; noted for those that come later.
        let _ = STATICS.start();
        Self { executor: RwLock::new(Some(executor)), workers: Mutex::new(None), worker_threads: 0, adopted: true }
    }
}

impl Executor for Smol {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        match &*self.executor.read() {
            Some(executor) => {
                executor.spawn(task).detach();
                Ok(())
            }
            None => Err(task),
        }
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Job> {
        smol::unblock(move || job.run()).detach();
        Ok(())
    }

    fn shutdown(&self, timeout: Duration) {
        let executor = self.executor.write().take();
        let workers = self.workers.lock().take();
        if let Some(workers) = workers {
            workers.stop(timeout);
        }
        // The last reference, unless a worker is stuck in a task: drops every task.
        drop(executor);
    }

    fn after_fork(&self) -> Result<Arc<dyn Executor>, &'static str> {
        Err(if self.adopted {
            "an adopted smol executor does not survive a fork; make a new one in the child"
        } else {
            "smol does not survive a fork once it has run; start it only in the child, use the \"spawn\" start method, \
             or choose tokio"
        })
    }

    fn name(&self) -> &str {
        "smol"
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

impl Timers for Smol {
    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        Box::pin(async move {
            smol::Timer::after(duration).await;
        })
    }
}

impl fmt::Debug for Smol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smol")
            .field("worker_threads", &self.worker_threads)
            .field("adopted", &self.adopted)
            .finish_non_exhaustive()
    }
}
