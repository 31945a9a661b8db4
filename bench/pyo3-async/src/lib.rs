//! pyo3-async 0.3, from which PyO3's own `async fn` came: the functions of `bench/peers/src/native.rs` over again.
//!
//! It knows PyO3 up to 0.20, and so CPython up to 3.12.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3_async::asyncio::Coroutine;
use tokio::runtime::Runtime;

/// tokio with its default settings, started at the first call.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("the system should grant a few threads"))
}

/// Runs a future as a task of tokio's; the coroutine waits for it.
fn on_tokio<F>(future: F) -> Coroutine
where
    F: Future<Output = ()> + Send + 'static,
{
    Coroutine::from_future(async move {
        let ended = runtime().spawn(future).await;
        ended.map_err(|error| PyRuntimeError::new_err(error.to_string()))
    })
}

static POLLED: AtomicUsize = AtomicUsize::new(0);

#[pyfunction]
fn noop() -> Coroutine {
    on_tokio(async {})
}

#[pyfunction]
fn ready_coroutine() -> Coroutine {
    Coroutine::from_future(async { PyResult::Ok(()) })
}

#[pyfunction]
fn sleep(seconds: f64) -> Coroutine {
    on_tokio(async move {
        POLLED.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    })
}

#[pyfunction]
fn yield_now() -> Coroutine {
    on_tokio(tokio::task::yield_now())
}

/// How many futures of `sleep` the runtime has polled so far.
#[pyfunction]
fn polled() -> usize {
    POLLED.load(Ordering::Relaxed)
}

/// The functions of one contestant of `bench/peers.py`.
#[pymodule]
fn crossawait_bench_pyo3_async(_py: Python<'_>, module: &PyModule) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(noop, module)?)?;
    module.add_function(wrap_pyfunction!(ready_coroutine, module)?)?;
    module.add_function(wrap_pyfunction!(sleep, module)?)?;
    module.add_function(wrap_pyfunction!(yield_now, module)?)?;
    module.add_function(wrap_pyfunction!(polled, module)?)
}
