//! The iterator that `iter(awaitable)` gives: a complete one, with `send`, `throw` and `close`.
//!
//! Apart from the awaitable because an object with all three beside `__await__` would be a coroutine to asyncio.

use pyo3::prelude::*;

use super::{Awaitable, stop_iteration};

/// Yields the awaitable while it is pending, then stops with its result.
#[pyclass(frozen, module = "crossawait")]
pub(crate) struct AwaitableIterator {
    awaitable: Py<Awaitable>,
}

impl AwaitableIterator {
    pub(super) fn new(awaitable: Py<Awaitable>) -> Self {
        Self { awaitable }
    }
}

#[pymethods]
impl AwaitableIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match self.awaitable.get().poll(py)? {
            Some(outcome) => stop_iteration(py, outcome?),
            None => Ok(Some(self.awaitable.clone_ref(py).into_any())),
        }
    }

    fn send(&self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match self.__next__(py)? {
            Some(yielded) => Ok(yielded),
            None => Err(pyo3::exceptions::PyStopIteration::new_err(())),
        }
    }

    #[pyo3(signature = (typ, val = None, tb = None))]
    fn throw(
        &self,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        Err(crate::coroutine::thrown(typ, val, tb)?)
    }

    #[expect(clippy::unused_self, reason = "a method of the generator protocol")]
    fn close(&self) {}

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        visit.call(&self.awaitable)
    }
}
