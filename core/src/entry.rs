//! Entry points: a Rust program, or a Rust test, with a Python event loop under it.
//!
//! ```no_run
//! use crossawait_core::{Caller, pyo3::prelude::*};
//!
//! # struct Threads;
//! # impl crossawait_core::Executor for Threads {
//! #     fn spawn(&self, task: crossawait_core::Task) -> Result<(), crossawait_core::Task> {
//! #         std::thread::spawn(|| futures::executor::block_on(task));
//! #         Ok(())
//! #     }
//! # }
//! async fn application(caller: Caller) -> PyResult<i64> {
//!     caller.call(|py| py.import("asyncio")?.call_method1("sleep", (0.1, 42)), |slept| slept?.extract()).await
//! }
//!
//! fn main() -> PyResult<()> {
//!     println!("{}", crossawait_core::run(Threads, application)??);
//!     Ok(())
//! }
//! ```
//!
//! | | |
//! |---|---|
//! | [`run`] | for `fn main`: starts a runtime, runs, stops the runtime |
//! | [`Runtime::run`] | on a runtime that goes on living: tests that share one |
//! | [`Runtime::run_with`] | on another loop: [`uvloop`], [`trio`], or whatever a closure starts |
//!
//! They start the interpreter if the process has none. Each call makes a loop of its own and closes it, so they may be called
//! one after the other and in several threads at once.

mod interrupt;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Once};
use std::task::{Context, Poll, ready};
use std::thread;

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyCFunction;

use crate::caller::Caller;
use crate::coroutine::Coroutine;
use crate::current;
use crate::executor::Executor;
use crate::fresh_thread::SIGNAL_CHECK;
use crate::lifecycle::EXIT_TIMEOUT;
use crate::once::once;
use crate::python_source::{self, python_source};
use crate::runtime::Runtime;

/// Runs `main` on `executor` with an event loop of asyncio's in this thread: what `fn main` consists of.
///
/// As [`Runtime::run`], on a runtime of its own, which is shut down before this returns: what is still running on it is
/// dropped, and its threads are waited for, a second at most.
///
/// # Errors
/// As there.
///
/// # Panics
/// As there.
pub fn run<E, M, F>(executor: E, main: M) -> PyResult<F::Output>
where
    E: Executor,
    M: FnOnce(Caller) -> F + Send + 'static,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let runtime = Runtime::new(executor);
    let ran = runtime.run_caught(asyncio, main);
    let stopped = attach(|py| runtime.shutdown(py, EXIT_TIMEOUT));
    let output = ran.unwrap_or_else(|panic| resume_unwind(panic))?;
    stopped.map(|()| output)
}

impl Runtime {
    /// Runs `main` on this runtime, with an event loop of asyncio's in this thread, and returns what it gives.
    ///
    /// `main` is called and polled on the runtime. The [`Caller`] lets it call Python, which the loop does in this thread. The
    /// interpreter is started if the process has none. At the end the loop is closed, as `asyncio.run` does: Python tasks that
    /// are left are cancelled. The runtime stays open.
    ///
    /// Ctrl-C is what it is in Python, if this is the program's main thread and nobody handles `SIGINT` yet: `main` is dropped
    /// on the runtime, and when that is done this returns `KeyboardInterrupt`. A second one ends that waiting, too. A `main`
    /// that listens for Ctrl-C itself, say with `tokio::signal`, goes with [`uninterrupted`].
    ///
    /// Not for a thread that polls tasks: it blocks. In an extension, for the Python functions that are not `async`, there is
    /// [`block_on`](Self::block_on).
    ///
    /// # Errors
    /// `KeyboardInterrupt`; `RuntimeClosedError` if the runtime is shut down, or will be before `main` has ended;
    /// `RuntimeError` if a loop runs in this thread already, or if this is one of the runtime's own tasks or calls. What
    /// `main` itself returns is the value, whatever it is.
    ///
    /// # Panics
    /// If `main` does: its panic goes on here. And once the interpreter has been finalized.
    pub fn run<M, F>(&self, main: M) -> PyResult<F::Output>
    where
        M: FnOnce(Caller) -> F + Send + 'static,
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.run_with(asyncio, main)
    }

    /// As [`run`](Self::run), on the loop that `runner` starts.
    ///
    /// `runner` gets an `async def` without parameters, which has to be run to its end in this thread. [`asyncio`],
    /// [`uvloop`] and [`trio`] are runners; so is any closure:
    ///
    /// ```no_run
    /// # use crossawait_core::{Runtime, pyo3::{prelude::*, types::PyDict}};
    /// # fn debug(runtime: &Runtime) -> PyResult<()> {
    /// let debugging = |main: &Bound<'_, PyAny>| {
    ///     let options = PyDict::new(main.py());
    ///     options.set_item("debug", true)?;
    ///     main.py().import("asyncio")?.call_method("run", (main.call0()?,), Some(&options)).map(drop)
    /// };
    /// runtime.run_with(debugging, |_caller| async {})
    /// # }
    /// ```
    ///
    /// # Errors
    /// As there, and what `runner` returns.
    ///
    /// # Panics
    /// As there.
    pub fn run_with<R, M, F>(&self, runner: R, main: M) -> PyResult<F::Output>
    where
        R: for<'py> FnOnce(&Bound<'py, PyAny>) -> PyResult<()>,
        M: FnOnce(Caller) -> F + Send + 'static,
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.run_caught(runner, main).unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// As `run_with`; a panic of `main` is given back.
    fn run_caught<R, M, F>(&self, runner: R, main: M) -> thread::Result<PyResult<F::Output>>
    where
        R: for<'py> FnOnce(&Bound<'py, PyAny>) -> PyResult<()>,
        M: FnOnce(Caller) -> F + Send + 'static,
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if current::works_on(self.record()) {
            return Ok(Err(PyRuntimeError::new_err("run was called from one of the runtime's own tasks or calls")));
        }
        let shared =
            Arc::new(Shared { main: Mutex::new(Some(main)), output: Mutex::new(None), ended: Mutex::new(None) });
        let ran = attach(|py| {
            let _interruptible = interrupt::interruptible(py)?;
            let ran = runner(&entry(py, self, shared.clone())?);
            shared.wait_until_dropped(py)?;
            ran
        });
        let output = shared.output.lock().take();
        match (output, ran) {
            (Some(Err(panic)), _) => Err(panic),
            (_, Err(error)) => Ok(Err(error)),
            (Some(Ok(output)), Ok(())) => Ok(Ok(output)),
            (None, Ok(())) => Ok(Err(PyRuntimeError::new_err("the runner returned without having run its argument"))),
        }
    }
}

