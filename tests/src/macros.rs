//! Functions and methods by the core's macros: in each something that an author may wish for.

use std::collections::HashMap;
use std::io;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crossawait_core::{Caller, LoopBound, pyfunction, pymethods};
use crossawait_tokio::Tokio;
use pyo3::exceptions::{PyLookupError, PyStopAsyncIteration};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::extension::{Gate, Runtime};
use crate::value::Value;

static RUNTIME: LazyLock<crossawait_core::Runtime> =
    LazyLock::new(|| crossawait_core::Runtime::new(Tokio::new().expect("threads for tokio")));

/// A function that needs no runtime, and a `Result` of its own for the expression.
fn runtime(_py: Python<'_>) -> PyResult<&'static crossawait_core::Runtime> {
    Ok(&RUNTIME)
}

/// Greet somebody.
///
/// More than once if need be.
#[pyfunction(runtime = RUNTIME)]
#[pyo3(signature = (name, /, greeting = None, *, times = 1))]
pub async fn greet(name: String, greeting: Option<String>, mut times: usize) -> String {
    let greeting = greeting.unwrap_or_else(|| "Hello".to_owned());
    let mut said = Vec::new();
    while times > 0 {
        said.push(format!("{greeting}, {name}!"));
        times -= 1;
    }
    said.join(" ")
}

/// Add two numbers, of which the second may be left out.
#[pyfunction(runtime = runtime(py)?, blocking = add_blocking, signature = (a, b = 2))]
pub async fn add(a: u64, #[pyo3(from_py_with = number)] b: u64) -> PyResult<u64> {
    a.checked_add(b).ok_or_else(|| PyLookupError::new_err("there is no such number"))
}

fn number(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    value.call_method0("__index__")?.extract()
}

/// Everything that Python can give: what is left over too.
#[pyfunction(runtime = RUNTIME)]
#[pyo3(signature = (*args, key = 0, **kwargs))]
pub async fn collect(
    args: Py<PyTuple>,
    key: i64,
    kwargs: Option<HashMap<String, i64>>,
) -> (Py<PyTuple>, i64, Option<HashMap<String, i64>>) {
    (args, key, kwargs)
}

/// A function without a value.
#[pyfunction(runtime = RUNTIME)]
pub async fn nothing() {}

/// What Python calls by another name, and with another.
#[pyfunction(runtime = RUNTIME, name = "hail", text_signature = "(whom)")]
pub async fn renamed(whom: String) -> io::Result<String> {
    Ok(format!("Hail {whom}"))
}

/// An error that is not Python's by itself.
#[pyfunction(runtime = RUNTIME, blocking = fails_blocking)]
pub async fn fails(errno: i32) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(errno))
}

/// A panic on a thread of the runtime.
#[pyfunction(runtime = RUNTIME)]
pub async fn panics_later() {
    panic!("an expected panic");
}

/// Arguments with the names that the macro, too, has in mind.
#[pyfunction(runtime = RUNTIME)]
pub async fn same(same: i64, future: i64, kind: i64) -> i64 {
    same + future + kind
}

/// Left to PyO3.
#[pyfunction]
#[pyo3(signature = (number = 1))]
pub fn sync(number: i64) -> i64 {
    number
}

#[cfg(any())]
#[pyfunction(runtime = RUNTIME, blocking = never_blocking)]
pub async fn never(this: DoesNotExist) {}

/// Polled by the runtime alone.
#[pyfunction(runtime = runtime.get().inner(), spawn)]
pub async fn wait_elsewhere(runtime: Py<Runtime>, gate: Py<Gate>) -> PyResult<Value> {
    drop(runtime);
    gate.get().future().await
}

/// Wait for the gate.
#[pyfunction(runtime = runtime.get().inner(), blocking = wait_blocking)]
pub async fn wait(runtime: Py<Runtime>, gate: Py<Gate>) -> PyResult<Value> {
    drop(runtime);
    gate.get().future().await
}

/// Wait for the gate, from now on.
#[pyfunction(runtime = runtime.get().inner(), awaitable)]
pub async fn wait_started(runtime: Py<Runtime>, gate: Py<Gate>) -> PyResult<Value> {
    wait(runtime, gate).await
}

/// Call Python and await what it returns.
#[pyfunction(runtime = runtime.get().inner(), spawn)]
pub async fn call_back(
    runtime: Py<Runtime>,
    caller: Caller,
    function: LoopBound<Py<PyAny>>,
    number: i64,
) -> PyResult<i64> {
    drop(runtime);
    let called = caller.call(move |py| function.get(py).bind(py).call1((number,)), |result| result?.extract::<i64>());
    Ok(called.await? + 1)
}

/// An object with methods that are awaited.
#[pyclass(frozen, weakref, name = "Connection")]
#[derive(Debug)]
pub struct Client {
    runtime: crossawait_core::Runtime,
    count: AtomicU64,
}

impl Client {
    /// Has its futures run by `runtime`.
    pub fn over(runtime: crossawait_core::Runtime) -> Self {
        Self { runtime, count: AtomicU64::new(0) }
    }
}

#[pymethods(runtime = self.runtime)]
impl Client {
    #[new]
    fn new(runtime: &Bound<'_, Runtime>) -> Self {
        Self::over(runtime.get().inner().clone())
    }

    /// Make one.
    #[staticmethod]
    #[crossawait(runtime = runtime.get().inner(), blocking = connect_blocking)]
    async fn connect(runtime: Py<Runtime>) -> Self {
        Self::over(runtime.get().inner().clone())
    }

    /// What has been added up.
    #[getter]
    fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Add to the count, and return it.
    #[crossawait(blocking = add_blocking)]
    #[pyo3(signature = (by = 1))]
    async fn add(&self, by: u64) -> u64 {
        self.count.fetch_add(by, Ordering::Relaxed) + by
    }

    /// Wait for the gate, and count it.
    #[crossawait(spawn, blocking = wait_blocking)]
    async fn wait(&self, gate: Py<Gate>) -> PyResult<Value> {
        let value = gate.get().future().await;
        self.add(1).await;
        value
    }

    /// Wait for the gate from now on.
    #[crossawait(awaitable)]
    #[pyo3(name = "start")]
    async fn wait_started(&self, gate: Py<Gate>) -> PyResult<Value> {
        self.wait(gate).await
    }

    /// Add what the function gives.
    async fn add_from(&self, function: LoopBound<Py<PyAny>>, caller: Caller) -> PyResult<u64> {
        let given = caller.call(move |py| function.get(py).bind(py).call0(), |result| result?.extract::<u64>());
        Ok(self.add(given.await?).await)
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    async fn __anext__(&self) -> PyResult<u64> {
        match self.add(1).await {
            count @ ..4 => Ok(count),
            _ => Err(PyStopAsyncIteration::new_err(())),
        }
    }

    async fn __aenter__(&self) -> u64 {
        self.add(10).await
    }

    async fn __aexit__(&self, kind: Option<Py<PyAny>>, error: Option<Py<PyAny>>, traceback: Option<Py<PyAny>>) -> bool {
        drop((kind, traceback));
        self.add(100).await;
        error.is_some()
    }
}
