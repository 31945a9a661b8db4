//! Values that a Rust future keeps and that have to be dropped where Python is.

use std::sync::Arc;

use pyo3::Borrowed;
use pyo3::prelude::*;

use crate::event_loop::EventLoop;
use crate::event_loop::queue::{Message, Queue};

/// A value that is dropped on the thread of an event loop, whichever thread lets go of it.
///
/// For Python objects, and what contains them, that a Rust future holds: a runtime's thread is not attached to the
/// interpreter, where a plain `Py` is put on a list of PyO3's until somebody attaches. If the loop is closed, the value
/// is dropped where it is, and that is what happens.
pub struct LoopBound<T: Send + 'static> {
    /// `None` only while it is dropped.
    value: Option<T>,
    queue: Arc<Queue>,
}

impl<T: Send + 'static> LoopBound<T> {
    /// Binds `value` to the loop that runs in this thread.
    ///
    /// # Errors
    /// `RuntimeError` if no loop runs in this thread.
    pub fn new(py: Python<'_>, value: T) -> PyResult<Self> {
        let (_, event_loop) = EventLoop::running(py)?.ok_or_else(crate::asyncio::no_running_loop)?;
        Ok(Self::to(event_loop.queue().clone(), value))
    }

    pub(crate) fn to(queue: Arc<Queue>, value: T) -> Self {
        Self { value: Some(value), queue }
    }

    /// The value, for whoever sees to it that it is dropped where it should be.
    pub(crate) fn into_inner(mut self) -> T {
        match self.value.take() {
            Some(value) => value,
            None => unreachable!("only `drop` takes the value, and this once"),
        }
    }

    /// The value, for a thread that is attached.
    pub fn get<'a>(&'a self, _py: Python<'_>) -> &'a T {
        match &self.value {
            Some(value) => value,
            None => unreachable!("only `drop` takes the value"),
        }
    }
}

/// An argument of a Python function, bound to the loop that runs in this thread; `RuntimeError` if there is none.
impl<'a, 'py, T: FromPyObject<'a, 'py> + Send + 'static> FromPyObject<'a, 'py> for LoopBound<T> {
    type Error = PyErr;

    #[cfg(feature = "experimental-inspect")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = T::INPUT_TYPE;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Self::new(object.py(), object.extract().map_err(Into::into)?)
    }
}

impl<T: Send + 'static> Drop for LoopBound<T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            // What a closed loop sends back is dropped here.
            let _ = self.queue.push(Message::Drop(Box::new(value)));
        }
    }
}

impl<T: Send + 'static> std::fmt::Debug for LoopBound<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoopBound").finish_non_exhaustive()
    }
}
