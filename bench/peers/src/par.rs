//! pyo3-async-runtimes, used as its documentation shows, with its default settings.

#![expect(clippy::disallowed_methods, reason = "with this bridge, runtime threads attach")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::lock::Mutex;
use futures::stream::{self, BoxStream, StreamExt};
use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;

use crate::contestant::{Contestant, python_module};

/// Implements [`Contestant`] for a runtime: the library has the same functions once for each.
macro_rules! backend {
    ($name:ident, $numbers:ident, $functions:path, $sleep:expr, $yield_now:expr) => {
        struct $name;

        impl Contestant for $name {
            fn spawn<'py, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
            where
                F: Future<Output = PyResult<()>> + Send + 'static,
            {
                use $functions as library;
                library::future_into_py(py, future)
            }

            fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
                $sleep(duration)
            }

            fn yield_now() -> impl Future<Output = ()> + Send + 'static {
                $yield_now()
            }

            fn call<'py>(py: Python<'py>, function: Bound<'py, PyAny>, times: usize) -> PyResult<Bound<'py, PyAny>> {
                use $functions as library;
                let function = function.unbind();
                Self::spawn(py, async move {
                    for _ in 0..times {
                        let called = Python::attach(|py| library::into_future(function.bind(py).call0()?))?;
                        called.await?;
                    }
                    Ok(())
                })
            }

            fn numbers(py: Python<'_>, end: u64) -> PyResult<Bound<'_, PyAny>> {
                let numbers = stream::iter(0..end).boxed();
                Ok(Bound::new(py, $numbers(Arc::new(Mutex::new(numbers))))?.into_any())
            }

            fn add_up(numbers: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
                use $functions as library;
                let py = numbers.py();
                let mut numbers = library::into_stream_v1(numbers)?.boxed();
                library::future_into_py(py, async move {
                    let mut sum = 0;
                    while let Some(number) = numbers.next().await {
                        sum += Python::attach(|py| number?.extract::<u64>(py))?;
                    }
                    Ok(sum)
                })
            }
        }

        /// A stream as an asynchronous iterator, as its users write it: the library has none. A future for each item.
        #[pyclass(frozen)]
        struct $numbers(Arc<Mutex<BoxStream<'static, u64>>>);

        #[pymethods]
        impl $numbers {
            fn __aiter__(slf: Py<Self>) -> Py<Self> {
                slf
            }

            fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                use $functions as library;
                let numbers = self.0.clone();
                library::future_into_py(py, async move {
                    let next = numbers.lock().await.next().await;
                    next.ok_or_else(|| PyStopAsyncIteration::new_err(()))
                })
            }
        }
    };
}

backend!(Tokio, TokioNumbers, pyo3_async_runtimes::tokio, tokio::time::sleep, tokio::task::yield_now);
backend!(AsyncStd, AsyncStdNumbers, pyo3_async_runtimes::async_std, async_std::task::sleep, async_std::task::yield_now);

python_module!(par_tokio, Tokio);
python_module!(par_async_std, AsyncStd);
