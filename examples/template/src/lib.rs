//! An `async fn` of Rust's that Python awaits.

use std::time::Duration;

use crossawait_core::{Coroutine, Runtime};
use crossawait_tokio::Tokio; // To change the runtime: this line, the one that makes it, and Cargo.toml.
use pyo3::{prelude::*, sync::PyOnceLock};

fn runtime(py: Python<'_>) -> PyResult<&Runtime> {
    static RUNTIME: PyOnceLock<Runtime> = PyOnceLock::new();
    RUNTIME.get_or_try_init(py, || Ok(Runtime::new(Tokio::new()?)))
}

async fn greet(name: String) -> PyResult<String> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(format!("Hello, {name}!"))
}

#[pymodule(gil_used = false)]
mod crossawait_template {
    use super::*;

    #[pyfunction]
    fn greet(py: Python<'_>, name: String) -> PyResult<Bound<'_, Coroutine>> {
        runtime(py)?.builder().name("greet").coroutine_into_py(py, super::greet(name))
    }
}
