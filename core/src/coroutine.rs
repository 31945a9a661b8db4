//! `Coroutine`: a task cell as a complete `collections.abc.Coroutine`, what calling an `async def` gives.
//!
//! Lazy: the first `send` starts the Rust future. If it is ready at its first poll the coroutine returns without any
//! future, loop or thread; if not, it yields one `Awaitable` and is resumed when that has settled.
//!
//! | file | what |
//! |---|---|
//! | `coroutine.rs` | the object, its steps, its Python methods |
//! | `coroutine/state.rs` | how far it has come |
//! | `coroutine/slots.rs`, `coroutine/iterator.rs` | `await`, and the iterator for whoever drives it by hand |
//! | `coroutine/origin.rs` | where it was made, in debug mode |
//! | `coroutine/end.rs` | what happens to one that is let go |

mod end;
mod iterator;
mod origin;
mod slots;
mod state;

use std::future::Future;
use std::mem;

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::awaitable::{Awaitable, Role, stop_iteration};
use crate::builder::{Started, Unstarted};
use crate::error::{not_stop_iteration, raise};
use crate::event_loop::residents::Lodging;
use crate::finalize;
use crate::frame::{self, Progress};
use crate::once::intern;
use crate::task::{CellRef, Task, take_outcome};
use crate::thrown::thrown;
use crate::trio;
use iterator::CoroutineIterator;
use state::{State, Suspension};

/// Has the classes made of this module and below; see [`once`](crate::once).
pub(crate) fn make_classes(py: Python<'_>) {
    py.get_type::<Coroutine>();
    py.get_type::<CoroutineIterator>();
}

/// A coroutine whose body is a Rust future.
///
/// Never awaited, it warns as Python's own do; awaited twice, it raises as they do. Closing it, throwing into it or
/// cancelling the task that runs it drops the Rust future on its runtime.
#[pyclass(frozen, weakref, generic, module = "crossawait")]
pub struct Coroutine {
    cell: CellRef,
    qualified_name: &'static str,
    origin: Option<Py<PyTuple>>,
    state: Mutex<State>,
}

