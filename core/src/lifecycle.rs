//! Fork and interpreter exit: what must happen to runtimes when the process changes under them.
//!
//! **Fork.** Only the forking thread survives in the child; executors' threads do not, and locks may be held by threads
//! that no longer exist. So the child *forgets* what it inherited: a process generation, bumped in the child by
//! `pthread_atfork`, is compared before any inherited cell, queue or executor is used, locked or dropped.
//!
//! **Exit.** A hook that runs before Python joins its threads stops admission on every runtime, waits for the blocking
//! calls that run Python, and shuts the executors down, bounded in time. `atexit` would be too late: it runs after.

#[cfg(all(test, unix, not(crossawait_loom), not(miri)))]
pub(crate) mod forked;
mod per_process;

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Once, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyCFunction;

use crate::byte_stream::ByteStream;
use crate::event_loop::notifier;
use crate::once::once;
use crate::runtime::Inner;
use crate::{awaitable, coroutine, daemon, event_loop, python_io, stream};
pub(crate) use per_process::PerProcess;

/// How long interpreter exit waits for each runtime's threads before it leaves them behind.
pub(crate) const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// 0 in the process that loaded the library, and one more with each fork on the way to this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Runtimes to shut down at exit.
static RUNTIMES: PerProcess<Mutex<Vec<Weak<Inner>>>> = PerProcess::new();

/// That has happened, or it had when this process was forked. Written with the list locked.
static ENDED: AtomicBool = AtomicBool::new(false);

/// The process generation; see the module documentation.
pub(crate) fn generation() -> u32 {
    watch_forks();
    GENERATION.load(Ordering::Relaxed)
}

// Miri has no forks, and does not know the function.
#[cfg(all(unix, not(miri)))]
pub(crate) fn watch_forks() {
    extern "C" fn before() {
        #[cfg(not(Py_3_12))]
        crate::attach::GATE.shut();
    }
    extern "C" fn in_parent() {
        #[cfg(not(Py_3_12))]
        crate::attach::GATE.open();
    }
    extern "C" fn in_child() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
        #[cfg(not(Py_3_12))]
        crate::attach::GATE.open_in_child();
        daemon::forget();
    }
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| {
        // SAFETY: the handlers are static functions that only touch atomics: async-signal-safe, as a handler in the
        // child of a threaded process has to be. Failure (no memory) leaves forks unnoticed, as without the call.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    });
}

#[cfg(not(all(unix, not(miri))))]
pub(crate) fn watch_forks() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| {});
}

/// A value that belongs to the process that made it: a forked child forgets it instead of dropping it.
///
/// What is dropped in a child could still do harm in the parent (take a socket out of an epoll instance that both share)
/// or never return (a lock held by a thread that does not exist here).
#[derive(Clone)]
pub(crate) struct OwnProcess<T> {
    value: ManuallyDrop<T>,
    generation: u32,
}

impl<T> OwnProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: ManuallyDrop::new(value), generation: generation() }
    }

    /// Whether this process is a child of the one that made the value.
    pub(crate) fn is_inherited(&self) -> bool {
        self.generation != generation()
    }
}

impl<T> Deref for OwnProcess<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Drop for OwnProcess<T> {
    fn drop(&mut self) {
        if !self.is_inherited() {
            // SAFETY: dropped once, here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}

/// Guards a part of a runtime that lives in process statics and does not survive a fork, as smol's reactor does.
#[derive(Debug)]
pub struct ForkGuard(AtomicU32);

impl ForkGuard {
    /// A guard for something that has not been started.
    #[expect(clippy::new_without_default, reason = "only of use in a static, which needs a const function")]
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Notes that it runs in this process now.
    ///
    /// # Errors
    /// If it ran already in the process that this one was forked from.
    pub fn start(&self) -> std::io::Result<()> {
        // One more than the generation, so that 0 is "never".
        let here = generation() + 1;
        match self.0.compare_exchange(0, here, Ordering::Relaxed, Ordering::Relaxed) {
            Err(started) if started != here => Err(std::io::Error::new(
                std::io::ErrorKind::Unsupported,
                "it ran before this process was forked, and its reactor does not survive that; start it only in the \
                 child, use the \"spawn\" start method, or choose tokio",
            )),
            _ => Ok(()),
        }
    }
}

/// Puts a runtime on the list for interpreter exit.
///
/// # Errors
/// `RuntimeClosedError` once the interpreter is on its way out.
pub(crate) fn register(py: Python<'_>, runtime: Weak<Inner>) -> PyResult<()> {
    install_exit_hook(py)?;
    let mut runtimes = RUNTIMES.get_or_init(Mutex::default).lock();
    if ENDED.load(Ordering::Relaxed) {
        drop(runtimes);
        return Err(crate::error::runtime_closed(py, "the interpreter is shutting down"));
    }
    runtimes.retain(|known| known.strong_count() > 0);
    runtimes.push(runtime);
    Ok(())
}

/// Has `shut_down_all` called before Python joins its threads.
pub(crate) fn install_exit_hook(py: Python<'_>) -> PyResult<()> {
    static INSTALLED: PyOnceLock<()> = PyOnceLock::new();
    once(py, &INSTALLED, || {
        let hook = PyCFunction::new_closure(py, None, None, |args, _| shut_down_all(args.py()))?;
        // Not public, but what `concurrent.futures` uses for the same purpose, and there is no public equal: `atexit`
        // callbacks run only after the interpreter has joined its threads.
        py.import("threading")?.call_method1("_register_atexit", (hook,))?;
        // Now, rather than at the first use of each, which may be in one thread while another forks.
        make_classes(py);
        PyResult::Ok(())
    })?;
    Ok(())
}

fn make_classes(py: Python<'_>) {
    awaitable::make_classes(py);
    coroutine::make_classes(py);
    event_loop::make_classes(py);
    python_io::make_classes(py);
    stream::make_classes(py);
    py.get_type::<ByteStream>();
}

fn shut_down_all(py: Python<'_>) -> PyResult<()> {
    let listed = {
        let mut runtimes = RUNTIMES.get_or_init(Mutex::default).lock();
        ENDED.store(true, Ordering::Relaxed);
        std::mem::take(&mut *runtimes)
    };
    let (inherited, runtimes): (Vec<_>, Vec<_>) =
        listed.iter().filter_map(Weak::upgrade).partition(|runtime| runtime.is_inherited());
    // Made before a fork: these belong to the parent.
    inherited.into_iter().for_each(std::mem::forget);
    runtimes.iter().for_each(|runtime| runtime.close());
    // Ctrl-C ends the waiting for calls, as it does for `ThreadPoolExecutor`; threads are stopped all the same.
    let waited = runtimes.iter().try_for_each(|runtime| runtime.wait_for_blocking_calls(py));
    for runtime in runtimes {
        py.detach(|| runtime.stop_executor(EXIT_TIMEOUT));
    }
    notifier::stop(py, EXIT_TIMEOUT);
    daemon::end(py, EXIT_TIMEOUT);
    waited
}
