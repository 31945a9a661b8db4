//! How an awaitable ends: garbage collection, cancelling what nobody awaited, reporting what nobody retrieved.

use std::mem;

use pyo3::intern;
use pyo3::prelude::*;
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
        visit.call(&inner.cancel_message)?;
        visit.call(&inner.source_traceback)?;
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
        self.settle_accounts();
        let inner = mem::take(&mut *self.inner.lock());
        // What was taken must neither cancel nor report a second time.
        let mut emptied = self.inner.lock();
        emptied.retrieved = true;
        emptied.awaited = true;
        drop(emptied);
        // Dropped unlocked: this runs destructors of Python objects.
        drop(inner);
    }

    /// Cancels the Rust future if nobody ever awaited this; reports an exception that nobody has retrieved.
    fn settle_accounts(&self) {
        if self.role == Role::Suspension || self.cell.header().is_inherited() {
            // The coroutine looks after it, or the parent process does.
            return;
        }
        let abandoned = {
            let inner = self.inner.lock();
            self.role == Role::Future && !inner.awaited && !inner.detached
        };
        if abandoned {
            self.cancel_for_owner();
        }
        if self.is_settled() && self.cell.header().may_have_failed() && !self.inner.lock().retrieved {
            // SAFETY: objects are collected and deallocated by attached threads only.
            let py = unsafe { Python::assume_attached() };
            self.report_unretrieved(py);
        }
    }

    fn report_unretrieved(&self, py: Python<'_>) {
        let _in_flight = InFlight::set_aside(py);
        if let Err(error) = self.call_exception_handler(py) {
            error.write_unraisable(py, None);
        }
    }

    fn call_exception_handler(&self, py: Python<'_>) -> PyResult<()> {
        let Some(exception) = self.unretrieved(py) else {
            return Ok(());
        };
        let Some(python_loop) = self.home_loop(py) else {
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
        let source_traceback = inner.source_traceback.take();
        inner.retrieved = true;
        drop(inner);
        let stand_in = Inner { home, outcome, source_traceback, retrieved: true, awaited: true, ..Inner::default() };
        Py::new(py, Self::with(self.cell.clone(), self.role, self.name, stand_in))
    }
}

impl Drop for Awaitable {
    fn drop(&mut self) {
        if self.cell.header().is_inherited() {
            // The cell and whatever it refers to belong to the parent process: never drop what might be half done.
            mem::forget(self.cell.clone());
            mem::forget(self.inner.get_mut().unstarted.take());
            return;
        }
        self.settle_accounts();
    }
}
