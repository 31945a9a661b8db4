//! The runtime of this build: the one place that differs between tokio, async-std and smol.

use std::io;
use std::sync::OnceLock;

use crossawait_core::{Executor, Runtime};

/// What `RUNTIME` says in Python.
#[cfg(feature = "tokio")]
pub(crate) const NAME: &str = "tokio";
#[cfg(feature = "async-std")]
pub(crate) const NAME: &str = "async-std";
#[cfg(feature = "smol")]
pub(crate) const NAME: &str = "smol";

// A client waits more than it works: one thread is enough. With two, every answer goes from the one to the other: on two
// cores a request of a lone caller then took 41 to 117 µs of processor time, and 27 to 33 µs with one.

#[cfg(feature = "tokio")]
fn start() -> io::Result<impl Executor> {
    crossawait_tokio::Tokio::with_options(&crossawait_core::Options::new().worker_threads(1))
}

#[cfg(feature = "smol")]
fn start() -> io::Result<impl Executor> {
    crossawait_smol::Smol::with_options(&crossawait_core::Options::new().worker_threads(1))
}

/// Its threads are the process's, and as many as the environment variable `ASYNC_STD_THREAD_COUNT` says.
#[cfg(feature = "async-std")]
fn start() -> io::Result<impl Executor> {
    crossawait_async_std::AsyncStd::new()
}

/// Started by whoever asks first, and ended with the interpreter.
pub(crate) fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    loop {
        if let Some(runtime) = RUNTIME.get() {
            return Ok(runtime);
        }
        // Started first and put there then: a place that is busy would be so in a child that is forked meanwhile. If another
        // thread has been faster, its runtime stays.
        drop(RUNTIME.set(Runtime::new(start()?)));
    }
}
