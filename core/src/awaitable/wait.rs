//! Waiting for an awaitable without an event loop.

use std::time::{Duration, Instant};

use pyo3::exceptions::{PyOverflowError, PyRuntimeError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;

use super::{Awaitable, Role};
use crate::asyncio;
use crate::event_loop::{EventLoop, Standing};
use crate::fresh_thread::SIGNAL_CHECK;

impl Awaitable {
    /// Blocks until settled or until `timeout` seconds have passed; see `wait` in Python.
    pub(super) fn block(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        self.check_process(py)?;
        let deadline = timeout.map(deadline_after).transpose()?;
        self.start(py);
        let _blocked = if self.is_settled() {
            None
        } else {
            self.check_not_polled_here(py)?;
            EventLoop::block_running(py)?
        };
        loop {
            let now = Instant::now();
            let slice = deadline.map_or(now + SIGNAL_CHECK, |end| end.min(now + SIGNAL_CHECK));
            if py.detach(|| self.cell.header().block_until(slice)) {
                break;
            }
            py.check_signals()?;
            self.close_if_stopped();
            if deadline.is_some_and(|end| Instant::now() >= end) {
                return Err(PyTimeoutError::new_err("the awaitable has not settled in time"));
            }
        }
        self.take_up(py)?.unwrap_or_else(|| Err(asyncio::invalid_state(py, "Result is not set.")))
    }

    /// Fails if it is the loop of this thread that would have to settle it: a wait here would be for ever.
    fn check_not_polled_here(&self, py: Python<'_>) -> PyResult<()> {
        if self.role != Role::Local {
            return Ok(());
        }
        let python_loop = self.inner.lock().home.as_ref().map(|home| home.python_loop.clone_ref(py));
        let here = python_loop.map(|python_loop| EventLoop::standing(python_loop.bind(py))).transpose()?;
        if here == Some(Standing::Inside) {
            return Err(PyRuntimeError::new_err(
                "a local future is polled by its event loop, which a wait on its own thread would block; await it instead",
            ));
        }
        Ok(())
    }
}

fn deadline_after(seconds: f64) -> PyResult<Instant> {
    if seconds.is_nan() {
        return Err(PyValueError::new_err("timeout must be a number of seconds, not NaN"));
    }
    Duration::try_from_secs_f64(seconds.max(0.0))
        .ok()
        .and_then(|duration| Instant::now().checked_add(duration))
        .ok_or_else(|| PyOverflowError::new_err("timeout is too large; pass None to wait for ever"))
}