/// Runs `main` with `asyncio.run`. For [`Runtime::run_with`].
///
/// # Errors
/// What that raises.
pub fn asyncio(main: &Bound<'_, PyAny>) -> PyResult<()> {
    run_coroutine("asyncio", main)
}

/// Runs `main` with `uvloop.run`, which uvloop has from 0.18 on. For [`Runtime::run_with`].
///
/// # Errors
/// What that raises; `ModuleNotFoundError` if uvloop is not installed.
pub fn uvloop(main: &Bound<'_, PyAny>) -> PyResult<()> {
    run_coroutine("uvloop", main)
}

/// Runs `main` with `trio.run`. For [`Runtime::run_with`].
///
/// # Errors
/// What that raises; `ModuleNotFoundError` if trio is not installed.
pub fn trio(main: &Bound<'_, PyAny>) -> PyResult<()> {
    main.py().import("trio")?.call_method1("run", (main,)).map(drop)
}

/// As `runner`, with Ctrl-C left to the program: `SIGINT` raises no `KeyboardInterrupt` meanwhile. For
/// [`Runtime::run_with`].
///
/// A program that installs a handler of its own while `main` runs would not be rid of Python's by that: the crates that do it
/// call the handler that was there as well.
pub fn uninterrupted<R>(runner: R) -> impl for<'py> FnOnce(&Bound<'py, PyAny>) -> PyResult<()>
where
    R: for<'py> FnOnce(&Bound<'py, PyAny>) -> PyResult<()>,
{
    move |main: &Bound<'_, PyAny>| {
        let _uninterrupted = interrupt::uninterrupted(main.py())?;
        runner(main)
    }
}

fn run_coroutine(module: &str, main: &Bound<'_, PyAny>) -> PyResult<()> {
    let run = main.py().import(module)?.getattr("run")?;
    let coroutine = main.call0()?;
    let ran = run.call1((&coroutine,));
    // One that was refused would warn that it was never awaited; to another this does nothing.
    coroutine.call_method0("close")?;
    ran.map(drop)
}

/// Starts the interpreter, if the process has none, with this thread for its main thread. [`run`] does it by itself; call it
/// in front of anything that attaches before.
///
/// As [`Python::initialize`], which leaves two things to whoever comes first. Up to 3.12 it is where `threading` is imported
/// that decides which thread Python itself takes for the main one; with two ideas of it uvloop fails. And where `signal` is
/// imported, Python takes `SIGINT`, which only its main thread ever looks at: Ctrl-C would do nothing in a test suite.
pub fn initialize() {
    static STARTED: Once = Once::new();
    // SAFETY: may be called at any time.
    if unsafe { ffi::Py_IsInitialized() } != 0 {
        // SAFETY: likewise; it means something now that there is an interpreter.
        if unsafe { ffi::PyGILState_Check() } == 1 {
            // Whoever is starting it may be waiting for this thread to detach.
            return;
        }
    }
    STARTED.call_once(|| {
        Python::initialize();
        // Without these modules there will be no loop, and an error that says why.
        attach_to_running(|py| drop((py.import("threading"), interrupt::leave_to_program(py))));
    });
}

