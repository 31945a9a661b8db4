//! `Coroutine`: a task cell as a complete `collections.abc.Coroutine`, what calling an `async def` gives.
//!
//! Lazy: the first `send` starts the Rust future. If it is ready at its first poll the coroutine returns without any
//! future, loop or thread; if not, it yields one `Awaitable` and is resumed when that has settled.

use std::future::Future;
use std::mem;

use parking_lot::Mutex;
use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyRuntimeWarning, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyTraceback, PyType};

use crate::awaitable::{Awaitable, Role, stop_iteration};
use crate::builder::Unstarted;
use crate::error::InFlight;
use crate::runtime::Runtime;
use crate::task::{CellRef, Task, take_outcome};

/// A coroutine whose body is a Rust future.
///
/// Never awaited, it warns as Python's own do; awaited twice, it raises as they do. Closing it, throwing into it or
/// cancelling the task that runs it drops the Rust future on its runtime.
#[pyclass(frozen, weakref, generic, module = "crossawait")]
pub struct Coroutine {
    cell: CellRef,
    qualified_name: &'static str,
    state: Mutex<State>,
}

enum State {
    Created(Unstarted),
    /// A thread is inside `send`, `throw` or `close`.
    Running,
    Suspended(Py<Awaitable>),
    Closed,
}

impl Coroutine {
    pub(crate) fn over(cell: CellRef, name: &'static str, unstarted: Unstarted) -> Self {
        let qualified_name = if name.is_empty() { "coroutine" } else { name };
        Self { cell, qualified_name, state: Mutex::new(State::Created(unstarted)) }
    }

    /// Makes a coroutine of a future that is ready at its first poll and needs no runtime: work too small for a thread,
    /// which has to go on when the runtime is closed. A future that is not ready raises `RuntimeClosedError`.
    ///
    /// # Errors
    /// Only if Python is out of memory.
    pub fn inline<'py, F, T, E>(py: Python<'py>, name: &'static str, future: F) -> PyResult<Bound<'py, Coroutine>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let (task, cell) = Task::new(future, None);
        Bound::new(py, Self::over(cell, name, Unstarted::Inline(task)))
    }

    fn replace(&self, state: State) -> State {
        mem::replace(&mut *self.state.lock(), state)
    }

    /// Takes the state for one step; another thread or a frame below may be at it already.
    fn begin(&self) -> PyResult<State> {
        let mut state = self.state.lock();
        match &*state {
            State::Running => Err(PyValueError::new_err("coroutine already executing")),
            _ => Ok(mem::replace(&mut *state, State::Running)),
        }
    }

    fn check_process(&self, py: Python<'_>) -> PyResult<()> {
        if self.cell.header().is_inherited() {
            return Err(crate::error::runtime_closed(
                py,
                "this coroutine belongs to the process that this one was forked from; make a new one here",
            ));
        }
        Ok(())
    }

    fn resume(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.check_process(py)?;
        match self.begin()? {
            State::Created(unstarted) => {
                let runtime = unstarted.start();
                if self.cell.header().is_settled() { self.finish(py) } else { self.suspend(py, runtime) }
            }
            State::Suspended(awaitable) if awaitable.get().is_settled() => {
                self.replace(State::Closed);
                match awaitable.get().take_up(py)? {
                    Some(outcome) => stop_iteration(py, outcome?),
                    None => Err(PyRuntimeError::new_err("coroutine resumed while its outcome is being converted")),
                }
            }
            State::Suspended(awaitable) => self.wait_on(py, awaitable),
            State::Closed => {
                self.replace(State::Closed);
                Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine"))
            }
            State::Running => unreachable!("`begin` has refused it"),
        }
    }

    /// Ready at the first poll: the outcome goes straight from the cell to the caller.
    fn finish(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.replace(State::Closed);
        match take_outcome(&self.cell, py) {
            Some(outcome) => stop_iteration(py, outcome?),
            None => Err(crate::error::runtime_closed(py, "the runtime was shut down before the task had finished")),
        }
    }

    fn suspend(&self, py: Python<'_>, runtime: Option<Runtime>) -> PyResult<Option<Py<PyAny>>> {
        let made = Awaitable::over(py, self.cell.clone(), Role::Suspension, self.qualified_name)
            .and_then(|awaitable| Py::new(py, awaitable));
        match made {
            Ok(awaitable) => {
                awaitable.get().keep(runtime);
                self.wait_on(py, awaitable)
            }
            Err(error) => {
                self.replace(State::Closed);
                self.cell.header().cancel();
                Err(error)
            }
        }
    }

    /// Yields the awaitable, for the first time or, to another task that drives the same coroutine, once more.
    fn wait_on(&self, py: Python<'_>, awaitable: Py<Awaitable>) -> PyResult<Option<Py<PyAny>>> {
        if let Err(error) = awaitable.get().mark_blocking() {
            self.replace(State::Closed);
            awaitable.get().cancel_for_owner();
            return Err(error);
        }
        self.replace(State::Suspended(awaitable.clone_ref(py)));
        Ok(Some(awaitable.into_any()))
    }

    /// Ends the coroutine before its time. Returns false if it had ended.
    ///
    /// In a forked child nothing is cancelled or dropped: it is the parent's.
    fn end(&self) -> PyResult<bool> {
        let state = self.begin()?;
        if self.cell.header().is_inherited() {
            mem::forget(self.replace(state));
            return Ok(false);
        }
        self.replace(State::Closed);
        match state {
            State::Closed => return Ok(false),
            State::Suspended(awaitable) => {
                awaitable.get().cancel_for_owner();
                // It may hold a lock or a connection that somebody else is waiting for.
                self.cell.discard();
            }
            // Dropped here, unlocked: destructors of user code run.
            State::Created(_) | State::Running => {}
        }
        Ok(true)
    }
}

