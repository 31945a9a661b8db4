//! An awaitable that is ready whenever it is asked, so that nobody ever has to wait.

use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

/// What may stand behind `await`: it has `__await__`, which gives an iterator.
#[pyclass(frozen, module = "awaitable_example")]
#[derive(Debug)]
pub struct MyAwait {
    n: AtomicU64,
}

#[pymethods]
impl MyAwait {
    #[new]
    fn new(n: u64) -> Self {
        Self { n: AtomicU64::new(n) }
    }

    fn __await__(slf: Py<Self>) -> MyIter {
        MyIter { awaited: slf }
    }
}

/// One `await` on its way. It ends at its first step, and the end carries the result.
#[pyclass(frozen, module = "awaitable_example")]
#[derive(Debug)]
pub struct MyIter {
    awaited: Py<MyAwait>,
}

#[pymethods]
impl MyIter {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> PyResult<Py<PyAny>> {
        let n = self.awaited.get().n.fetch_add(1, Ordering::Relaxed) + 1;
        Err(PyStopIteration::new_err(n))
    }
}
