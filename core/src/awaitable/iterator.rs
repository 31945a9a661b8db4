//! The iterator that `iter(awaitable)` gives: a complete one, with `send`, `throw` and `close`.
//!
//! Apart from the awaitable because an object with all three beside `__await__` would be a coroutine to asyncio.

use parking_lot::Mutex;
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

use super::{Awaitable, stop_iteration};
use crate::thrown::thrown;

/// Yields the awaitable while it is pending, then stops with its result.
#[pyclass(frozen, module = "crossawait")]
pub(crate) struct AwaitableIterator {
    /// `None` once it has ended.
    awaitable: Mutex<Option<Py<Awaitable>>>,
}

impl AwaitableIterator {
    pub(super) fn new(awaitable: Py<Awaitable>) -> Self {
        Self { awaitable: Mutex::new(Some(awaitable)) }
    }

    fn end(&self) {
        let awaitable = self.awaitable.lock().take();
        drop(awaitable);
    }
}

#[pymethods]
impl AwaitableIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let Some(awaitable) = self.awaitable.lock().as_ref().map(|awaitable| awaitable.clone_ref(py)) else {
            return Ok(None);
        };
        match awaitable.get().poll(py)? {
            None => Ok(Some(awaitable.into_any())),
            Some(outcome) => {
                self.end();
                stop_iteration(py, outcome?)
            }
        }
    }

    fn send(&self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match self.__next__(py)? {
            Some(yielded) => Ok(yielded),
            None => Err(PyStopIteration::new_err(())),
        }
    }

    #[pyo3(signature = (typ, val = None, tb = None))]
    fn throw(
        &self,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let error = thrown(typ, val, tb)?;
        self.end();
        Err(error)
    }

    fn close(&self) {
        self.end();
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        // See `Awaitable`: what is not visited counts as reachable.
        match self.awaitable.try_lock().as_deref() {
            Some(Some(awaitable)) => visit.call(awaitable),
            _ => Ok(()),
        }
    }

    fn __clear__(&self) {
        self.end();
    }
}
