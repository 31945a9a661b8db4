//! What `repr` and debuggers see of an awaitable. A look has no side effects: nothing is converted for it.

use pyo3::ffi;
use pyo3::prelude::*;

use super::Awaitable;
use super::outcome::Outcome;
use crate::asyncio;

impl Awaitable {
    /// As asyncio describes its futures, with the name that the Rust side gave. Three dots stand for one that is found
    /// inside its own outcome.
    pub(super) fn describe(slf: &Bound<'_, Self>) -> PyResult<String> {
        /// Leaves what has been entered, also if a `repr` in the outcome panics.
        struct Entered<'a, 'py>(&'a Bound<'py, Awaitable>);

        impl Drop for Entered<'_, '_> {
            fn drop(&mut self) {
                // SAFETY: attached, with a live object that has been entered.
                unsafe { ffi::Py_ReprLeave(self.0.as_ptr()) };
            }
        }

        // SAFETY: attached, with a live object. What is entered is left.
        match unsafe { ffi::Py_ReprEnter(slf.as_ptr()) } {
            0 => {}
            1 => return Ok("...".to_owned()),
            _ => return Err(crate::error::fetch(slf.py())),
        }
        let _entered = Entered(slf);
        Self::describe_once(slf)
    }

    fn describe_once(slf: &Bound<'_, Self>) -> PyResult<String> {
        let this = slf.get();
        let mut words = vec![slf.get_type().name()?.to_string()];
        if !this.name.is_empty() {
            words.push(format!("name='{}'", this.name));
        }
        let details = asyncio::describe_future(slf.as_any())?;
        // Asked afterwards: it may have settled in the middle of the description.
        if this.is_done() && this.is_unconverted() {
            words.push("finished".to_owned());
        } else {
            words.extend(details);
        }
        Ok(format!("<{}>", words.join(" ")))
    }

    fn is_unconverted(&self) -> bool {
        !self.is_cancelled() && !matches!(self.inner.lock().outcome, Outcome::Value(_) | Outcome::Raised { .. })
    }

    pub(super) fn list_waiters(&self, py: Python<'_>) -> Option<Vec<(Py<PyAny>, Py<PyAny>)>> {
        let inner = self.inner.lock();
        let waiters = inner.waiters.as_slice();
        let pair = |waiter: &super::Waiter| (waiter.callback.clone_ref(py), waiter.context.clone_ref(py));
        if waiters.is_empty() { None } else { Some(waiters.iter().map(pair).collect()) }
    }

    pub(super) fn seen_result(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match &self.inner.lock().outcome {
            Outcome::Value(value) => Some(value.clone_ref(py)),
            _ => None,
        }
    }

    pub(super) fn seen_exception(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match &self.inner.lock().outcome {
            Outcome::Raised { exception, .. } => Some(exception.clone_ref(py).into_any()),
            _ => None,
        }
    }
}
