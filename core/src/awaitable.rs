//! `Awaitable`: a task cell as a complete `asyncio.Future`.
//!
//! The pyclass is frozen: its few fields change behind one leaf lock that is never held while Python code runs, so it is
//! safe without a GIL. Whatever is Python's (callbacks, contexts, the converted outcome) lives here; the cell below
//! holds only what is Rust's.
//!
//! | file | what |
//! |---|---|
//! | `awaitable.rs` | the object and its Python methods |
//! | `awaitable/binding.rs` | being made, bound to a loop, started |
//! | `awaitable/inner.rs` | what changes, behind the lock |
//! | `awaitable/waiters.rs` | who waits, and how they come and go |
//! | `awaitable/slots.rs` | the short way for what has its value |
//! | `awaitable/dictionary.rs` | no `__dict__` before there is an attribute |
//! | `awaitable/trio_waiter.rs` | a task of trio's that waits |
//! | `awaitable/outcome.rs` | the outcome: converting, storing, raising |
//! | `awaitable/describe.rs` | what `repr` and debuggers see |
//! | `awaitable/wait.rs` | waiting without a loop |
//! | `awaitable/end.rs` | garbage collection, and what dropping means |
//! | `awaitable/iterator.rs` | the separate iterator that `__iter__` gives |

mod binding;
mod describe;
mod dictionary;
mod end;
mod inner;
mod iterator;
mod outcome;
mod slots;
mod trio_waiter;
mod wait;
mod waiters;

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::once::intern;
use crate::task::{CellRef, ManualCell};
use crate::{asyncio, finalize, trio};
use inner::Inner;
use outcome::Outcome;
pub(crate) use outcome::stop_iteration;
pub(crate) use waiters::Waiter;

/// What an awaitable was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A Rust future, for Python to hold and await.
    Future,
    /// A Rust future that the event loop itself polls.
    Local,
    /// What a `Coroutine` yields while its Rust future is pending. The coroutine takes the outcome, not the waiter.
    Suspension,
    /// Made in Python and settled there.
    Manual,
}

/// Has the classes made of this module and below; see [`once`](crate::once).
pub(crate) fn make_classes(py: Python<'_>) {
    py.get_type::<Awaitable>();
    py.get_type::<iterator::AwaitableIterator>();
    trio_waiter::make_class(py);
}

/// A future that asyncio takes for one of its own.
///
/// Backed by a Rust future that has been started, or made in Python by `Awaitable(loop=None)` and settled with
/// `set_result` or `set_exception` from any thread. Everything `asyncio.Future` has is here and means the same;
/// `wait` and `detach` are added.
///
/// Dropping the last reference to one that nobody ever awaited cancels its Rust future, unless it is detached.
#[pyclass(frozen, weakref, dict, subclass, generic, module = "crossawait")]
pub struct Awaitable {
    cell: CellRef,
    role: Role,
    /// Set on every pending `__next__`; a task that finds it set waits, one that does not complains of a bare yield.
    blocking: AtomicBool,
    name: &'static str,
    inner: Mutex<Inner>,
}

impl Awaitable {
    pub(crate) fn is_settled(&self) -> bool {
        self.cell.header().is_settled()
    }

    /// Fails in a forked child, where the outcome will never come, and before `__init__`.
    fn check_usable(&self, py: Python<'_>) -> PyResult<()> {
        self.check_process(py)?;
        if self.role == Role::Manual && self.inner.lock().home.is_none() {
            return Err(PyRuntimeError::new_err("Future object is not initialized."));
        }
        Ok(())
    }

    /// Fails in a forked child.
    fn check_process(&self, py: Python<'_>) -> PyResult<()> {
        if self.cell.header().is_inherited() {
            return Err(crate::error::runtime_closed(
                py,
                "this awaitable belongs to the process that this one was forked from; make a new one here",
            ));
        }
        Ok(())
    }

    /// One step of an `await`: `None` and the blocking mark while pending.
    pub(crate) fn poll(&self, py: Python<'_>) -> PyResult<Option<PyResult<Py<PyAny>>>> {
        if let Some(outcome) = self.take_up(py)? {
            return Ok(Some(outcome));
        }
        self.start(py);
        self.close_if_stopped();
        self.bind_home(py)?;
        if self.belongs_to_trio() {
            // Said here, where the error goes into whoever awaits: asked for its loop, asyncio's task would never end.
            return Err(waiters::different_loop());
        }
        self.mark_blocking()?;
        Ok(None)
    }