fn attach<R>(body: impl for<'py> FnOnce(Python<'py>) -> R) -> R {
    initialize();
    attach_to_running(body)
}

#[expect(clippy::disallowed_methods, reason = "the thread is the program's own, and becomes that of an event loop")]
fn attach_to_running<R>(body: impl for<'py> FnOnce(Python<'py>) -> R) -> R {
    Python::attach(body)
}

/// The `async def` that runs `main`.
fn entry<'py, M, F>(
    py: Python<'py>,
    runtime: &Runtime,
    shared: Arc<Shared<M, F::Output>>,
) -> PyResult<Bound<'py, PyAny>>
where
    M: FnOnce(Caller) -> F + Send + 'static,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let function = once(py, &FUNCTION, || {
        python_source::module(py, python_source!("entry.py"), c"crossawait/entry.py", "crossawait_core_entry")?
            .getattr("entry")
            .map(Bound::unbind)
    })?;
    let runtime = runtime.clone();
    let start = PyCFunction::new_closure(py, None, None, move |arguments, _| {
        Shared::start(&shared, arguments.py(), &runtime).map(Bound::unbind)
    })?;
    function.bind(py).call1((start,))
}

/// What this thread and `main` share.
struct Shared<M, T> {
    /// Until it is called.
    main: Mutex<Option<M>>,
    /// What it gave, or its panic.
    output: Mutex<Option<thread::Result<T>>>,
    /// Disconnected once the future is dropped. `None` before it is made: then nobody need wait for that.
    ended: Mutex<Option<Receiver<()>>>,
}

impl<M: Send + 'static, T: Send + 'static> Shared<M, T> {
    /// On the loop's thread, inside its first task.
    fn start<'py, F>(shared: &Arc<Self>, py: Python<'py>, runtime: &Runtime) -> PyResult<Bound<'py, Coroutine>>
    where
        M: FnOnce(Caller) -> F,
        F: Future<Output = T> + Send + 'static,
    {
        let caller = Caller::current(py)?;
        let main = shared.main.lock().take();
        let main = main.ok_or_else(|| PyRuntimeError::new_err("a runner has to run its argument once"))?;
        let (alive, ended) = channel();
        *shared.ended.lock() = Some(ended);
        let future = Main { stage: Stage::Unstarted(main, caller), shared: shared.clone(), _alive: alive };
        runtime.builder().spawn().name("main").coroutine_into_py(py, future)
    }

    /// Waits until the runtime has let go of the future: one that was cancelled is dropped there, in its own time.
    fn wait_until_dropped(&self, py: Python<'_>) -> PyResult<()> {
        // A receiver may not be shared; the lock lets it be lent to the detached closure.
        let is_pending = || {
            let ended = self.ended.lock();
            ended.as_ref().is_some_and(|ended| ended.recv_timeout(SIGNAL_CHECK) == Err(RecvTimeoutError::Timeout))
        };
        while py.detach(is_pending) {
            py.check_signals()?;
        }
        Ok(())
    }
}

/// `main`, and where its output goes.
struct Main<M, F: Future> {
    stage: Stage<M, F>,
    shared: Arc<Shared<M, F::Output>>,
    /// The last to be dropped.
    _alive: Sender<()>,
}

enum Stage<M, F> {
    Unstarted(M, Caller),
    Running(Pin<Box<F>>),
    Ended,
}

// Nothing but the boxed future is ever pinned.
impl<M, F: Future> Unpin for Main<M, F> {}

impl<M, F> Future for Main<M, F>
where
    M: FnOnce(Caller) -> F,
    F: Future,
{
    type Output = PyResult<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<PyResult<()>> {
        // What a panic leaves half done is never polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| self.stage.poll(context)));
        let output = match polled {
            Ok(polled) => Ok(ready!(polled)),
            Err(panic) => Err(panic),
        };
        *self.shared.output.lock() = Some(output);
        Poll::Ready(Ok(()))
    }
}

impl<M, F> Stage<M, F>
where
    M: FnOnce(Caller) -> F,
    F: Future,
{
    /// Ready with the future dropped.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        if let Stage::Unstarted(..) = self {
            if let Stage::Unstarted(main, caller) = std::mem::replace(self, Stage::Ended) {
                *self = Stage::Running(Box::pin(main(caller)));
            }
        }
        let Stage::Running(future) = self else {
            return Poll::Pending;
        };
        let output = ready!(future.as_mut().poll(context));
        *self = Stage::Ended;
        Poll::Ready(output)
    }
}
