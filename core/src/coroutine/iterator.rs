//! The iterator that `coroutine.__await__()` gives: a complete one, with `send`, `throw` and `close`.

use pyo3::prelude::*;

use super::Coroutine;

/// Drives a coroutine.
#[pyclass(frozen, name = "coroutine_wrapper", module = "crossawait")]
pub(super) struct CoroutineIterator {
    coroutine: Py<Coroutine>,
}

impl CoroutineIterator {
    pub(super) fn new(coroutine: Py<Coroutine>) -> Self {
        Self { coroutine }
    }
}

#[pymethods]
impl CoroutineIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.coroutine.get().resume(py, None)
    }

    fn send(&self, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.coroutine.get().send(value.py(), value)
    }

    #[pyo3(signature = (typ, val = None, tb = None))]
    fn throw(
        &self,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        self.coroutine.get().throw(typ, val, tb)
    }

    fn close(&self) -> PyResult<()> {
        self.coroutine.get().close()
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        visit.call(&self.coroutine)
    }
}
