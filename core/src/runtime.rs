//! `Runtime`: an executor with a life: it is open, it closes, it ends with the process or before.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use std::{fmt, future::Future};

use parking_lot::{Condvar, Mutex};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::awaitable::Awaitable;
use crate::builder::Builder;
use crate::coroutine::Coroutine;
use crate::current;
use crate::event_loop::queue::Queue;
use crate::executor::{Executor, Job};
use crate::fresh_thread::{FreshThread, SIGNAL_CHECK};
use crate::lifecycle::{self, OwnProcess};
use crate::metrics::{Metrics, Record};
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
        panic::install_hook();
        Self(Arc::new(Inner {
            executor: OwnProcess::new(executor),
            record: Arc::default(),
            closed: AtomicBool::new(false),
            registered: AtomicBool::new(false),
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
        Builder::new(self)
    }

    /// Stops admission, has the executor drop what has not finished (whoever awaits it gets a `RuntimeClosedError`),
    /// and waits up to `timeout` for its threads, detached from Python. Does nothing the second time.
    ///
    /// # Errors
    /// `RuntimeError` when called from inside one of the runtime's own tasks or blocking calls: it would wait for
    /// itself.
    pub fn shutdown(&self, py: Python<'_>, timeout: Duration) -> PyResult<()> {
        let runtime = self.successor();
        if current::works_on(runtime.record()) {
            return Err(PyRuntimeError::new_err("a runtime cannot be shut down from one of its own tasks or calls"));
        }
        runtime.0.close();
        if runtime.is_inherited() {
            // Its executor is the parent's.
            return Ok(());
        }
        let inner = runtime.0.clone();
        FreshThread::work(py, move || inner.stop_executor(timeout))
    }

    /// Whether the runtime takes no more work.
    pub fn is_closed(&self) -> bool {
        self.successor().0.closed.load(Ordering::Acquire)
    }

    /// Whether this process is a child of the one that made the runtime. What was made on the runtime before the fork is
    /// the parent's; the runtime itself may have a successor here, see [`live`](Self::live).
    pub fn is_inherited(&self) -> bool {
        self.0.is_inherited()
    }

    /// Refuses to use in a forked child `what` the parent has made on the runtime.
    ///
    /// # Errors
    /// `RuntimeClosedError` there.
    pub fn check_process(&self, py: Python<'_>, what: &str) -> PyResult<()> {
        if self.is_inherited() {
            let message =
                format!("this {what} belongs to the process that this one was forked from; make a new one here");
            return Err(crate::error::runtime_closed(py, &message));
        }
        Ok(())
    }

    /// What it has done so far.
    pub fn metrics(&self) -> Metrics {
        self.0.record.snapshot(self.0.executor.worker_threads())
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
        self.0.record.blocking_call();
        self.0.executor.spawn_blocking(job)
    }

    /// As [`shutdown`](Self::shutdown), from a thread of its own: for callers that must not block.
    ///
    /// # Errors
    /// As there, and if no thread can be had the coroutine raises `RuntimeClosedError` without having waited.
    pub fn shutdown_into_py<'py>(&self, py: Python<'py>, timeout: Duration) -> PyResult<Bound<'py, Coroutine>> {
        let runtime = self.successor();
        let inherited = runtime.is_inherited();
        let inner = runtime.0.clone();
        Runtime::new(FreshThread).builder().spawn().name("aclose").coroutine_into_py(py, async move {
            inner.close();
            if !inherited {
                inner.stop_executor(timeout);
            }
            Ok::<_, PyErr>(())
        })
    }

    /// This runtime, or in a forked child the one that has taken its place: started now if need be, unless this one had
    /// been closed.
    ///
    /// # Errors
    /// `RuntimeClosedError` in a forked child, if the executor cannot start afresh there.
    pub fn live(&self, py: Python<'_>) -> PyResult<&Runtime> {
        loop {
            let runtime = self.successor();
            if !runtime.is_inherited() || runtime.is_closed() {
                return Ok(runtime);
            }
            let executor = runtime.0.executor.after_fork();
            let executor = executor.map_err(|message| crate::error::runtime_closed(py, message))?;
            runtime.0.successor.get_or_init(|| Runtime::from_arc(executor));
        }
    }

    /// The last runtime in the line of those that have taken this one's place after forks; itself if there are none.
    fn successor(&self) -> &Runtime {
        let mut runtime = self;
        while let Some(successor) = runtime.0.successor.get() {
            runtime = successor;
        }
        runtime
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

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.0.record
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// Hands a task to the executor. One that it does not take is dropped, which settles it.
    pub(crate) fn spawn(&self, task: Task) {
        if !self.is_closed() {
            task.mark_spawned();
        }
        self.take_over(task);
    }

    /// As [`spawn`](Self::spawn), for a task that an event loop has polled so far.
    pub(crate) fn take_over(&self, task: Task) {
        if self.is_closed() {
            // Dropping settles it.
            drop(task);
            return;
        }
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

/// What the handles of a runtime share.
pub(crate) struct Inner {
    /// A child forgets it: its threads and locks are the parent's.
    executor: OwnProcess<Arc<dyn Executor>>,
    record: Arc<Record>,
    closed: AtomicBool,
    /// Listed for interpreter exit.
    registered: AtomicBool,
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
        self.executor.is_inherited()
    }

    /// Stops admission.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Stops the executor. What it leaves pending, because a thread of its is stuck or because it does not know how to
    /// stop, is closed for those who wait.
    pub(crate) fn stop_executor(&self, timeout: Duration) {
        // Whatever it does, those who wait are told, and other runtimes stopped.
        panic::ignore_panic(|| self.executor.shutdown(timeout));
        self.record.stop();
        Queue::announce_stop();
    }

    /// Notes that a blocking call is about to run Python code. False if the runtime is closed: then it must not, since
    /// the interpreter may be on its way out.
    pub(crate) fn begin_call(&self) -> bool {
        let mut running = self.calls.0.lock();
        // Under the lock: `wait_for_blocking_calls`, which comes after `close`, either sees the call or is seen here.
        let admitted = !self.closed.load(Ordering::Acquire);
        *running += usize::from(admitted);
        admitted
    }

    pub(crate) fn end_call(&self) {
        *self.calls.0.lock() -= 1;
        self.calls.1.notify_all();
    }

    /// Waits for running blocking calls, as `ThreadPoolExecutor` does at exit.
    ///
    /// # Errors
    /// Whatever a signal handler raises meanwhile.
    pub(crate) fn wait_for_blocking_calls(&self, py: Python<'_>) -> PyResult<()> {
        let (running, ended) = &self.calls;
        while py.detach(|| {
            let mut running = running.lock();
            if *running > 0 {
                ended.wait_for(&mut running, SIGNAL_CHECK);
            }
            *running > 0
        }) {
            py.check_signals()?;
        }
        Ok(())
    }
}
