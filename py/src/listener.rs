//! `Listener`: a listening socket.

use std::collections::VecDeque;
use std::sync::Arc;

use crossawait_core::io::{Accept, Endpoint, Socket};
use crossawait_core::{Builder, Coroutine, Runtime, WeakRuntime};
use event_listener::Event;
use futures::future::{Either, select};
use parking_lot::Mutex;
use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::connected::Connected;
use crate::error::SocketError;

/// A listening socket, and an asynchronous iterator over its connections. See `crossawait.Listener`.
#[pyclass(frozen, weakref, module = "crossawait")]
pub(crate) struct Listener {
    /// A listener keeps its runtime open.
    runtime: Runtime,
    shared: Arc<Shared>,
}

/// What accepts in flight share.
struct Shared {
    local: Endpoint,
    state: Mutex<State>,
    /// Closed, or a connection was given back: whoever waits looks again.
    changed: Event,
}

struct State {
    /// `None` once closed.
    accept: Option<Arc<dyn Accept>>,
    /// Connections that were accepted for somebody who had gone.
    returned: VecDeque<Socket>,
}

impl Listener {
    pub(crate) fn new(runtime: Runtime, accept: Arc<dyn Accept>) -> Self {
        let shared = Shared {
            local: accept.local().clone(),
            state: Mutex::new(State { accept: Some(accept), returned: VecDeque::new() }),
            changed: Event::new(),
        };
        Self { runtime, shared: Arc::new(shared) }
    }

    /// The builder for a verb. Fails in a forked child, where the socket is the parent's.
    fn verb(&self, py: Python<'_>, name: &'static str) -> PyResult<Builder<'_>> {
        self.runtime.check_process(py, "listener")?;
        Ok(self.runtime.builder().name(name))
    }

    fn start_accept<'py, E>(
        &self,
        py: Python<'py>,
        name: &'static str,
        error: fn(SocketError) -> E,
    ) -> PyResult<Bound<'py, Coroutine>>
    where
        E: Into<PyErr> + Send + 'static,
    {
        let (shared, weak) = (self.shared.clone(), self.runtime.downgrade());
        self.verb(py, name)?.coroutine_into_py(py, async move {
            match shared.accept().await {
                Ok(socket) => Ok(Accepted { socket: Some(socket), shared, runtime: weak }),
                Err(failure) => Err(error(failure)),
            }
        })
    }
}

impl Shared {
    async fn accept(&self) -> Result<Socket, SocketError> {
        loop {
            let changed = self.changed.listen();
            let accept = {
                let mut state = self.state.lock();
                if let Some(socket) = state.returned.pop_front() {
                    return Ok(socket);
                }
                state.accept.clone().ok_or(SocketError::Closed("listener"))?
            };
            if let Either::Left((socket, _)) = select(accept.accept(), changed).await {
                return Ok(socket?);
            }
        }
    }

    fn close(&self) {
        let state = {
            let mut state = self.state.lock();
            (state.accept.take(), std::mem::take(&mut state.returned))
        };
        self.changed.notify(usize::MAX);
        // Closes the socket, once the accepts in flight have let go of it.
        drop(state);
    }
}

/// A new listener on its way to Python; see `Connected`.
pub(crate) struct Started {
    pub(crate) runtime: WeakRuntime,
    pub(crate) accept: Arc<dyn Accept>,
}

impl<'py> IntoPyObject<'py> for Started {
    type Target = Listener;
    type Output = Bound<'py, Listener>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let runtime = self.runtime.upgrade().ok_or(SocketError::RuntimeClosed)?;
        Bound::new(py, Listener::new(runtime, self.accept))
    }
}

/// A connection that waits to be taken by Python. If nobody does, the next accept gets it.
struct Accepted {
    socket: Option<Socket>,
    shared: Arc<Shared>,
    runtime: WeakRuntime,
}

impl<'py> IntoPyObject<'py> for Accepted {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(mut self, py: Python<'py>) -> PyResult<Self::Output> {
        let socket = self.socket.take().ok_or(SocketError::Closed("listener"))?;
        let address = socket.peer().into_pyobject(py)?;
        let stream = Connected { runtime: self.runtime.clone(), socket }.into_pyobject(py)?;
        PyTuple::new(py, [stream.into_any(), address])
    }
}

impl Drop for Accepted {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            let mut state = self.shared.state.lock();
            if state.accept.is_some() {
                state.returned.push_back(socket);
            }
            drop(state);
            self.shared.changed.notify(usize::MAX);
        }
    }
}

#[pymethods]
impl Listener {
    /// Wait for a connection; return the stream and the peer's address.
    fn accept<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        self.start_accept(py, "Listener.accept", |error| error)
    }

    /// Where it listens.
    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.shared.local.into_pyobject(py)
    }

    /// Stop listening. Accepts in flight raise OSError, an `async for` ends; closing twice is no error.
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        self.runtime.check_process(py, "listener")?;
        let shared = self.shared.clone();
        Coroutine::inline(py, "Listener.close", async move {
            shared.close();
            Ok::<_, SocketError>(())
        })
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        self.start_accept(py, "Listener.__anext__", |error| match error {
            SocketError::Closed(_) => PyStopAsyncIteration::new_err(()),
            error => error.into(),
        })
    }

    fn __aenter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Coroutine>> {
        let listener = slf.clone().unbind();
        Coroutine::inline(slf.py(), "Listener.__aenter__", async move { Ok::<_, PyErr>(listener) })
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__<'py>(&self, py: Python<'py>, _exception: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, Coroutine>> {
        self.close(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        // In a forked child it is not looked at: a thread of the parent may have been at it.
        let state = if self.runtime.is_inherited() {
            " inherited"
        } else if self.shared.state.lock().accept.is_none() {
            " closed"
        } else {
            ""
        };
        Ok(format!("<Listener{state} address={}>", self.address(py)?.repr()?))
    }
}
