//! `Interval`: ticks, evenly spaced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossawait_core::{Coroutine, Runtime};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::error::SocketError;

/// Asynchronous iterator over ticks: 0, 1, 2 …, the first one period after it was made.
///
/// A consumer that is late gets the next tick at once and then the ones still due: missed ticks are skipped. A
/// cancelled `__anext__` takes no tick with it.
#[pyclass(frozen, module = "crossawait")]
pub(crate) struct Interval {
    runtime: Runtime,
    clock: Arc<Mutex<Clock>>,
}

struct Clock {
    period: Duration,
    next: Instant,
    count: u64,
}

impl Interval {
    pub(crate) fn new(runtime: Runtime, period: Duration) -> Self {
        let next = Instant::now() + period;
        Self { runtime, clock: Arc::new(Mutex::new(Clock { period, next, count: 0 })) }
    }
}

#[pymethods]
impl Interval {
    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        self.runtime.check_process(py, "interval")?;
        let runtime = self.runtime.admit(py)?;
        let (clock, weak) = (self.clock.clone(), runtime.downgrade());
        runtime.builder().spawn().name("Interval.__anext__").coroutine_into_py(py, async move {
            // Looked at now, and not when the coroutine was made: it may be awaited much later.
            let wait = clock.lock().next.saturating_duration_since(Instant::now());
            let sleep = crate::runtime::sleep_on(&weak.upgrade().ok_or(SocketError::RuntimeClosed)?, wait)?;
            sleep.await;
            Ok::<_, PyErr>(Tick(clock))
        })
    }
}

/// A tick that is due; it counts when somebody takes it.
struct Tick(Arc<Mutex<Clock>>);

impl<'py> IntoPyObject<'py> for Tick {
    type Target = pyo3::types::PyInt;
    type Output = Bound<'py, Self::Target>;
    type Error = std::convert::Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        let number = self.0.lock().take(Instant::now());
        number.into_pyobject(py)
    }
}

impl Clock {
    fn take(&mut self, now: Instant) -> u64 {
        let late = now.saturating_duration_since(self.next);
        // What is left of the period that is under way.
        let rest = late.as_nanos() % self.period.as_nanos().max(1);
        self.next = now.max(self.next) + self.period - Duration::from_nanos(rest as u64);
        let number = self.count;
        self.count += 1;
        number
    }
}
