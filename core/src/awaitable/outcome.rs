//! The outcome of an awaitable: converted once, kept, and handed to whoever asks.

use std::mem;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyStopIteration, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyTraceback, PyTuple, PyType};

use super::{Awaitable, Role};
use crate::asyncio;
use crate::error::raise;
use crate::sync::Listener;
use crate::task::{Phase, take_outcome};

/// What is known of the outcome on Python's side.
#[derive(Default)]
pub(super) enum Outcome {
    /// Nothing: ask the cell.
    #[default]
    Pending,
    /// A thread is converting it; to that thread it is still pending.
    Converting(ThreadId),
    Value(Py<PyAny>),
    Raised {
        exception: Py<PyBaseException>,
        /// The traceback when it settled. Raising again and again would otherwise make it longer each time.
        traceback: Option<Py<PyTraceback>>,
    },
}

impl Outcome {
    fn from_result(py: Python<'_>, result: PyResult<Py<PyAny>>) -> Self {
        match result {
            Ok(value) => Outcome::Value(value),
            Err(error) => Outcome::from_error(py, error),
        }
    }

    fn from_error(py: Python<'_>, error: PyErr) -> Self {
        let traceback = error.traceback(py).map(Bound::unbind);
        Outcome::Raised { exception: error.into_value(py), traceback }
    }

    /// As `asyncio.Future.set_exception` takes it: an instance or a class, but not `StopIteration`.
    pub(super) fn from_exception(exception: Bound<'_, PyAny>) -> PyResult<Self> {
        let py = exception.py();
        let exception = match exception.cast::<PyType>() {
            Ok(class) if class.is_subclass_of::<PyBaseException>()? => class.call0()?,
            _ => exception,
        };
        let exception =
            exception.cast_into::<PyBaseException>().map_err(|_| PyTypeError::new_err("invalid exception object"))?;
        let error = PyErr::from_value(exception.into_any());
        if !error.is_instance_of::<PyStopIteration>(py) {
            return Ok(Self::from_error(py, error));
        }
        // An await would take it for its result. CPython refuses it up to 3.12, and wraps it since.
        let message = "StopIteration interacts badly with generators and cannot be raised into a Future";
        if py.version_info() < (3, 13) {
            return Err(PyTypeError::new_err(message));
        }
        Ok(Self::from_error(py, crate::error::instead_of(py, PyRuntimeError::new_err(message), error)))
    }

    /// A copy for the caller; `None` if there is nothing to copy.
    fn get(&self, py: Python<'_>) -> Option<Seen> {
        match self {
            Outcome::Pending | Outcome::Converting(_) => None,
            Outcome::Value(value) => Some(Seen::Value(value.clone_ref(py))),
            Outcome::Raised { exception, traceback } => {
                Some(Seen::Raised(exception.clone_ref(py), traceback.as_ref().map(|traceback| traceback.clone_ref(py))))
            }
        }
    }
}

/// A settled outcome, as seen by one caller.
enum Seen {
    Value(Py<PyAny>),
    Raised(Py<PyBaseException>, Option<Py<PyTraceback>>),
    Cancelled,
}

/// What a look at the lock-protected part told.
enum Look {
    Seen(Seen),
    NotYet,
    ConvertNow,
    ConvertedElsewhere,
}

impl Awaitable {
    /// Fails unless `set_result` or `set_exception` may be called now.
    pub(super) fn check_settable(&self, py: Python<'_>) -> PyResult<()> {
        self.check_usable(py)?;
        if self.role != Role::Manual {
            return Err(PyRuntimeError::new_err("this Awaitable is settled by its Rust future, not from Python"));
        }
        if self.is_settled() {
            return Err(asyncio::invalid_state(py, "invalid state"));
        }
        Ok(())
    }

    /// `set_result` and `set_exception`: on an awaitable made in Python only, and from any thread.
    pub(super) fn settle_from_python(slf: &Bound<'_, Self>, outcome: Outcome) -> PyResult<()> {
        let this = slf.get();
        let py = slf.py();
        this.check_settable(py)?;
        let header = this.cell.header();
        let (settled, waited_for) = {
            let mut inner = this.inner.lock();
            let settled = header.leave_pending(Phase::Taken);
            if settled.is_some() {
                // Under the lock, so that whoever sees the phase finds the outcome.
                inner.outcome = outcome;
                inner.retrieved = false;
            }
            (settled, !inner.waiters.as_slice().is_empty())
        };
        let Some(before) = settled else {
            return Err(asyncio::invalid_state(py, "invalid state"));
        };
        header.tell_others(before);
        if waited_for { Self::notify(slf) } else { Ok(()) }
    }