#[pymethods]
impl Coroutine {
    fn __await__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        if matches!(*slf.get().state.lock(), State::Suspended(_)) {
            return Err(PyRuntimeError::new_err("coroutine is being awaited already"));
        }
        Ok(slf)
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.resume(py)
    }

    /// Start the coroutine, or resume it. `value` is for generators and has no use here; None at the start.
    #[pyo3(signature = (value, /))]
    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        if !value.is_none() && matches!(*self.state.lock(), State::Created(_)) {
            return Err(PyTypeError::new_err("can't send non-None value to a just-started coroutine"));
        }
        match self.resume(py)? {
            Some(yielded) => Ok(yielded),
            None => Err(pyo3::exceptions::PyStopIteration::new_err(())),
        }
    }

    /// Raise an exception in the coroutine: its Rust future is dropped, and the exception comes back.
    #[pyo3(signature = (typ, val = None, tb = None))]
    fn throw(
        &self,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        self.check_process(typ.py())?;
        let error = thrown(typ, val, tb)?;
        if self.end()? { Err(error) } else { Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine")) }
    }

    /// End the coroutine: its Rust future is dropped on its runtime.
    fn close(&self) -> PyResult<()> {
        self.end().map(drop)
    }

    #[getter]
    fn __name__(&self) -> &'static str {
        self.qualified_name.rsplit('.').next().unwrap_or(self.qualified_name)
    }

    #[getter]
    fn __qualname__(&self) -> &'static str {
        self.qualified_name
    }

    #[getter]
    fn cr_running(&self) -> bool {
        matches!(*self.state.lock(), State::Running)
    }

    #[getter]
    fn cr_suspended(&self) -> bool {
        matches!(*self.state.lock(), State::Suspended(_))
    }

    #[getter]
    fn cr_await(&self, py: Python<'_>) -> Option<Py<Awaitable>> {
        match &*self.state.lock() {
            State::Suspended(awaitable) => Some(awaitable.clone_ref(py)),
            _ => None,
        }
    }

    /// None: there is no Python frame.
    #[getter]
    #[expect(clippy::unused_self, reason = "a getter")]
    fn cr_frame(&self) -> Option<Py<PyAny>> {
        None
    }

    /// None: there is no Python code.
    #[getter]
    #[expect(clippy::unused_self, reason = "a getter")]
    fn cr_code(&self) -> Option<Py<PyAny>> {
        None
    }

    /// None: where a coroutine was made is not tracked.
    #[getter]
    #[expect(clippy::unused_self, reason = "a getter")]
    fn cr_origin(&self) -> Option<Py<PyAny>> {
        None
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!("<coroutine object {} at {:p}>", slf.get().qualified_name, slf.as_ptr())
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        // See `Awaitable`: what is not visited counts as reachable.
        match self.state.try_lock().as_deref() {
            Some(State::Suspended(awaitable)) => visit.call(awaitable),
            Some(State::Created(unstarted)) => unstarted.traverse(&visit),
            _ => Ok(()),
        }
    }

    fn __clear__(&self) {
        self.let_go(self.replace(State::Closed));
    }
}

