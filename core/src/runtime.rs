//! `Runtime`: an executor with a life: it is open, it closes, it ends with the process or before.

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use std::{fmt, future::Future};

use parking_lot::{Condvar, Mutex};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::awaitable::{Awaitable, Role};
use crate::coroutine::Coroutine;
use crate::executor::{Executor, Job};
use crate::lifecycle;
use crate::metrics::{Counters, Metrics};
use crate::panic;
use crate::task::Task;

/// An executor that Python can await on. A cheap handle: clones are the same runtime.
///
/// It is a value, not a global: a process may have several, of one kind or of many. When the last handle is dropped,
/// so is the executor; [`shutdown`](Self::shutdown) ends it earlier, interpreter exit at the latest.
///
/// In a forked child a runtime starts afresh the first time it is used there, if its executor can.
#[derive(Clone)]
pub struct Runtime(Arc<Inner>);

impl Runtime {
    /// Makes a runtime of an executor.
    pub fn new(executor: impl Executor) -> Self {
        Self::from_arc(Arc::new(executor))
    }

    /// As [`new`](Self::new), for an executor that is shared.
    pub fn from_arc(executor: Arc<dyn Executor>) -> Self {
        Self(Arc::new(Inner {
            executor: ManuallyDrop::new(executor),
            counters: Arc::default(),
            closed: AtomicBool::new(false),
            registered: AtomicBool::new(false),
            generation: lifecycle::generation(),
            calls: (Mutex::new(0), Condvar::new()),
            successor: OnceLock::new(),
        }))
    }

