//! How an awaitable ends: garbage collection, cancelling what nobody awaited, reporting what nobody retrieved.

use std::mem;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use super::outcome::Outcome;
use super::{Awaitable, Home, Inner, Role, waiters};
use crate::error::InFlight;

impl Awaitable {
    pub(super) fn traverse(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        // A lock held right now belongs to a thread that the collector has stopped, or to the frame below us. What is
        // not visited counts as reachable from outside: the collector comes again.
        let Some(inner) = self.inner.try_lock() else {
            return Ok(());
        };
        waiters::traverse(&inner.waiters, &visit)?;
        if let Some(rare) = &inner.rare {
            visit.call(&rare.cancel_message)?;
            visit.call(&rare.source_traceback)?;
        }
        if let Some(home) = &inner.home {
            visit.call(&home.python_loop)?;
        }
        match &inner.outcome {
            Outcome::Value(value) => visit.call(value)?,
            Outcome::Raised { exception, traceback } => {
                visit.call(exception)?;
                visit.call(traceback)?;
            }
            Outcome::Pending | Outcome::Converting(_) => {}
        }
        Ok(())
    }

    pub(super) fn clear(&self) {
        self.cancel_if_abandoned();
        let inner = mem::take(&mut *self.inner.lock());
        // What was taken must neither cancel nor report a second time.
        let mut emptied = self.inner.lock();
        emptied.retrieved = true;
        emptied.awaited = true;
        drop(emptied);
        // Dropped unlocked: this runs destructors of Python objects.
        drop(inner);
    }

    /// Cancels the Rust future if nobody ever awaited this.
    fn cancel_if_abandoned(&self) {
        let abandoned = {
            let inner = self.inner.lock();
            self.role == Role::Future && !inner.awaited && !inner.detached
        };
        if abandoned {
            self.cancel_for_owner();
        }
    }

    /// Cancels what nobody awaited, and reports an exception that nobody has retrieved.
    fn settle_accounts(&self) {
        if self.role == Role::Suspension || self.cell.header().is_inherited() {
            // The coroutine looks after it, or the parent process does.
            return;
        }
        self.cancel_if_abandoned();
        if self.is_settled() && self.cell.header().may_have_failed() && !self.inner.lock().retrieved {
            // SAFETY: objects are collected and deallocated by attached threads only.
            let py = unsafe { Python::assume_attached() };
            self.report_unretrieved(py);
        }
    }

    fn report_unretrieved(&self, py: Python<'_>) {
        // SAFETY: may be called at any time. 0 while the last modules are taken down: errors cannot be made any more.
        if unsafe { ffi::Py_IsInitialized() } == 0 {
            return;
        }
        let _in_flight = InFlight::set_aside(py);
        if let Err(error) = self.call_exception_handler(py) {
            error.write_unraisable(py, None);
        }
    }

    fn call_exception_handler(&self, py: Python<'_>) -> PyResult<()> {
        // First, since asking for the exception converts it: with nobody to tell there is nothing to do.
        let Some(python_loop) = self.home_loop(py) else {
            return Ok(());
        };
        let Some(exception) = self.unretrieved(py) else {
            return Ok(());
        };
        let details = PyDict::new(py);
        details.set_item("message", "Awaitable exception was never retrieved")?;
        details.set_item("exception", exception)?;
        let stand_in = self.stand_in(py)?;
        if let Some(stack) = stand_in.get()._source_traceback(py) {
            details.set_item("source_traceback", stack)?;
        }
        details.set_item("future", stand_in)?;
        python_loop.call_method1(intern!(py, "call_exception_handler"), (details,)).map(drop)
    }

    /// A fresh awaitable with the same outcome: this one is going away and must not be seen again.
    fn stand_in(&self, py: Python<'_>) -> PyResult<Py<Awaitable>> {
        let mut inner = self.inner.lock();
        let home = inner
            .home
            .as_ref()
            .map(|home| Home { python_loop: home.python_loop.clone_ref(py), event_loop: home.event_loop.clone() });
        let outcome = mem::take(&mut inner.outcome);
        let rare = inner.rare.take();
        inner.retrieved = true;
        drop(inner);
        let stand_in = Inner { home, outcome, rare, retrieved: true, awaited: true, ..Inner::default() };
        Py::new(py, Self::with(self.cell.clone(), self.role, self.name, stand_in))
    }
}

/// Has the garbage collector settle accounts before it takes a cycle apart: in `__clear__` or `Drop`, an exception that
/// is shown to somebody may have been cleared already. PyO3 has no `__del__`, so the slot is set by hand. (An object
/// that goes because its last reference does is whole; `Drop` sees to those.)
pub(super) fn install_finalizer(py: Python<'_>) {
    static INSTALLED: PyOnceLock<()> = PyOnceLock::new();
    INSTALLED.get_or_init(py, || {
        let class = py.get_type::<Awaitable>();
        // SAFETY: attached; the class is ours, on the heap and mutable, and the function is of the slot's type.
        unsafe { (*class.as_type_ptr()).tp_finalize = Some(finalize) };
    });
}

/// # Safety
/// For the slot that `install_finalizer` sets, and nobody else.
unsafe extern "C" fn finalize(object: *mut ffi::PyObject) {
    // SAFETY: the collector calls this, attached.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: the object is alive, and the slot is that of our class and of what inherits from it.
    let awaitable = unsafe { Bound::from_borrowed_ptr(py, object).cast_into_unchecked::<Awaitable>() };
    crate::panic::ignore_panic(|| awaitable.get().settle_accounts());
}

impl Drop for Awaitable {
    fn drop(&mut self) {
        if self.cell.header().is_inherited() {
            // The cell and whatever it refers to belong to the parent process: never drop what might be half done.
            mem::forget(self.cell.clone());
            mem::forget(self.inner.get_mut().take_unstarted());
            return;
        }
        self.settle_accounts();
    }
}