impl std::fmt::Debug for Coroutine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coroutine").field("name", &self.qualified_name).finish_non_exhaustive()
    }
}

impl Coroutine {
    /// What happens to a coroutine that nobody will resume: the Rust future goes with it.
    fn let_go(&self, state: State) {
        if self.cell.header().is_inherited() {
            // The parent's: see `Awaitable`.
            mem::forget(state);
            return;
        }
        match state {
            State::Created(unstarted) => {
                drop(unstarted);
                // SAFETY: objects are collected and deallocated by attached threads only.
                let py = unsafe { Python::assume_attached() };
                warn_never_awaited(py, self.qualified_name);
            }
            State::Suspended(awaitable) => {
                awaitable.get().cancel_for_owner();
                self.cell.discard();
            }
            State::Running | State::Closed => {}
        }
    }
}

impl Drop for Coroutine {
    fn drop(&mut self) {
        let state = mem::replace(self.state.get_mut(), State::Closed);
        self.let_go(state);
        if self.cell.header().is_inherited() {
            mem::forget(self.cell.clone());
        }
    }
}

/// Warns as an un-awaited `async def` does.
fn warn_never_awaited(py: Python<'_>, name: &str) {
    let _in_flight = InFlight::set_aside(py);
    let message = std::ffi::CString::new(format!("coroutine '{name}' was never awaited")).unwrap_or_default();
    if let Err(error) = PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &message, 1) {
        error.write_unraisable(py, None);
    }
}

/// The exception that `throw(typ, val, tb)` means: an instance, or a class with a value, and perhaps a traceback.
pub(crate) fn thrown(
    typ: Bound<'_, PyAny>,
    val: Option<Bound<'_, PyAny>>,
    tb: Option<Bound<'_, PyAny>>,
) -> PyResult<PyErr> {
    let val = val.filter(|val| !val.is_none());
    let exception = if let Ok(class) = typ.cast::<PyType>() {
        match val {
            None => class.call0()?,
            Some(val) if val.is_instance(class)? => val,
            Some(val) => class.call1((val,))?,
        }
    } else if val.is_some() {
        return Err(PyTypeError::new_err("instance exception may not have a separate value"));
    } else {
        typ.clone()
    };
    let exception = exception
        .cast_into::<PyBaseException>()
        .map_err(|_| PyTypeError::new_err("exceptions must be classes or instances deriving from BaseException"))?;
    let py = exception.py();
    let error = PyErr::from_value(exception.into_any());
    if let Some(tb) = tb.filter(|tb| !tb.is_none()) {
        let traceback = tb
            .cast_into::<PyTraceback>()
            .map_err(|_| PyTypeError::new_err("throw() third argument must be a traceback object"))?;
        error.set_traceback(py, Some(traceback));
    }
    Ok(error)
}