    /// Spawns `future` and returns the [`Awaitable`] that it settles.
    ///
    /// # Errors
    /// `RuntimeClosedError` if the runtime is shut down.
    pub fn future_into_py<'py, F, T, E>(&self, py: Python<'py>, future: F) -> PyResult<Bound<'py, Awaitable>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        self.builder().future_into_py(py, future)
    }

    /// Returns a [`Coroutine`] over `future`: nothing runs before the first `send`, which polls the future on the spot;
    /// one that is ready then never leaves the thread.
    ///
    /// # Errors
    /// `RuntimeClosedError` if the runtime is shut down.
    pub fn coroutine_into_py<'py, F, T, E>(&self, py: Python<'py>, future: F) -> PyResult<Bound<'py, Coroutine>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        self.builder().coroutine_into_py(py, future)
    }

    /// Chooses where a future is polled first and what it is called, before handing it to Python.
    pub fn builder(&self) -> Builder<'_> {
        Builder { runtime: self, placement: None, name: "" }
    }

    /// Stops admission, has the executor drop what has not finished (whoever awaits it gets a `RuntimeClosedError`),
    /// and waits up to `timeout` for its threads, detached from Python. Does nothing the second time.
    ///
    /// # Errors
    /// `RuntimeError` when called from inside one of the runtime's own tasks or blocking calls: it would wait for
    /// itself.
    pub fn shutdown(&self, py: Python<'_>, timeout: Duration) -> PyResult<()> {
        if panic::inside_user_code() {
            return Err(PyRuntimeError::new_err("a runtime cannot be shut down from one of its own tasks"));
        }
        if self.0.is_inherited() {
            return self.live(py)?.shutdown(py, timeout);
        }
        self.0.close();
        py.detach(|| self.0.stop_executor(timeout));
        Ok(())
    }

    /// Whether the runtime takes no more work.
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// What it has done so far.
    pub fn metrics(&self) -> Metrics {
        self.0.counters.snapshot(self.0.executor.worker_threads())
    }

    /// The executor as it was given. In a forked child, take that of [`live`](Self::live).
    pub fn executor(&self) -> &Arc<dyn Executor> {
        &self.0.executor
    }

    /// A handle that does not keep the runtime open, for futures that run on it.
    pub fn downgrade(&self) -> WeakRuntime {
        WeakRuntime(Arc::downgrade(&self.0))
    }

    /// Runs a job on the executor's blocking pool.
    ///
    /// # Errors
    /// Gives the job back if the runtime is closed or has no such pool.
    pub fn spawn_blocking(&self, job: Job) -> Result<(), Job> {
        if self.is_closed() {
            return Err(job);
        }
        self.0.counters.blocking_call();
        self.0.executor.spawn_blocking(job)
    }

    /// As [`shutdown`](Self::shutdown), from a thread of its own: for callers that must not block.
    ///
    /// # Errors
    /// As there, and if no thread can be had the coroutine raises `RuntimeClosedError` without having waited.
    pub fn shutdown_into_py<'py>(&self, py: Python<'py>, timeout: Duration) -> PyResult<Bound<'py, Coroutine>> {
        let inner = self.live(py)?.0.clone();
        Runtime::new(FreshThread).builder().spawn().name("aclose").coroutine_into_py(py, async move {
            inner.close();
            inner.stop_executor(timeout);
            Ok::<_, PyErr>(())
        })
    }

    /// This runtime, or in a forked child the one that has taken its place.
    ///
    /// # Errors
    /// `RuntimeClosedError` in a forked child, if the executor cannot start afresh there.
    pub fn live(&self, py: Python<'_>) -> PyResult<&Runtime> {
        let mut runtime = self;
        while runtime.0.is_inherited() {
            runtime = match runtime.0.successor.get() {
                Some(successor) => successor,
                None => {
                    let executor = runtime.0.executor.after_fork();
                    let executor = executor.map_err(|message| crate::error::runtime_closed(py, message))?;
                    runtime.0.successor.get_or_init(|| Runtime::from_arc(executor))
                }
            };
        }
        Ok(runtime)
    }

    /// The [`live`](Self::live) runtime, if it takes work; listed for interpreter exit.
    ///
    /// # Errors
    /// `RuntimeClosedError` if it has been shut down, and as `live`.
    pub fn admit(&self, py: Python<'_>) -> PyResult<&Runtime> {
        let runtime = self.live(py)?;
        if runtime.is_closed() {
            return Err(crate::error::runtime_closed(py, "the runtime has been shut down"));
        }
        if !runtime.0.registered.load(Ordering::Relaxed) {
            lifecycle::register(py, Arc::downgrade(&runtime.0))?;
            runtime.0.registered.store(true, Ordering::Relaxed);
        }
        Ok(runtime)
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.0.counters
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    fn spawn(&self, task: Task) {
        if self.is_closed() {
            // Dropping settles it.
            drop(task);
            return;
        }
        task.mark_spawned();
        drop(self.0.executor.spawn(task));
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("executor", &self.0.executor.name())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// A handle that does not keep a [`Runtime`] open.
#[derive(Clone, Debug)]
pub struct WeakRuntime(Weak<Inner>);

impl WeakRuntime {
    /// The runtime, unless its last handle has been dropped.
    pub fn upgrade(&self) -> Option<Runtime> {
        self.0.upgrade().map(Runtime)
    }
}

/// A thread for one task that blocks.
struct FreshThread;

impl Executor for FreshThread {
    fn spawn(&self, mut task: Task) -> Result<(), Task> {
        let run = move || {
            let _ = task.poll_inline();
        };
        // A refused thread drops the closure and with it the task, which settles it.
        drop(std::thread::Builder::new().name("crossawait-shutdown".into()).spawn(run));
        Ok(())
    }
}

/// What the handles of a runtime share.
pub(crate) struct Inner {
    /// Forgotten, not dropped, in a forked child: its threads and locks are the parent's.
    executor: ManuallyDrop<Arc<dyn Executor>>,
    counters: Arc<Counters>,
    closed: AtomicBool,
    /// Listed for interpreter exit.
    registered: AtomicBool,
    generation: u32,
    /// Blocking calls that are running Python code at the moment.
    calls: (Mutex<usize>, Condvar),
    successor: OnceLock<Runtime>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn is_inherited(&self) -> bool {
        self.generation != lifecycle::generation()
    }

    /// Stops admission.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn stop_executor(&self, timeout: Duration) {
        self.executor.shutdown(timeout);
    }

    pub(crate) fn call_started(&self) {
        *self.calls.0.lock() += 1;
    }

    pub(crate) fn call_ended(&self) {
        *self.calls.0.lock() -= 1;
        self.calls.1.notify_all();
    }

    /// Waits, detached, for running blocking calls, as `ThreadPoolExecutor` does at exit.
    pub(crate) fn wait_for_blocking_calls(&self) {
        let mut running = self.calls.0.lock();
        while *running > 0 {
            self.calls.1.wait(&mut running);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.is_inherited() {
            // SAFETY: dropped once, here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.executor) };
        }
    }
}

/// Where a future is polled first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placement {
    Spawn,
    PollFirst,
    Lazy,
}

/// Options for handing one future to Python; see [`Runtime::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Builder<'r> {
    runtime: &'r Runtime,
    placement: Option<Placement>,
    name: &'static str,
}