    /// Sets the mark that tells a task to wait. Still set means that whoever was given this went on without waiting.
    pub(crate) fn mark_blocking(&self) -> PyResult<()> {
        if self.blocking.swap(true, Ordering::Relaxed) {
            return Err(PyRuntimeError::new_err("await wasn't used with future"));
        }
        Ok(())
    }
}

#[pymethods]
impl Awaitable {
    /// Takes whatever arguments, see `slots`: as for `asyncio.Future`, `__init__` is what looks at them.
    #[new]
    #[pyo3(signature = (), text_signature = "(*, loop=None)")]
    fn new() -> Self {
        Self::with(ManualCell::shared(), Role::Manual, "", Inner::default())
    }

    #[pyo3(signature = (*, r#loop = None))]
    fn __init__(&self, py: Python<'_>, r#loop: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        self.initialise(py, r#loop)
    }

    fn __await__<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        if !slf.get().is_settled() && trio::is_running(slf.py())? {
            return Self::wait_in_trio(&slf)?.call_method0(intern!(slf.py(), "__await__"));
        }
        Ok(slf.into_any())
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        match slf.get().poll(py)? {
            None => Ok(Some(slf.clone().into_any().unbind())),
            Some(outcome) => stop_iteration(py, outcome?),
        }
    }

    fn __iter__(slf: Py<Self>) -> iterator::AwaitableIterator {
        iterator::AwaitableIterator::new(slf)
    }

    /// True while a task that got this from `__next__` has not yet acknowledged it. Part of asyncio's protocol.
    #[getter(_asyncio_future_blocking)]
    fn blocking(&self) -> bool {
        self.blocking.load(Ordering::Relaxed)
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&self, value: bool) {
        self.blocking.store(value, Ordering::Relaxed);
    }

    #[getter]
    fn _loop<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.home_loop(py)
    }

    /// Return the event loop this belongs to. RuntimeError if there is none yet and none is running.
    fn get_loop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.check_usable(py)?;
        self.require_loop(py)
    }

    /// Call `fn(self)` in `context` once settled; at the loop's next iteration if it has.
    #[pyo3(signature = (r#fn, /, *, context = None))]
    fn add_done_callback(slf: &Bound<'_, Self>, r#fn: Py<PyAny>, context: Option<Py<PyAny>>) -> PyResult<()> {
        slf.get().check_usable(slf.py())?;
        Self::add_waiter(slf, r#fn, context)
    }

    /// Remove all instances of a callback; return how many there were.
    #[pyo3(signature = (r#fn, /))]
    fn remove_done_callback(slf: &Bound<'_, Self>, r#fn: &Bound<'_, PyAny>) -> PyResult<usize> {
        slf.get().check_usable(slf.py())?;
        Self::remove_waiter(slf, r#fn)
    }

    /// Return True if settled: with a result, an exception, or by cancellation.
    fn done(&self) -> bool {
        self.is_done()
    }

    /// Return True if it was cancelled.
    fn cancelled(&self) -> bool {
        self.is_cancelled()
    }

    /// Return the result, or raise the exception that it settled with.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.check_process(py)?;
        if self.role == Role::Suspension && self.is_settled() && !self.is_cancelled() {
            // A task only wants to know whether to throw. The coroutine takes the outcome when it is resumed; if it
            // is cancelled before that, nothing that the Rust future has read or received is lost.
            return Ok(py.None());
        }
        self.take_up(py)?.unwrap_or_else(|| Err(asyncio::invalid_state(py, "Result is not set.")))
    }

    /// Return the exception that it settled with, or None.
    fn exception(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.check_process(py)?;
        self.raised(py)
    }

    /// Mark as done with a result. InvalidStateError if done already; RuntimeError if a Rust future settles it.
    #[pyo3(signature = (result, /))]
    fn set_result(slf: &Bound<'_, Self>, result: Py<PyAny>) -> PyResult<()> {
        Self::settle_from_python(slf, Outcome::Value(result))
    }

    /// Mark as done with an exception, given as an instance or as a class.
    #[pyo3(signature = (exception, /))]
    fn set_exception(slf: &Bound<'_, Self>, exception: Bound<'_, PyAny>) -> PyResult<()> {
        slf.get().check_settable(slf.py())?;
        Self::settle_from_python(slf, Outcome::from_exception(exception)?)
    }

    /// Cancel: settle now, and have the Rust future dropped by its runtime. False if it had settled before.
    #[pyo3(signature = (msg = None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> PyResult<bool> {
        slf.get().check_usable(slf.py())?;
        Self::cancel_with(slf, msg)
    }

    #[getter(_cancel_message)]
    fn cancel_message(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.inner.lock().cancel_message(py)
    }

    #[setter(_cancel_message)]
    fn set_cancel_message(&self, message: Option<Py<PyAny>>) {
        let previous = self.inner.lock().replace_cancel_message(message);
        drop(previous);
    }

    fn _make_cancelled_error<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBaseException>> {
        self.make_cancelled_error(py)
    }

    #[getter]
    fn _state(&self) -> &'static str {
        if !self.is_done() {
            "PENDING"
        } else if self.is_cancelled() {
            "CANCELLED"
        } else {
            "FINISHED"
        }
    }

    /// Whether an exception in the outcome would be reported when this is dropped. May be set to False only.
    #[getter(_log_traceback)]
    fn log_traceback(&self) -> bool {
        self.may_be_unretrieved()
    }

    #[setter(_log_traceback)]
    fn set_log_traceback(&self, value: bool) -> PyResult<()> {
        if value {
            return Err(PyValueError::new_err("_log_traceback can only be set to False"));
        }
        if self.is_settled() {
            self.inner.lock().retrieved = true;
        }
        Ok(())
    }

    /// For classes that inherit: Python calls it for their instances, and they may call it themselves.
    fn __del__(slf: &Bound<'_, Self>) {
        finalize::finalize(slf);
    }

    /// Block this thread until settled, without an event loop; return the result or raise.
    ///
    /// `timeout` in seconds, None for ever; TimeoutError when it has passed, and the Rust future goes on. Other threads
    /// run meanwhile, and signal handlers do: Ctrl-C raises KeyboardInterrupt.
    #[pyo3(signature = (timeout = None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        self.block(py, timeout)
    }

    /// Let the Rust future run to its end even if nobody keeps or awaits this. Returns self.
    fn detach(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        let this = slf.get();
        this.check_process(slf.py())?;
        let unstarted = {
            let mut inner = this.inner.lock();
            inner.detached = true;
            inner.take_unstarted()
        };
        if let Some(unstarted) = unstarted {
            this.keep(unstarted.start(slf.py()).runtime);
        }
        Ok(slf)
    }

    /// `asyncio.Future`: anyio keeps the result of a settled but not yet stepped waiter only if it is one.
    #[getter]
    fn __class__(slf: &Bound<'_, Self>) -> PyResult<Py<PyType>> {
        asyncio::future(slf.py()).map(|class| class.clone().unbind())
    }

    /// The callbacks with their contexts, or None. For `repr`.
    #[getter]
    fn _callbacks(&self, py: Python<'_>) -> Option<Vec<(Py<PyAny>, Py<PyAny>)>> {
        self.list_waiters(py)
    }

    /// The result if there is one already. For `repr`: a look does not convert.
    #[getter]
    fn _result(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.seen_result(py)
    }

    /// The exception if there is one already. For `repr`, likewise.
    #[getter]
    fn _exception(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.seen_exception(py)
    }

    /// None: asyncio keeps who awaits a future (since 3.14) for its own classes only.
    ///
    /// Evaluated when the class is made, which is the moment to complete it.
    #[classattr]
    fn _asyncio_awaited_by(py: Python<'_>) -> Option<Py<PyAny>> {
        finalize::install::<Self>(py);
        slots::install(py);
        None
    }

    #[getter]
    fn _source_traceback(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.inner.lock().rare.as_ref()?.source_traceback.as_ref().map(|stack| stack.clone_ref(py))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Self::describe(slf)
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        self.traverse(visit)
    }

    fn __clear__(&self) {
        self.clear();
    }
}

impl std::fmt::Debug for Awaitable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Awaitable")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("phase", &self.cell.header().phase())
            .finish_non_exhaustive()
    }
}
