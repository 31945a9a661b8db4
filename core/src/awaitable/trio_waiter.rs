//! A task of trio's that waits for an awaitable.
//!
//! `trio.py` holds the order of events; this is what it calls. Trio cancels a task through its abort function, which
//! must say on the spot whether the task may be woken: yes, unless the outcome is there and on its way.

use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::waiters::{Waiter, different_loop};
use super::{Awaitable, Role};
use crate::event_loop::{EventLoop, Standing};
use crate::{asyncio, trio};

/// Has the classes made of this module and below; see [`once`](crate::once).
pub(super) fn make_class(py: Python<'_>) {
    py.get_type::<TrioWaiter>();
}

/// One wait.
#[pyclass(frozen)]
struct TrioWaiter {
    awaitable: Py<Awaitable>,
    task: OnceLock<Py<PyAny>>,
}

impl TrioWaiter {
    /// Removes the task from those that wait. `None` if it was not one of them, else whether others are.
    fn remove(&self, py: Python<'_>) -> Option<bool> {
        self.awaitable.get().remove_task(self.task.get()?.bind(py))
    }
}

#[pymethods]
impl TrioWaiter {
    /// Has `task`, which is running, woken once the awaitable has settled. False if there is nothing to wait for.
    fn enlist(&self, py: Python<'_>, task: Py<PyAny>) -> PyResult<bool> {
        let awaitable = self.awaitable.bind(py);
        let this = awaitable.get();
        this.check_usable(py)?;
        this.start(py);
        this.close_if_stopped();
        this.check_trio(py)?;
        if this.is_settled() {
            return Ok(false);
        }
        let waiter = Waiter { callback: task.clone_ref(py), context: py.None() };
        // Set before the task can be found in the list.
        let _ = self.task.set(task);
        let will_be_told = Awaitable::enlist(awaitable, waiter);
        if !will_be_told {
            self.remove(py);
        }
        Ok(will_be_told)
    }

    /// Trio cancels the task. False if the outcome is on its way, and with it the wake-up. If nobody else waits the
    /// Rust future goes too.
    fn give_up(&self, py: Python<'_>) -> bool {
        let this = self.awaitable.get();
        if this.is_settled() {
            return false;
        }
        if this.cell.header().takes_part() && this.has_one_waiter() {
            // It ends when it is through, and wakes the task then.
            this.cancel_for_owner();
            return false;
        }
        if self.remove(py) == Some(false) {
            this.cancel_for_owner();
        }
        true
    }

    /// Whether what was waited for has ended as cancelled.
    fn is_cancelled(&self) -> bool {
        self.awaitable.get().is_cancelled()
    }

    /// The task goes on: woken, cancelled, or closed by somebody.
    fn leave(&self, py: Python<'_>) {
        self.remove(py);
    }

    /// The result, or the error that is raised.
    fn outcome(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let this = self.awaitable.get();
        this.take_up(py)?.unwrap_or_else(|| Err(asyncio::invalid_state(py, "Result is not set.")))
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        visit.call(&self.awaitable)?;
        self.task.get().map_or(Ok(()), |task| visit.call(task))
    }
}

impl Awaitable {
    /// A coroutine of trio's kind that waits for this and gives its outcome.
    pub(crate) fn wait_in_trio<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let waiter = TrioWaiter { awaitable: slf.clone().unbind(), task: OnceLock::new() };
        trio::wait(Bound::new(slf.py(), waiter)?.as_any())
    }

    /// Fails unless this belongs to the run of trio that runs in this thread; binds it if it belongs to nobody.
    fn check_trio(&self, py: Python<'_>) -> PyResult<()> {
        self.bind_home(py)?;
        let home = {
            let inner = self.inner.lock();
            let home = inner.home.as_ref();
            home.map(|home| (home.python_loop.clone_ref(py), home.event_loop.clone()))
        };
        let Some((token, event_loop)) = home else {
            return Err(different_loop());
        };
        let here = EventLoop::standing(token.bind(py))? == Standing::Inside;
        if here && event_loop.is_some_and(|event_loop| event_loop.is_closed()) {
            return Err(PyRuntimeError::new_err("the run of trio that this awaitable belongs to is ending"));
        }
        if here && self.role != Role::Manual { Ok(()) } else { Err(different_loop()) }
    }
}