impl Builder<'_> {
    /// Polls on the runtime only. The default for awaitables; a coroutine spawns at its first `send`.
    pub fn spawn(mut self) -> Self {
        self.placement = Some(Placement::Spawn);
        self
    }

    /// Polls once on the calling thread, inside [`Executor::enter`], attached to Python: a future that is ready by then
    /// never leaves the thread; another is polled again on the runtime. The default for coroutines.
    ///
    /// Not for futures that take a lock whose holder may be waiting for the interpreter: that deadlocks.
    pub fn poll_first(mut self) -> Self {
        self.placement = Some(Placement::PollFirst);
        self
    }

    /// Starts an awaitable only when it is first awaited, given a callback, or waited for. (Coroutines always do.)
    pub fn lazy(mut self) -> Self {
        self.placement = Some(Placement::Lazy);
        self
    }

    /// The name that `repr`, tracebacks and warnings show. A dotted name is a qualified one.
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// See [`Runtime::future_into_py`].
    ///
    /// # Errors
    /// As there.
    pub fn future_into_py<'py, F, T, E>(self, py: Python<'py>, future: F) -> PyResult<Bound<'py, Awaitable>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let runtime = self.runtime.admit(py)?;
        let (task, cell) = Task::new(future, Some(runtime.counters().clone()));
        let poll_first = self.placement == Some(Placement::PollFirst);
        let unstarted = Unstarted::Task { runtime: runtime.clone(), task, poll_first };
        let unstarted = if self.placement == Some(Placement::Lazy) {
            Some(unstarted)
        } else {
            unstarted.start();
            None
        };
        Bound::new(py, Awaitable::over(py, cell, Role::Future, self.name, unstarted)?)
    }

    /// See [`Runtime::coroutine_into_py`].
    ///
    /// # Errors
    /// As there.
    pub fn coroutine_into_py<'py, F, T, E>(self, py: Python<'py>, future: F) -> PyResult<Bound<'py, Coroutine>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let runtime = self.runtime.admit(py)?;
        let (task, cell) = Task::new(future, Some(runtime.counters().clone()));
        let poll_first = self.placement != Some(Placement::Spawn);
        let unstarted = Unstarted::Task { runtime: runtime.clone(), task, poll_first };
        Bound::new(py, Coroutine::over(cell, self.name, unstarted))
    }
}

/// Work that has not been handed to the executor yet.
pub(crate) enum Unstarted {
    Task { runtime: Runtime, task: Task, poll_first: bool },
    Job { runtime: Runtime, job: Job },
}

impl Unstarted {
    /// Starts it. Work that the executor does not take is dropped, which settles its cell.
    pub(crate) fn start(self) {
        match self {
            Unstarted::Task { runtime, mut task, poll_first } => {
                if poll_first && !runtime.is_closed() {
                    let mut ready = false;
                    runtime.0.executor.enter(&mut || ready = task.poll_inline().is_ready());
                    if ready {
                        return;
                    }
                }
                runtime.spawn(task);
            }
            Unstarted::Job { runtime, job } => drop(runtime.spawn_blocking(job)),
        }
    }
}
