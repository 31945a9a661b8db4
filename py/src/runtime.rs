//! `Runtime` and its verbs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crossawait_core::io::{Accept, BoxFuture, Network, Socket};
use crossawait_core::{Coroutine, Options, Runtime, WeakRuntime};
use pyo3::exceptions::{PyOverflowError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::connected::Connected;
use crate::echo;
use crate::error::SocketError;
use crate::interval::Interval;
use crate::listener::Started;
use crate::{address, backend};

/// A Rust runtime, started. See `crossawait.Runtime` for what its verbs promise.
#[pyclass(frozen, weakref, name = "Runtime", module = "crossawait")]
pub(crate) struct PyRuntime {
    runtime: Runtime,
}

impl PyRuntime {
    /// For making coroutines: open, and of this process.
    fn admit(&self, py: Python<'_>) -> PyResult<&Runtime> {
        self.runtime.admit(py)
    }
}

#[pymethods]
impl PyRuntime {
    #[new]
    #[pyo3(signature = (name = None, *, worker_threads = None, max_blocking_threads = None, thread_name = None))]
    fn new(
        py: Python<'_>,
        name: Option<&str>,
        worker_threads: Option<Bound<'_, PyAny>>,
        max_blocking_threads: Option<Bound<'_, PyAny>>,
        thread_name: Option<String>,
    ) -> PyResult<Self> {
        let mut options = Options::new();
        options.worker_threads = count("worker_threads", worker_threads)?;
        options.max_blocking_threads = count("max_blocking_threads", max_blocking_threads)?;
        options.thread_name = thread_name;
        let runtime = Runtime::from_arc(backend::start(py, name, &options)?);
        // Listed for interpreter exit from the start, not from the first use.
        runtime.admit(py)?;
        Ok(Self { runtime })
    }

    /// The runtime's name, such as "tokio".
    #[getter]
    fn name(&self) -> &str {
        self.runtime.executor().name()
    }

    /// Whether it has been shut down.
    #[getter]
    fn closed(&self, py: Python<'_>) -> bool {
        // In a forked child where it cannot start afresh it is as good as closed.
        self.runtime.live(py).map_or(true, Runtime::is_closed)
    }

    /// Sleep for `seconds`, on the runtime's timers.
    fn sleep<'py>(&self, py: Python<'py>, seconds: f64) -> PyResult<Bound<'py, Coroutine>> {
        let runtime = self.admit(py)?;
        let sleep = sleep_on(runtime, duration(seconds)?)?;
        runtime.builder().spawn().name("sleep").coroutine_into_py(py, async move {
            sleep.await;
            Ok::<_, PyErr>(())
        })
    }

    /// Suspend once: the smallest crossing to the runtime and back.
    fn yield_now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let builder = self.admit(py)?.builder().spawn().name("yield_now");
        builder.coroutine_into_py(py, async { Ok::<_, PyErr>(()) })
    }

    /// Asynchronous iterator over ticks, `seconds` apart.
    fn interval(&self, py: Python<'_>, seconds: f64) -> PyResult<Interval> {
        let period = duration(seconds)?;
        if period.is_zero() {
            return Err(PyValueError::new_err("the period of an interval must be more than 0 seconds"));
        }
        Ok(Interval::new(self.admit(py)?.clone(), period))
    }

    /// Call `function(*args)` on the blocking pool, in a copy of the current context.
    #[pyo3(signature = (function, /, *args))]
    fn run_blocking<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, Coroutine>> {
        self.runtime.call_blocking(function, args)
    }

    /// Connect a TCP stream.
    fn connect<'py>(&self, py: Python<'py>, host: String, port: i64) -> PyResult<Bound<'py, Coroutine>> {
        let (host, port) = (address::host(host)?, address::port(port)?);
        let runtime = self.admit(py)?;
        let weak = runtime.downgrade();
        runtime.builder().name("connect").coroutine_into_py(py, async move {
            let addresses = address::resolve(&weak, host, port).await?;
            let socket = first_that_works(addresses, |address| with_network(&weak, |net| net.connect_tcp(address)));
            let socket = socket.await?;
            Ok::<_, SocketError>(Connected { runtime: weak, socket })
        })
    }

    /// Connect to a Unix socket.
    fn connect_unix<'py>(&self, py: Python<'py>, path: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Coroutine>> {
        let path = address::unix_path(path)?;
        let runtime = self.admit(py)?;
        let weak = runtime.downgrade();
        runtime.builder().name("connect_unix").coroutine_into_py(py, async move {
            let socket: Socket = with_network(&weak, |net| net.connect_unix(path))?.await?;
            Ok::<_, SocketError>(Connected { runtime: weak, socket })
        })
    }

    /// Listen for TCP connections.
    fn listen<'py>(&self, py: Python<'py>, host: String, port: i64) -> PyResult<Bound<'py, Coroutine>> {
        let (host, port) = (address::host(host)?, address::port(port)?);
        let runtime = self.admit(py)?;
        let weak = runtime.downgrade();
        runtime.builder().name("listen").coroutine_into_py(py, async move {
            let addresses = address::resolve(&weak, host, port).await?;
            let listener = first_that_works(addresses, |address| with_network(&weak, |net| net.listen_tcp(address)));
            let accept = listener.await?;
            Ok::<_, SocketError>(Started { runtime: weak, accept })
        })
    }

    /// Listen on a Unix socket.
    fn listen_unix<'py>(&self, py: Python<'py>, path: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Coroutine>> {
        let path = address::unix_path(path)?;
        let runtime = self.admit(py)?;
        let weak = runtime.downgrade();
        runtime.builder().name("listen_unix").coroutine_into_py(py, async move {
            let accept: Arc<dyn Accept> = with_network(&weak, |net| net.listen_unix(path))?.await?;
            Ok::<_, SocketError>(Started { runtime: weak, accept })
        })
    }

    /// For `crossawait bench` alone: two ends of a connection that talk without Python.
    fn _echo<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let runtime = self.admit(py)?;
        runtime.builder().name("_echo").coroutine_into_py(py, echo::connect(runtime.downgrade()))
    }

    /// What the runtime has done so far, as a `crossawait.Metrics`.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let runtime = self.runtime.live(py)?;
        let metrics = runtime.metrics();
        let fields = PyDict::new(py);
        fields.set_item("runtime", self.name())?;
        fields.set_item("worker_threads", metrics.worker_threads)?;
        fields.set_item("tasks_spawned", metrics.tasks_spawned)?;
        fields.set_item("tasks_settled", metrics.tasks_settled)?;
        fields.set_item("tasks_pending", metrics.tasks_pending())?;
        fields.set_item("blocking_calls", metrics.blocking_calls)?;
        fields.set_item("wakes", metrics.event_loops.wakes)?;
        fields.set_item("batches", metrics.event_loops.batches)?;
        fields.set_item("completions", metrics.event_loops.completions)?;
        py.import("crossawait")?.getattr("Metrics")?.call((), Some(&fields))
    }

    /// Stop taking work, drop what is unfinished, and wait up to `timeout` seconds for the threads. None: for ever.
    #[pyo3(signature = (timeout = Some(5.0)), text_signature = "($self, timeout=5.0)")]
    fn shutdown(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        self.runtime.shutdown(py, patience(timeout)?)
    }

    /// As `shutdown`, without blocking the event loop.
    #[pyo3(signature = (timeout = Some(5.0)), text_signature = "($self, timeout=5.0)")]
    fn aclose<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, Coroutine>> {
        self.runtime.shutdown_into_py(py, patience(timeout)?)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.shutdown(py, Some(5.0))
    }

    fn __aenter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Coroutine>> {
        let runtime = slf.clone().unbind();
        slf.get()
            .admit(slf.py())?
            .builder()
            .name("__aenter__")
            .coroutine_into_py(slf.py(), async move { Ok::<_, PyErr>(runtime) })
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__<'py>(&self, py: Python<'py>, _exception: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, Coroutine>> {
        self.aclose(py, Some(5.0))
    }

    fn __repr__(&self) -> String {
        let state = if self.runtime.is_closed() { "closed" } else { "open" };
        format!("<Runtime {} {state}>", self.name())
    }
}

