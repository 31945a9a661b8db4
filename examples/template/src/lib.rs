//! An `async fn` of Rust's that Python awaits.

use std::sync::LazyLock;
use std::time::Duration;

use crossawait_core::{Runtime, pyfunction};
use crossawait_tokio::Tokio; // To change the runtime: this line, the one that makes it, and Cargo.toml.

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(Tokio::new().expect("tokio can start its threads")));

#[pyo3::pymodule(gil_used = false)]
mod crossawait_template {
    use super::*;

    /// Greet somebody, in a moment.
    #[pyfunction(runtime = RUNTIME)]
    async fn greet(name: String) -> String {
        tokio::time::sleep(Duration::from_millis(1)).await;
        format!("Hello, {name}!")
    }
}
