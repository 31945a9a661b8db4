//! pyo3-async-runtimes, used as its documentation shows, with its default settings.

use std::future::Future;
use std::time::Duration;

use pyo3::prelude::*;

use crate::contestant::{Contestant, python_module};

struct Tokio;

impl Contestant for Tokio {
    fn spawn<'py, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
    where
        F: Future<Output = PyResult<()>> + Send + 'static,
    {
        pyo3_async_runtimes::tokio::future_into_py(py, future)
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        tokio::time::sleep(duration)
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        tokio::task::yield_now()
    }
}

struct AsyncStd;

impl Contestant for AsyncStd {
    fn spawn<'py, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
    where
        F: Future<Output = PyResult<()>> + Send + 'static,
    {
        pyo3_async_runtimes::async_std::future_into_py(py, future)
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        async_std::task::sleep(duration)
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        async_std::task::yield_now()
    }
}

python_module!(par_tokio, Tokio);
python_module!(par_async_std, AsyncStd);
