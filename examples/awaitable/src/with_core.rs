//! What is pending at first, once more: a future of Rust's, an executor, and the core between it and Python.

use std::sync::LazyLock;
use std::thread;

use crossawait_core::{Awaitable, Coroutine, Executor, Runtime, Task};
use futures_executor::block_on;
use pyo3::exceptions::PyZeroDivisionError;
use pyo3::prelude::*;

/// A thread for each task: the smallest executor that works.
struct Threads;

impl Executor for Threads {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        thread::spawn(|| block_on(task));
        Ok(())
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(Threads));

/// `await later(42)`: a future, started at once, and pending until a Rust thread has settled it.
#[pyfunction]
pub fn later(py: Python<'_>, value: u64) -> PyResult<Bound<'_, Awaitable>> {
    RUNTIME.future_into_py(py, async move { Ok::<_, PyErr>(value) })
}

/// `await divide(84, 2)`: a coroutine. Ready at its first step, so it never leaves the thread.
#[pyfunction]
pub fn divide(py: Python<'_>, a: u64, b: u64) -> PyResult<Bound<'_, Coroutine>> {
    let quotient = async move { a.checked_div(b).ok_or_else(|| PyZeroDivisionError::new_err("division by zero")) };
    RUNTIME.coroutine_into_py(py, quotient)
}

/// How many awaitables were settled by way of event loops' queues so far, and how many wake-ups that took.
#[pyfunction]
pub fn settled_and_woken() -> (u64, u64) {
    let loops = RUNTIME.metrics().event_loops;
    (loops.completions, loops.wakes)
}
