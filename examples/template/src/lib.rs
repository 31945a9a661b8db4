//! An `async fn` of Rust's that Python awaits.

use std::time::Duration;

use crossawait_core::{Runtime, pyfunction};
use crossawait_tokio::Tokio; // To change the runtime: this line, the one that makes it, and Cargo.toml.
use pyo3::{prelude::*, sync::PyOnceLock};

fn runtime(py: Python<'_>) -> PyResult<&Runtime> {
    static RUNTIME: PyOnceLock<Runtime> = PyOnceLock::new();
    RUNTIME.get_or_try_init(py, || Ok(Runtime::new(Tokio::new()?)))
}

#[pymodule(gil_used = false)]
mod crossawait_template {
    use super::*;

    /// Greet somebody, in a moment.
    #[pyfunction(runtime = runtime(py)?)]
    async fn greet(name: String) -> String {
        tokio::time::sleep(Duration::from_millis(1)).await;
        format!("Hello, {name}!")
    }
}
