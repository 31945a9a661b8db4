//! How an awaitable ends: garbage collection, cancelling what nobody awaited, reporting what nobody retrieved.

use std::mem;
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::outcome::Outcome;
use super::{Awaitable, Role, waiters};
use crate::finalize::Finalize;
use crate::once::intern;

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
        // Dropped unlocked: this runs destructors of Python objects.
        let inner = mem::take(&mut *self.inner.lock());
        drop(inner);
    }

    /// Cancels the Rust future if nobody ever awaited this.
    fn cancel_if_abandoned(&self) {
        if self.is_abandoned() {
            self.cancel_for_owner();
        }
    }

    fn is_abandoned(&self) -> bool {
        if !matches!(self.role, Role::Future | Role::Local) || self.is_settled() {
            return false;
        }
        let inner = self.inner.lock();
        !inner.awaited && !inner.detached
    }

    /// Whether it may have settled with an exception that nobody has seen.
    pub(super) fn may_be_unretrieved(&self) -> bool {
        if !self.is_settled() {
            return false;
        }
        let inner = self.inner.lock();
        match inner.outcome {
            _ if inner.retrieved => false,
            Outcome::Value(_) => false,
            Outcome::Raised { .. } => true,
            Outcome::Pending | Outcome::Converting(_) => self.cell.header().may_have_failed(),
        }
    }

    fn report_unretrieved(slf: &Bound<'_, Self>) {
        let py = slf.py();
        // SAFETY: may be called at any time. 0 while the last modules are taken down: errors cannot be made any more.
        if unsafe { ffi::Py_IsInitialized() } == 0 {
            return;
        }
        if let Err(error) = Self::call_exception_handler(slf) {
            error.write_unraisable(py, None);
        }
    }

    fn call_exception_handler(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        // First, since asking for the exception converts it: with nobody to tell there is nothing to do.
        let python_loop = this.home_loop(py);
        if python_loop.is_none() && !this.belongs_to_trio() {
            return Ok(());
        }
        let Some(exception) = this.unretrieved(py) else {
            return Ok(());
        };
        this.inner.lock().retrieved = true;
        let Some(python_loop) = python_loop else {
            // Trio has no handler for what belongs to no task.
            PyErr::from_value(exception.into_bound(py)).write_unraisable(py, Some(slf.as_any()));
            return Ok(());
        };
        let details = PyDict::new(py);
        details.set_item("message", format!("{} exception was never retrieved", slf.get_type().name()?))?;
        details.set_item("exception", exception)?;
        if let Some(stack) = this._source_traceback(py) {
            details.set_item("source_traceback", stack)?;
        }
        details.set_item("future", slf)?;
        python_loop.call_method1(intern!(py, "call_exception_handler"), (details,)).map(drop)
    }
}

impl Finalize for Awaitable {
    fn has_accounts(slf: &Bound<'_, Self>) -> bool {
        let this = slf.get();
        // A coroutine looks after its suspension, and the parent process after what is its.
        this.role != Role::Suspension
            && !this.cell.header().is_inherited()
            && (this.is_abandoned() || this.may_be_unretrieved())
    }

    fn settle_accounts(slf: &Bound<'_, Self>) {
        slf.get().cancel_if_abandoned();
        if slf.get().may_be_unretrieved() {
            Self::report_unretrieved(slf);
        }
    }

    fn original() -> &'static OnceLock<ffi::destructor> {
        static ORIGINAL: OnceLock<ffi::destructor> = OnceLock::new();
        &ORIGINAL
    }
}

impl Drop for Awaitable {
    fn drop(&mut self) {
        if self.cell.header().is_inherited() {
            // The cell and whatever it refers to belong to the parent process: never drop what might be half done.
            mem::forget(self.cell.clone());
            mem::forget(self.inner.get_mut().take_unstarted());
        }
    }
}
