//! The Python classes of the extension.

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossawait_async_std::AsyncStd;
use crossawait_core::{Awaitable, Coroutine, Executor, Options};
use crossawait_smol::Smol;
use crossawait_tokio::Tokio;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::custom::Custom;
use crate::gate;
use crate::losing::{Alarmed, Dropping, Keeping, Rejecting};
use crate::probe::{Place, Probe};
use crate::value::Value;

/// How a future is to end.
#[derive(Debug)]
enum Ending {
    Give(Value),
    Fail(PyErr),
    Panic(String),
}

/// A Rust future that stays pending until it is told how to end, and its record.
#[pyclass(frozen)]
#[derive(Debug)]
pub struct Gate {
    gate: gate::Gate<Ending>,
    probe: Probe,
}

impl Gate {
    pub(crate) fn future(&self) -> impl Future<Output = PyResult<Value>> + Send + 'static {
        let gate = self.gate.clone();
        self.probe.watch(async move {
            match gate.await {
                Ending::Give(value) => Ok(value),
                Ending::Fail(error) => Err(error),
                Ending::Panic(message) => panic!("{message}"),
            }
        })
    }

    /// Ends the future, from this thread or from one that Python does not know.
    fn end(&self, ending: Ending, elsewhere: bool) {
        let gate = self.gate.clone();
        if elsewhere {
            thread::spawn(move || gate.open(ending));
        } else {
            gate.open(ending);
        }
    }
}

fn here(places: &[Place]) -> Vec<bool> {
    places.iter().map(|place| place.thread == thread::current().id()).collect()
}

#[pymethods]
impl Gate {
    #[new]
    fn new() -> Self {
        Self { gate: gate::Gate::new(), probe: Probe::new() }
    }

    /// Ends the future with this object.
    #[pyo3(signature = (value = None, *, elsewhere = false))]
    fn give(&self, py: Python<'_>, value: Option<Py<PyAny>>, elsewhere: bool) {
        self.end(Ending::Give(Value::Object(value.unwrap_or_else(|| py.None()))), elsewhere);
    }

    /// Ends the future with this exception.
    #[pyo3(signature = (exception, *, elsewhere = false))]
    fn fail(&self, exception: Bound<'_, PyAny>, elsewhere: bool) {
        self.end(Ending::Fail(PyErr::from_value(exception)), elsewhere);
    }

    /// Has the future panic.
    #[pyo3(signature = (message, *, elsewhere = false))]
    fn panic(&self, message: String, elsewhere: bool) {
        self.end(Ending::Panic(message), elsewhere);
    }

    /// Ends the future with a value that is no Python object yet: "pair", "big", "fails" or "panics"; or with an error
    /// whose arguments cannot be made Python objects: "error fails".
    #[pyo3(signature = (kind, *, elsewhere = false))]
    fn odd(&self, kind: &str, elsewhere: bool) -> PyResult<()> {
        let value = match kind {
            "pair" => Value::Pair(1, 2),
            "big" => Value::Big(u128::MAX),
            "fails" => Value::Fails,
            "panics" => Value::Panics,
            "error fails" => {
                self.end(Ending::Fail(PyValueError::new_err(Value::Fails)), elsewhere);
                return Ok(());
            }
            _ => return Err(PyValueError::new_err("there is no such value")),
        };
        self.end(Ending::Give(value), elsewhere);
        Ok(())
    }

    /// Ends the future with a value whose conversion to Python calls this function and gives what it returns.
    #[pyo3(signature = (function, *, elsewhere = false))]
    fn call(&self, function: Py<PyAny>, elsewhere: bool) {
        self.end(Ending::Give(Value::Calls(function)), elsewhere);
    }

    /// How often the future was polled.
    #[getter]
    fn polls(&self) -> usize {
        self.probe.seen().polls.len()
    }

    /// How often it was dropped.
    #[getter]
    fn drops(&self) -> usize {
        self.probe.seen().drops.len()
    }

    /// How often it was woken.
    #[getter]
    fn wakes(&self) -> usize {
        self.probe.seen().wakes
    }

    /// For each poll, whether it was on this thread.
    #[getter]
    fn polled_here(&self) -> Vec<bool> {
        here(&self.probe.seen().polls)
    }

    /// For each drop, whether it was on this thread.
    #[getter]
    fn dropped_here(&self) -> Vec<bool> {
        here(&self.probe.seen().drops)
    }

