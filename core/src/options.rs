//! What a user may say about a runtime's threads, checked once for all runtimes.

use std::io;

/// More threads than this are a mistake rather than a wish.
const MOST_WORKERS: usize = 1024;
const MOST_BLOCKING: usize = 16_384;

/// Options for starting a runtime. Everything left out is the runtime's own default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Threads that poll tasks.
    pub worker_threads: Option<usize>,
    /// The most threads that the pool for blocking calls may grow to.
    pub max_blocking_threads: Option<usize>,
    /// The name of the runtime's threads.
    pub thread_name: Option<String>,
}

impl Options {
    /// Nothing said.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of threads that poll tasks: 1 to 1,024.
    pub fn worker_threads(mut self, count: usize) -> Self {
        self.worker_threads = Some(count);
        self
    }

    /// Sets the most threads that the pool for blocking calls may grow to: 1 to 16,384.
    pub fn max_blocking_threads(mut self, count: usize) -> Self {
        self.max_blocking_threads = Some(count);
        self
    }

    /// Sets the name of the runtime's threads. Linux shows the first 15 bytes.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.thread_name = Some(name.into());
        self
    }

    /// Whether anything was said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the values. Every runtime calls this before it starts threads.
    ///
    /// # Errors
    /// `InvalidInput`, with what is allowed, for counts that are zero or absurd and for names no thread can have.
    pub fn check(&self) -> io::Result<()> {
        check_count("worker_threads", self.worker_threads, MOST_WORKERS)?;
        check_count("max_blocking_threads", self.max_blocking_threads, MOST_BLOCKING)?;
        match &self.thread_name {
            Some(name) if name.is_empty() || name.contains('\0') => {
                Err(invalid("thread_name must be a non-empty text without null characters".into()))
            }
            _ => Ok(()),
        }
    }

    /// The number of workers asked for, or one for each processor.
    pub fn workers_or_default(&self) -> usize {
        self.worker_threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }
}

fn check_count(option: &str, count: Option<usize>, most: usize) -> io::Result<()> {
    match count {
        Some(count) if !(1..=most).contains(&count) => {
            Err(invalid(format!("{option} must be between 1 and {most}, not {count}")))
        }
        _ => Ok(()),
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