    /// True from the moment the outcome is stored, except to code that runs while it is being converted.
    pub(super) fn is_done(&self) -> bool {
        match &self.inner.lock().outcome {
            Outcome::Pending => self.is_settled(),
            Outcome::Converting(thread) => *thread != thread::current().id(),
            _ => true,
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cell.header().phase() == Phase::Cancelled
    }

    /// The result or the error to raise; `None` while pending. The outcome counts as retrieved.
    pub(crate) fn take_up(&self, py: Python<'_>) -> PyResult<Option<PyResult<Py<PyAny>>>> {
        self.check_process(py)?;
        Ok(match self.resolve(py, true) {
            None => None,
            Some(Seen::Value(value)) => Some(Ok(value)),
            Some(Seen::Raised(exception, traceback)) => Some(Err(raise_again(py, exception, traceback.as_ref()))),
            Some(Seen::Cancelled) => Some(Err(self.cancelled_error(py)?)),
        })
    }

    /// The exception it settled with, for `exception()`.
    pub(super) fn raised(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match self.resolve(py, true) {
            None => Err(asyncio::invalid_state(py, "Exception is not set.")),
            Some(Seen::Value(_)) => Ok(None),
            Some(Seen::Raised(exception, _)) => Ok(Some(exception.into_any())),
            Some(Seen::Cancelled) => Err(self.cancelled_error(py)?),
        }
    }

    /// The exception if it settled with one that nobody has retrieved.
    pub(super) fn unretrieved(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        if self.inner.lock().retrieved || !self.is_settled() {
            return None;
        }
        match self.resolve(py, false) {
            Some(Seen::Raised(exception, _)) => Some(exception.into_any()),
            _ => None,
        }
    }

    pub(super) fn cancelled_error(&self, py: Python<'_>) -> PyResult<PyErr> {
        Ok(raise(self.make_cancelled_error(py)?))
    }

    pub(super) fn make_cancelled_error<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBaseException>> {
        let class = asyncio::cancelled_error(py)?;
        let message = self.inner.lock().cancel_message(py);
        let error = match message {
            Some(message) => class.call1((message,))?,
            None => class.call0()?,
        };
        Ok(error.cast_into()?)
    }

    fn resolve(&self, py: Python<'_>, retrieve: bool) -> Option<Seen> {
        loop {
            match self.look(py, retrieve) {
                Look::Seen(seen) => return Some(seen),
                Look::NotYet => return None,
                Look::ConvertNow => return self.convert(py),
                Look::ConvertedElsewhere => self.await_conversion(py),
            }
        }
    }

    fn look(&self, py: Python<'_>, retrieve: bool) -> Look {
        let mut inner = self.inner.lock();
        inner.retrieved |= retrieve && self.is_settled();
        if let Some(seen) = inner.outcome.get(py) {
            return Look::Seen(seen);
        }
        let me = thread::current().id();
        match (&inner.outcome, self.cell.header().phase()) {
            (Outcome::Converting(thread), _) if *thread == me => Look::NotYet,
            (Outcome::Converting(_), _) => Look::ConvertedElsewhere,
            (_, Phase::Complete | Phase::Closed) => {
                inner.outcome = Outcome::Converting(me);
                Look::ConvertNow
            }
            (_, Phase::Cancelled) => Look::Seen(Seen::Cancelled),
            // Taken: by a conversion whose claim on `outcome` would have been seen above.
            (_, Phase::Pending | Phase::Taken) => Look::NotYet,
        }
    }

    /// Converts what the Rust future left, and gives a copy. The claim is in place, the lock is not held.
    fn convert(&self, py: Python<'_>) -> Option<Seen> {
        let result = take_outcome(&self.cell, py).unwrap_or_else(|| {
            Err(crate::error::runtime_closed(py, "the runtime was shut down before the task had finished"))
        });
        let outcome = Outcome::from_result(py, result);
        let seen = outcome.get(py);
        let claim = mem::replace(&mut self.inner.lock().outcome, outcome);
        debug_assert!(matches!(claim, Outcome::Converting(_)));
        self.cell.header().notify_blocked();
        seen
    }

    /// Sleeps until another thread's conversion may be through.
    ///
    /// The lock is taken attached only: the garbage collector relies on nobody else holding it.
    fn await_conversion(&self, py: Python<'_>) {
        let listener = self.cell.header().listen();
        // The thread that converts takes this lock before it notifies: it sees the listener, or has been seen here.
        let converting = matches!(self.inner.lock().outcome, Outcome::Converting(_));
        if converting {
            // Bounded: the converting thread may be asking for something that this one is to do after all.
            let deadline = Instant::now() + Duration::from_millis(50);
            py.detach(|| listener.wait_deadline(deadline));
        }
    }
}

/// The error that raises `exception`, with the traceback that it had when it settled and no more.
fn raise_again(py: Python<'_>, exception: Py<PyBaseException>, traceback: Option<&Py<PyTraceback>>) -> PyErr {
    // SAFETY: attached, with live references; none is stolen.
    unsafe {
        let traceback = traceback.map_or(ffi::Py_None(), |traceback| traceback.as_ptr());
        ffi::PyException_SetTraceback(exception.as_ptr(), traceback);
    }
    raise(exception.into_bound(py))
}

/// The way `__next__` returns `value`: as the error `StopIteration(value)`, or just the end if it is `None`.
pub(crate) fn stop_iteration(py: Python<'_>, value: Py<PyAny>) -> PyResult<Option<Py<PyAny>>> {
    let bound = value.bind(py);
    if bound.is_none() {
        return Ok(None);
    }
    // A tuple would be taken for the arguments and an exception for the error itself: those two need an instance.
    if bound.is_instance_of::<PyTuple>() || bound.is_instance_of::<PyBaseException>() {
        return Err(raise(py.get_type::<PyStopIteration>().call1((value,))?.cast_into()?));
    }
    Err(PyStopIteration::new_err(value))
}