    /// Blocks until the future has been polled that often.
    #[pyo3(signature = (times = 1))]
    fn wait_polled(&self, py: Python<'_>, times: usize) {
        py.detach(|| self.probe.wait_polled(times));
    }

    /// Blocks until the future has been dropped.
    fn wait_dropped(&self, py: Python<'_>) {
        py.detach(|| self.probe.wait_dropped());
    }
}

/// A runtime of any kind.
#[pyclass(frozen)]
#[derive(Debug)]
pub struct Runtime {
    runtime: crossawait_core::Runtime,
}

fn executor(name: &str, options: &Options) -> PyResult<Arc<dyn Executor>> {
    Ok(match name {
        "tokio" => Arc::new(Tokio::with_options(options)?),
        "async-std" => Arc::new(AsyncStd::new()?),
        "smol" => Arc::new(Smol::with_options(options)?),
        "custom" => Arc::new(Custom::new(options.workers_or_default(), "custom")),
        "rejecting" => Arc::new(Rejecting),
        "dropping" => Arc::new(Dropping),
        "keeping" => Arc::new(Keeping::default()),
        "alarmed" => Arc::new(Alarmed::default()),
        _ => return Err(PyValueError::new_err("there is no such runtime")),
    })
}

#[pymethods]
impl Runtime {
    #[new]
    #[pyo3(signature = (name = "tokio", *, worker_threads = 2))]
    fn new(name: &str, worker_threads: usize) -> PyResult<Self> {
        let options = Options::new().worker_threads(worker_threads);
        Ok(Self { runtime: crossawait_core::Runtime::from_arc(executor(name, &options)?) })
    }

    /// The gate's future as an `Awaitable`; `placement` is "spawn", "poll_first" or "lazy".
    #[pyo3(signature = (gate, placement = "spawn", *, name = String::new()))]
    fn awaitable<'py>(
        &self,
        gate: &Bound<'py, Gate>,
        placement: &str,
        name: String,
    ) -> PyResult<Bound<'py, Awaitable>> {
        self.builder(placement, name)?.future_into_py(gate.py(), gate.get().future())
    }

    /// The gate's future as a `Coroutine`; `placement` is "spawn" or "poll_first".
    #[pyo3(signature = (gate, placement = "poll_first", *, name = String::new()))]
    fn coroutine<'py>(
        &self,
        gate: &Bound<'py, Gate>,
        placement: &str,
        name: String,
    ) -> PyResult<Bound<'py, Coroutine>> {
        self.builder(placement, name)?.coroutine_into_py(gate.py(), gate.get().future())
    }

    /// An awaitable of nothing, Rust's `()`.
    fn nothing<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Awaitable>> {
        self.runtime.future_into_py(py, async { Ok::<_, PyErr>(()) })
    }

    /// Runs a function on the blocking pool.
    #[pyo3(signature = (function, /, *args))]
    fn call_blocking<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, Coroutine>> {
        self.runtime.call_blocking(function, args)
    }

    /// The counters, as a dictionary.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let metrics = self.runtime.metrics();
        let counters = PyDict::new(py);
        counters.set_item("spawned", metrics.tasks_spawned)?;
        counters.set_item("settled", metrics.tasks_settled)?;
        counters.set_item("wakes", metrics.event_loops.wakes)?;
        counters.set_item("batches", metrics.event_loops.batches)?;
        counters.set_item("completions", metrics.event_loops.completions)?;
        Ok(counters)
    }

    /// Shuts the runtime down, and waits for its threads.
    fn shutdown(&self, py: Python<'_>) -> PyResult<()> {
        self.runtime.shutdown(py, Duration::from_secs(60))
    }
}

impl Runtime {
    pub(crate) fn inner(&self) -> &crossawait_core::Runtime {
        &self.runtime
    }

    fn builder(&self, placement: &str, name: String) -> PyResult<crossawait_core::Builder<'_>> {
        // Names are static, as those of functions are. This one lives as long.
        let builder = self.runtime.builder().name(name.leak());
        Ok(match placement {
            "spawn" => builder.spawn(),
            "poll_first" => builder.poll_first(),
            "lazy" => builder.lazy(),
            _ => return Err(PyRuntimeError::new_err("there is no such placement")),
        })
    }
}
