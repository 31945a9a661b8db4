//! crossawait: one `Runtime` value per backend, used as its documentation shows, with its default settings.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossawait_core::{Caller, Runtime};
use futures::{StreamExt, TryStreamExt, stream};
use pyo3::prelude::*;

use crate::contestant::{Contestant, python_module};

/// Implements [`Contestant`] for a backend; only the executor and its timers differ.
macro_rules! backend {
    ($name:ident, $executor:expr, $sleep:expr, $yield_now:expr) => {
        struct $name;

        impl $name {
            /// Starts at the first call and not at import, so that a process can count threads before and after.
            fn runtime() -> &'static Runtime {
                static RUNTIME: OnceLock<Runtime> = OnceLock::new();
                RUNTIME.get_or_init(|| Runtime::new($executor.expect("the system should grant a few threads")))
            }
        }

        impl Contestant for $name {
            fn spawn<'py, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
            where
                F: Future<Output = PyResult<()>> + Send + 'static,
            {
                Ok(Self::runtime().future_into_py(py, future)?.into_any())
            }

            fn ready_awaitable<'py, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
            where
                F: Future<Output = PyResult<()>> + Send + 'static,
            {
                Ok(Self::runtime().builder().poll_first().future_into_py(py, future)?.into_any())
            }

            fn ready_coroutine<'py, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
            where
                F: Future<Output = PyResult<()>> + Send + 'static,
            {
                Ok(Self::runtime().coroutine_into_py(py, future)?.into_any())
            }

            fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
                $sleep(duration)
            }

            fn yield_now() -> impl Future<Output = ()> + Send + 'static {
                $yield_now()
            }

            fn call<'py>(py: Python<'py>, function: Bound<'py, PyAny>, times: usize) -> PyResult<Bound<'py, PyAny>> {
                let caller = Caller::current(py)?;
                let function = Arc::new(caller.bind(function.unbind()));
                Self::spawn(py, async move {
                    for _ in 0..times {
                        let function = function.clone();
                        caller.call(move |py| function.get(py).bind(py).call0(), |result| result.map(drop)).await?;
                    }
                    Ok(())
                })
            }

            fn numbers(py: Python<'_>, end: u64) -> PyResult<Bound<'_, PyAny>> {
                let numbers = stream::iter(0..end).map(Ok::<_, PyErr>);
                Ok(Self::runtime().stream_into_py(py, numbers)?.into_any())
            }

            fn add_up(numbers: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
                let py = numbers.py();
                let numbers = Caller::current(py)?.into_stream(&numbers, |number| number.extract::<u64>());
                let sum = numbers.try_fold(0, async |sum, number| Ok(sum + number));
                Ok(Self::runtime().future_into_py(py, sum)?.into_any())
            }
        }
    };
}

/// smol's timer resolves to the moment it fired; a sleep has nothing to say.
async fn smol_sleep(duration: Duration) {
    smol::Timer::after(duration).await;
}

backend!(Tokio, ::crossawait_tokio::Tokio::new(), tokio::time::sleep, tokio::task::yield_now);
backend!(Smol, ::crossawait_smol::Smol::new(), smol_sleep, smol::future::yield_now);
backend!(AsyncStd, ::crossawait_async_std::AsyncStd::new(), async_std::task::sleep, async_std::task::yield_now);

python_module!(crossawait_tokio, Tokio);
python_module!(crossawait_smol, Smol);
python_module!(crossawait_async_std, AsyncStd);

/// Wakes, batches and completions of all event loops so far. The counters belong to the process, so any runtime tells.
pub(crate) fn counters() -> (u64, u64, u64) {
    let counted = Tokio::runtime().metrics().event_loops;
    (counted.wakes, counted.batches, counted.completions)
}
