//! `Stream`: a connected socket.

use std::future::poll_fn;
use std::sync::Arc;

use crossawait_core::io::{Endpoint, Socket};
use crossawait_core::{Builder, Coroutine, Runtime, WeakRuntime};
use futures::lock::{Mutex, OwnedMutexGuard};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PyTuple};

use crate::address;
use crate::error::SocketError;
use crate::reader::{Filled, Reader, Want};

/// A connected byte stream. See `crossawait.Stream` for what its verbs promise.
#[pyclass(frozen, weakref, module = "crossawait")]
pub(crate) struct Stream {
    /// A stream keeps its runtime open.
    runtime: Runtime,
    connection: Arc<Connection>,
}

/// What reads and writes in flight share.
struct Connection {
    /// `None` once closed; what is in flight holds on to it a moment longer.
    socket: parking_lot::Mutex<Option<Socket>>,
    local: Endpoint,
    peer: Endpoint,
    /// Held by one read at a time, until its result has been taken; others wait.
    reader: Arc<Mutex<Reader>>,
    /// Held by one write at a time, so that two never mix.
    writing: Mutex<()>,
}

impl Connection {
    fn new(socket: Socket) -> Self {
        Self {
            local: socket.local().clone(),
            peer: socket.peer().clone(),
            socket: parking_lot::Mutex::new(Some(socket)),
            reader: Arc::default(),
            writing: Mutex::new(()),
        }
    }

    fn is_closed(&self) -> bool {
        self.socket.lock().is_none()
    }

    fn socket(&self) -> Result<Socket, SocketError> {
        self.socket.lock().clone().ok_or(SocketError::Closed("stream"))
    }

    /// The result of something that was in flight. If the stream was closed meanwhile, that is why it ended.
    fn unless_closed<T>(&self, result: T) -> Result<T, SocketError> {
        if self.is_closed() { Err(SocketError::Closed("stream")) } else { Ok(result) }
    }

    fn close(&self) {
        let socket = self.socket.lock().take();
        if let Some(socket) = socket {
            // Fails if the peer has closed already, which is no less closed.
            let _ = socket.shutdown();
        }
    }

    async fn read(&self, mut want: Want) -> Result<Received, SocketError> {
        let socket = self.socket()?;
        let mut reader = self.reader.clone().lock_owned().await;
        let filled = poll_fn(|context| reader.poll_fill(context, &socket, &mut want)).await;
        Ok(Received { filled: self.unless_closed(filled)??, reader })
    }

    async fn write_all(&self, data: &[u8]) -> Result<(), SocketError> {
        let socket = self.socket()?;
        let _turn = self.writing.lock().await;
        let mut rest = data;
        while !rest.is_empty() {
            let sent = poll_fn(|context| socket.poll_write(context, rest)).await;
            rest = &rest[self.unless_closed(sent)??..];
        }
        Ok(())
    }
}

impl Stream {
    pub(crate) fn new(runtime: Runtime, socket: Socket) -> Self {
        Self { runtime, connection: Arc::new(Connection::new(socket)) }
    }

    /// The builder for a verb. Fails in a forked child, where the connection is the parent's.
    fn verb(&self, py: Python<'_>, name: &'static str) -> PyResult<Builder<'_>> {
        crate::error::check_process(py, &self.runtime, "stream")?;
        Ok(self.runtime.builder().name(name))
    }

    fn start_read<'py>(&self, py: Python<'py>, name: &'static str, want: Want) -> PyResult<Bound<'py, Coroutine>> {
        let connection = self.connection.clone();
        self.verb(py, name)?.coroutine_into_py(py, async move { connection.read(want).await })
    }
}

/// A connection on its way to Python. Only the Python object holds on to the runtime: this may be dropped by it.
pub(crate) struct Connected {
    pub(crate) runtime: WeakRuntime,
    pub(crate) socket: Socket,
}

impl<'py> IntoPyObject<'py> for Connected {
    type Target = Stream;
    type Output = Bound<'py, Stream>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let runtime = self.runtime.upgrade().ok_or(SocketError::RuntimeClosed)?;
        Bound::new(py, Stream::new(runtime, self.socket))
    }
}