impl Coroutine {
    pub(crate) fn over<'py>(
        py: Python<'py>,
        cell: CellRef,
        name: &'static str,
        unstarted: Unstarted,
    ) -> PyResult<Bound<'py, Self>> {
        let qualified_name = if name.is_empty() { "coroutine" } else { name };
        let origin = origin::origin(py)?;
        Bound::new(py, Self { cell, qualified_name, origin, state: Mutex::new(State::Created(unstarted)) })
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
        Self::over(py, cell, name, Unstarted::Inline(task))
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

    fn resume(&self, py: Python<'_>, value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Py<PyAny>>> {
        /// Closes a coroutine in whose step something panics: nobody could step it, or close it, any more.
        struct Stepping<'a>(&'a Coroutine);

        impl Drop for Stepping<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.replace(State::Closed);
                }
            }
        }

        self.check_process(py)?;
        let state = self.begin()?;
        let _stepping = Stepping(self);
        match state {
            State::Created(unstarted) => {
                let started = unstarted.start(py);
                if self.cell.header().is_settled() { self.finish(py) } else { self.suspend(py, started) }
            }
            State::Suspended(Suspension { awaitable, trio: Some(wait), lodging }) => {
                self.pass_on(py, awaitable, wait, lodging, value)
            }
            State::Suspended(Suspension { awaitable, .. }) if awaitable.get().is_settled() => {
                let outcome = awaitable.get().take_up(py);
                self.replace(State::Closed);
                match outcome? {
                    Some(outcome) => stop_iteration(py, outcome?),
                    None => Err(PyRuntimeError::new_err("coroutine resumed while its outcome is being converted")),
                }
            }
            State::Suspended(Suspension { awaitable, lodging, .. }) => self.wait_on(py, awaitable, lodging),
            State::Closed => {
                self.replace(State::Closed);
                Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine"))
            }
            State::Running => unreachable!("`begin` has refused it"),
        }
    }

    /// Ready at the first poll: the outcome goes straight from the cell to the caller.
    fn finish(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let outcome = take_outcome(&self.cell, py);
        self.replace(State::Closed);
        match outcome {
            Some(Ok(value)) => stop_iteration(py, value),
            Some(Err(error)) => Err(raise(error.into_value(py).into_bound(py))),
            None => Err(crate::error::runtime_closed(py, "the runtime was shut down before the task had finished")),
        }
    }

    fn suspend(&self, py: Python<'_>, Started { runtime, lodging }: Started) -> PyResult<Option<Py<PyAny>>> {
        let made = Awaitable::over(py, self.cell.clone(), Role::Suspension, self.qualified_name);
        let begun = made.and_then(|awaitable| {
            awaitable.get().keep(runtime);
            let wait = if trio::is_running(py)? { Some(Awaitable::wait_in_trio(&awaitable)?.unbind()) } else { None };
            Ok((awaitable.unbind(), wait))
        });
        match begun {
            Ok((awaitable, None)) => self.wait_on(py, awaitable, lodging),
            Ok((awaitable, Some(wait))) => self.pass_on(py, awaitable, wait, lodging, None),
            Err(error) => {
                self.replace(State::Closed);
                self.cell.header().cancel_at_once();
                Err(error)
            }
        }
    }

    /// Under trio: passes what was sent on to the coroutine that waits, which yields to trio or ends with the outcome.
    fn pass_on(
        &self,
        py: Python<'_>,
        awaitable: Py<Awaitable>,
        wait: Py<PyAny>,
        lodging: Option<Lodging>,
        value: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        match wait.call_method1(py, intern!(py, "send"), (value,)) {
            Ok(yielded) => {
                self.replace(State::Suspended(Suspension { awaitable, trio: Some(wait), lodging }));
                Ok(Some(yielded))
            }
            Err(error) => {
                self.replace(State::Closed);
                if !error.is_instance_of::<PyStopIteration>(py) {
                    awaitable.get().cancel_for_owner();
                    self.cell.discard();
                }
                Err(error)
            }
        }
    }

    /// Yields the awaitable, for the first time or, to another task that drives the same coroutine, once more.
    fn wait_on(
        &self,
        py: Python<'_>,
        awaitable: Py<Awaitable>,
        lodging: Option<Lodging>,
    ) -> PyResult<Option<Py<PyAny>>> {
        if let Err(error) = awaitable.get().mark_blocking() {
            self.replace(State::Closed);
            awaitable.get().cancel_for_owner();
            return Err(error);
        }
        self.replace(State::Suspended(Suspension { awaitable: awaitable.clone_ref(py), trio: None, lodging }));
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
            State::Suspended(suspension) => {
                suspension.awaitable.get().cancel_for_owner();
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
    /// See `slots` for what `await` itself does.
    fn __await__(slf: Py<Self>) -> CoroutineIterator {
        CoroutineIterator::new(slf)
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.resume(py, None)
    }

    /// Start the coroutine, or resume it. `value` is for generators and has no use here; None at the start.
    #[pyo3(signature = (value, /))]
    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        if !value.is_none() && matches!(*self.state.lock(), State::Created(_)) {
            return Err(PyTypeError::new_err("can't send non-None value to a just-started coroutine"));
        }
        match self.resume(py, Some(value))? {
            Some(yielded) => Ok(yielded),
            None => Err(PyStopIteration::new_err(())),
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
        let py = typ.py();
        self.check_process(py)?;
        let suspended = matches!(*self.state.lock(), State::Suspended(_));
        let error = match thrown(typ, val, tb) {
            // Passed on to what a suspended coroutine waits for, whose complaint then goes through the coroutine.
            Err(complaint) if suspended => complaint,
            thrown => thrown?,
        };
        // Since 3.12 nothing looks at what is thrown into a body that has not begun.
        let created = py.version_info() < (3, 12) && matches!(*self.state.lock(), State::Created(_));
        if self.end()? {
            // A body that has not begun is not waiting for anything that a `StopIteration` could end.
            Err(match error {
                error if created => not_stop_iteration(py, error),
                // It ends what the coroutine waits for, and by that the coroutine, which raises one of its own.
                error if suspended && error.is_instance_of::<PyStopIteration>(py) => {
                    raise(error.into_value(py).into_bound(py))
                }
                error => error,
            })
        } else {
            Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine"))
        }
    }

    /// End the coroutine: its Rust future is dropped on its runtime.
    fn close(&self) -> PyResult<()> {
        self.end().map(drop)
    }

    #[getter]
    fn __name__(&self) -> &'static str {
        frame::last_part(self.qualified_name)
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
    fn cr_await(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match &*self.state.lock() {
            State::Suspended(Suspension { trio: Some(wait), .. }) => Some(wait.clone_ref(py)),
            State::Suspended(Suspension { awaitable, .. }) => Some(awaitable.clone_ref(py).into_any()),
            _ => None,
        }
    }

    /// A frame that bears the name, for debuggers; None once ended. There is nothing to see inside.
    #[getter]
    fn cr_frame<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let progress = match &*self.state.lock() {
            State::Closed => return Ok(None),
            State::Created(_) => Progress::Created,
            State::Running | State::Suspended(_) => Progress::Begun,
        };
        frame::frame(py, self.qualified_name, progress).map(Some)
    }

    /// A code object that bears the name.
    #[getter]
    fn cr_code<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        frame::code(py, self.qualified_name)
    }

    /// Where it was made, the innermost frame first; None unless `sys.set_coroutine_origin_tracking_depth` asks for it.
    #[getter]
    fn cr_origin(&self, py: Python<'_>) -> Option<Py<PyTuple>> {
        self.origin.as_ref().map(|origin| origin.clone_ref(py))
    }

    /// None: it takes no attributes.
    ///
    /// Evaluated when the class is made, which is the moment to complete it.
    #[classattr]
    fn __slots__(py: Python<'_>) -> Bound<'_, PyTuple> {
        slots::install(py);
        finalize::install::<Self>(py);
        PyTuple::empty(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!("<coroutine object {} at {:p}>", slf.get().qualified_name, slf.as_ptr())
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        // See `Awaitable`: what is not visited counts as reachable.
        match self.state.try_lock().as_deref() {
            Some(State::Suspended(suspension)) => {
                visit.call(&suspension.awaitable)?;
                visit.call(&suspension.trio)
            }
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
