//! What every contestant offers to Python: the same functions, over its own way of crossing.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pyo3::prelude::*;

/// One bridge on one runtime.
pub(crate) trait Contestant {
    /// Hands a future to the runtime at once and returns what Python awaits.
    fn spawn<'py, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
    where
        F: Future<Output = PyResult<()>> + Send + 'static;

    /// The bridge's cheapest future-shaped object for work that may be ready at its first poll.
    ///
    /// A bridge that knows only one way keeps to it.
    fn ready_awaitable<'py, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
    where
        F: Future<Output = PyResult<()>> + Send + 'static,
    {
        Self::spawn(py, future)
    }

    /// The bridge's cheapest awaitable of any kind for work that may be ready at its first poll.
    fn ready_coroutine<'py, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
    where
        F: Future<Output = PyResult<()>> + Send + 'static,
    {
        Self::spawn(py, future)
    }

    /// The runtime's own timer.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static;

    /// Gives way once to the runtime's other tasks.
    fn yield_now() -> impl Future<Output = ()> + Send + 'static;

    /// Has a task of the runtime call an `async` Python function without arguments and await it, `times` in turn.
    fn call<'py>(py: Python<'py>, function: Bound<'py, PyAny>, times: usize) -> PyResult<Bound<'py, PyAny>>;

    /// A Rust stream of the numbers below `end`, as an asynchronous iterator.
    fn numbers(py: Python<'_>, end: u64) -> PyResult<Bound<'_, PyAny>>;

    /// Has a task of the runtime take a Python asynchronous iterator's numbers from a Rust stream, and add them up.
    fn add_up(numbers: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>>;
}

/// How many futures of `sleep` and `pending` some runtime has polled so far: tells when all of them have arrived.
pub(crate) static POLLED: AtomicUsize = AtomicUsize::new(0);

/// Called by such a future at its first poll. Costs it no state.
pub(crate) fn count_first_poll() {
    POLLED.fetch_add(1, Ordering::Relaxed);
}

/// Makes the Python submodule `$name` with the functions of one contestant.
///
/// A macro and not generic functions, because `#[pyfunction]` cannot be generic; every contestant gets the
/// same argument parsing and the same call path this way.
macro_rules! python_module {
    ($name:ident, $contestant:ident) => {
        #[pyo3::pymodule]
        pub(crate) mod $name {
            use std::time::Duration;

            use pyo3::prelude::*;

            use super::$contestant;
            use crate::contestant::{Contestant, count_first_poll};

            #[pyfunction]
            fn noop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                $contestant::spawn(py, async { Ok(()) })
            }

            #[pyfunction]
            fn ready_awaitable(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                $contestant::ready_awaitable(py, async { Ok(()) })
            }

            #[pyfunction]
            fn ready_coroutine(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                $contestant::ready_coroutine(py, async { Ok(()) })
            }

            #[pyfunction]
            fn sleep(py: Python<'_>, seconds: f64) -> PyResult<Bound<'_, PyAny>> {
                let duration = Duration::from_secs_f64(seconds);
                $contestant::spawn(py, async move {
                    count_first_poll();
                    $contestant::sleep(duration).await;
                    Ok(())
                })
            }

            #[pyfunction]
            fn yield_now(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                $contestant::spawn(py, async {
                    $contestant::yield_now().await;
                    Ok(())
                })
            }

            #[pyfunction]
            fn pending(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                $contestant::spawn(py, async {
                    count_first_poll();
                    std::future::pending().await
                })
            }

            #[pyfunction]
            fn call<'py>(py: Python<'py>, function: Bound<'py, PyAny>, times: usize) -> PyResult<Bound<'py, PyAny>> {
                $contestant::call(py, function, times)
            }

            #[pyfunction]
            fn numbers(py: Python<'_>, end: u64) -> PyResult<Bound<'_, PyAny>> {
                $contestant::numbers(py, end)
            }

            #[pyfunction]
            fn add_up(numbers: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
                $contestant::add_up(numbers)
            }
        }
    };
}

pub(crate) use python_module;