/// Bytes that wait in the buffer to be taken by Python.
struct Received {
    reader: OwnedMutexGuard<Reader>,
    filled: Filled,
}

impl<'py> IntoPyObject<'py> for Received {
    type Target = PyBytes;
    type Output = Bound<'py, PyBytes>;
    type Error = SocketError;

    fn into_pyobject(mut self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        self.reader.take(self.filled, |bytes| PyBytes::new(py, bytes))
    }
}

#[pymethods]
impl Stream {
    /// Receive up to `n` bytes, at least one; b"" at the end of the stream.
    fn read<'py>(&self, py: Python<'py>, n: i64) -> PyResult<Bound<'py, Coroutine>> {
        if n < 1 {
            return Err(PyValueError::new_err(format!("read needs a count of at least 1, not {n}")));
        }
        self.start_read(py, "Stream.read", Want::Some(as_size(n)?))
    }

    /// Receive exactly `n` bytes.
    fn read_exactly<'py>(&self, py: Python<'py>, n: i64) -> PyResult<Bound<'py, Coroutine>> {
        if n < 0 {
            return Err(PyValueError::new_err(format!("read_exactly needs a count of at least 0, not {n}")));
        }
        self.start_read(py, "Stream.read_exactly", Want::Exactly(as_size(n)?))
    }

    /// Receive everything up to and including `separator`.
    #[pyo3(signature = (separator, limit = 65536))]
    fn read_until<'py>(
        &self,
        py: Python<'py>,
        separator: &Bound<'py, PyAny>,
        limit: i64,
    ) -> PyResult<Bound<'py, Coroutine>> {
        let separator = copy_bytes(separator)?;
        if separator.is_empty() {
            return Err(PyValueError::new_err("read_until needs a separator of at least one byte"));
        }
        if limit < 1 {
            return Err(PyValueError::new_err(format!("read_until needs a limit of at least 1, not {limit}")));
        }
        self.start_read(py, "Stream.read_until", Want::Until { separator, limit: as_size(limit)?, searched: 0 })
    }

    /// Send all of `data`.
    fn write_all<'py>(&self, py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Coroutine>> {
        let data = copy_bytes(data)?;
        let connection = self.connection.clone();
        let verb = self.verb(py, "Stream.write_all")?;
        verb.coroutine_into_py(py, async move { connection.write_all(&data).await })
    }

    /// Close both directions. Reads and writes in flight raise OSError; closing twice is no error.
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        crate::error::check_process(py, &self.runtime, "stream")?;
        let connection = self.connection.clone();
        Coroutine::inline(py, "Stream.close", async move {
            connection.close();
            Ok::<_, SocketError>(())
        })
    }

    /// This end's address.
    #[getter]
    fn local_address<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        address::to_python(py, &self.connection.local)
    }

    /// The other end's address.
    #[getter]
    fn peer_address<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        address::to_python(py, &self.connection.peer)
    }

    fn __aenter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Coroutine>> {
        let stream = slf.clone().unbind();
        Coroutine::inline(slf.py(), "Stream.__aenter__", async move { Ok::<_, PyErr>(stream) })
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__<'py>(&self, py: Python<'py>, _exception: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, Coroutine>> {
        self.close(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let closed = if self.connection.is_closed() { " closed" } else { "" };
        let (local, peer) = (self.local_address(py)?.repr()?, self.peer_address(py)?.repr()?);
        Ok(format!("<Stream{closed} local={local} peer={peer}>"))
    }
}

fn as_size(n: i64) -> PyResult<usize> {
    usize::try_from(n).map_err(|_| PyValueError::new_err(format!("{n} bytes are more than this machine can hold")))
}

/// Copies bytes-like data: what is sent must not change meanwhile, nor be dropped on a runtime's thread.
fn copy_bytes(data: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = data.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    // Whatever the item type and the strides.
    let bytes = PyMemoryView::from(data)?.call_method0("tobytes")?;
    Ok(bytes.cast::<PyBytes>()?.as_bytes().to_vec())
}