/// A count from Python: anything that is no number of threads is a `ValueError` that says so.
fn count(option: &str, given: Option<Bound<'_, PyAny>>) -> PyResult<Option<usize>> {
    let Some(given) = given else {
        return Ok(None);
    };
    // Negative and huge numbers fail here, zero and absurd ones in `Options::check`.
    match given.extract::<usize>() {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.is_instance_of::<PyOverflowError>(given.py()) => {
            Err(PyValueError::new_err(format!("{option} must be a positive number of threads, not {given}")))
        }
        Err(error) => Err(error),
    }
}

/// Seconds from Python; negative ones count as 0, as for `asyncio.sleep`.
fn duration(seconds: f64) -> PyResult<Duration> {
    if seconds.is_nan() {
        return Err(PyValueError::new_err("seconds must be a number, not NaN"));
    }
    Duration::try_from_secs_f64(seconds.max(0.0))
        .ok()
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| PyOverflowError::new_err("that is too many seconds"))
}

/// A century: what fits every runtime's clock.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

fn patience(timeout: Option<f64>) -> PyResult<Duration> {
    timeout.map_or(Ok(LONGEST), duration)
}

/// A timer of the runtime's.
pub(crate) fn sleep_on(runtime: &Runtime, duration: Duration) -> PyResult<BoxFuture<()>> {
    let timers = runtime.executor().timers();
    Ok(timers.ok_or_else(|| PyRuntimeError::new_err("this runtime has no timers"))?.sleep(duration))
}

/// Asks the runtime's network, if the runtime is still there.
pub(crate) fn with_network<T>(runtime: &WeakRuntime, ask: impl FnOnce(&dyn Network) -> T) -> Result<T, SocketError> {
    let runtime = runtime.upgrade().ok_or(SocketError::RuntimeClosed)?;
    let network = runtime.executor().network().ok_or(SocketError::RuntimeClosed)?;
    Ok(ask(network))
}

/// Tries one address after the other. The error is that of the last.
async fn first_that_works<T>(
    addresses: Vec<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> Result<BoxFuture<std::io::Result<T>>, SocketError>,
) -> Result<T, SocketError> {
    let mut result = Err(SocketError::RuntimeClosed);
    for address in addresses {
        result = attempt(address)?.await.map_err(SocketError::System);
        if result.is_ok() {
            break;
        }
    }
    result
}
