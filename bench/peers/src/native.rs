//! PyO3's own coroutines, its feature `experimental-async`: `async fn`s as they are, over tokio where they need it.
//!
//! PyO3 polls such a future on the event loop's thread and runs nothing anywhere else, so what shall run on a runtime is
//! a task of tokio's that the function awaits. It has no way for Rust to await Python, and no streams.

use std::future::Future;
use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::Runtime;

/// tokio with its default settings, started at the first call.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("the system should grant a few threads"))
}

/// Runs a future as a task of tokio's, and waits for it.
async fn on_tokio<F>(future: F) -> PyResult<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    runtime().spawn(future).await.map_err(|error| PyRuntimeError::new_err(error.to_string()))
}

/// The functions of `contestant.rs`, as far as PyO3 has them.
#[pymodule]
pub(crate) mod pyo3_tokio {
    use std::time::Duration;

    use pyo3::prelude::*;

    use super::on_tokio;
    use crate::contestant::count_first_poll;

    #[pyfunction]
    async fn noop() -> PyResult<()> {
        on_tokio(async {}).await
    }

    #[pyfunction]
    async fn ready_coroutine() -> PyResult<()> {
        Ok(())
    }

    #[pyfunction]
    async fn sleep(seconds: f64) -> PyResult<()> {
        let duration = Duration::from_secs_f64(seconds);
        on_tokio(async move {
            count_first_poll();
            tokio::time::sleep(duration).await;
        })
        .await
    }

    #[pyfunction]
    async fn yield_now() -> PyResult<()> {
        on_tokio(tokio::task::yield_now()).await
    }

    #[pyfunction]
    async fn pending() -> PyResult<()> {
        on_tokio(async {
            count_first_poll();
            std::future::pending().await
        })
        .await
    }
}
