//! An awaitable that is pending at first, with the four things that asyncio wants of it and nothing else.

#![expect(clippy::disallowed_methods, reason = "a thread that attaches to Python is what this module shows")]

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Pending until it is settled, then ready: the least that an `asyncio.Task` can wait for.
#[pyclass(frozen, module = "awaitable_example")]
#[derive(Debug)]
pub struct Later {
    blocking: AtomicBool,
    event_loop: Py<PyAny>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    value: Option<u64>,
    callbacks: Vec<Waiting>,
}

/// A callback, and the context to call it in.
#[derive(Debug)]
struct Waiting(Py<PyAny>, Py<PyAny>);

#[pymethods]
impl Later {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?.unbind();
        Ok(Self { blocking: AtomicBool::new(false), event_loop, state: Mutex::default() })
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(slf: Py<Self>) -> PyResult<Py<Self>> {
        if let Some(value) = slf.get().result() {
            return Err(PyStopIteration::new_err(value));
        }
        slf.get().blocking.store(true, Ordering::Relaxed);
        Ok(slf)
    }

    /// The first of the four.
    #[getter(_asyncio_future_blocking)]
    fn blocking(&self) -> bool {
        self.blocking.load(Ordering::Relaxed)
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&self, blocking: bool) {
        self.blocking.store(blocking, Ordering::Relaxed);
    }

    /// The second.
    #[getter]
    fn _loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop.clone_ref(py)
    }

    /// The third.
    #[pyo3(signature = (callback, *, context))]
    fn add_done_callback(slf: &Bound<'_, Self>, callback: Py<PyAny>, context: Py<PyAny>) -> PyResult<()> {
        let waiting = Waiting(callback, context);
        let mut state = slf.get().state();
        if state.value.is_some() {
            drop(state);
            return Self::schedule(slf, "call_soon", &waiting);
        }
        state.callbacks.push(waiting);
        Ok(())
    }

    /// The fourth.
    fn result(&self) -> Option<u64> {
        self.state().value
    }

    /// Has a Rust thread settle it.
    fn settle_elsewhere(slf: Py<Self>, value: u64) -> Thread {
        Thread::start(move || {
            Python::attach(|py| {
                let later = slf.into_bound(py);
                if let Err(error) = Self::settle(&later, value) {
                    error.write_unraisable(py, Some(&later));
                }
            });
        })
    }
}

impl Later {
    fn settle(slf: &Bound<'_, Self>, value: u64) -> PyResult<()> {
        let callbacks = {
            let mut state = slf.get().state();
            state.value = Some(value);
            mem::take(&mut state.callbacks)
        };
        callbacks.iter().try_for_each(|waiting| Self::schedule(slf, "call_soon_threadsafe", waiting))
    }

    fn schedule(slf: &Bound<'_, Self>, method: &str, Waiting(callback, context): &Waiting) -> PyResult<()> {
        let py = slf.py();
        let keywords = PyDict::new(py);
        keywords.set_item("context", context)?;
        slf.get().event_loop.bind(py).call_method(method, (callback, slf), Some(&keywords))?;
        Ok(())
    }

    /// Never held while Python runs: whoever waits for it may be holding the interpreter.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that attaches to Python, and therefore has to end before the interpreter does.
#[pyclass(frozen, module = "awaitable_example")]
#[derive(Debug)]
pub struct Thread(Mutex<Option<JoinHandle<()>>>);

impl Thread {
    fn start(work: impl FnOnce() + Send + 'static) -> Self {
        Self(Mutex::new(Some(thread::spawn(work))))
    }
}

#[pymethods]
impl Thread {
    /// Wait for its end.
    fn join(&self, py: Python<'_>) {
        let handle = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle {
            // Detached, since the thread needs the interpreter to come to its end. A panic in it was printed there.
            let _ = py.detach(|| handle.join());
        }
    }
}
