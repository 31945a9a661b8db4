//! Byte streams in Python: sockets, and whatever else Rust can read from and write to.
//!
//! | file | what |
//! |---|---|
//! | `byte_stream.rs` | the Python object and its verbs |
//! | `byte_stream/connection.rs` | what the verbs in flight share |
//! | `byte_stream/reader.rs` | what has been received and not given out |
//! | `byte_stream/budget.rs` | how long a loop may do nothing but read |
//! | `byte_stream/shared.rs` | a stream of any kind, for a reader and a writer at once |
//! | `byte_stream/turns.rs` | one read at a time, and one write |
//! | `byte_stream/error.rs` | what is raised |

mod budget;
mod connection;
mod error;
mod reader;
#[cfg(all(test, not(crossawait_loom)))]
mod reader_reads;
mod shared;
mod turns;

use std::fmt;
use std::sync::Arc;

use futures_io::{AsyncRead, AsyncWrite};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PyTuple};

use crate::builder::Builder;
use crate::coroutine::Coroutine;
use crate::io::{Socket, Transport};
use crate::lifecycle::OwnProcess;
use crate::runtime::{Runtime, WeakRuntime};
use connection::Connection;
use error::StreamError;
use reader::Want;
use shared::Shared;

impl Runtime {
    /// Gives Python a stream over whatever can be read from and written to: what a library connects, TLS, a pipe.
    ///
    /// Reads and writes may run at the same time. They are polled on the runtime, and once beforehand on the thread that
    /// awaits, as those of any [`Coroutine`]. Reading is buffered: a cancelled `read` loses nothing. When reads have been ready on
    /// the spot for 5 ms one suspends all the same, so that the loop gets to its other work. `write_all` flushes.
    /// `close` ends what is in flight with an `OSError` and then polls `poll_close`. An `io::Error` is raised as an `OSError`
    /// with its number, and one that carries a Python exception as that. Without a call of `close` the stream is dropped
    /// with the Python object, on its runtime. It has no addresses: they are None.
    ///
    /// For tokio's traits, wrap it with `tokio_util::compat::TokioAsyncReadCompatExt::compat`.
    ///
    /// # Errors
    /// `RuntimeClosedError` if the runtime is shut down.
    pub fn byte_stream_into_py<'py, S>(&self, py: Python<'py>, stream: S) -> PyResult<Bound<'py, ByteStream>>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let runtime = self.admit(py)?;
        let shared: Arc<dyn Transport> = Arc::new(Shared::new(stream, runtime));
        let connection = Connection::new(OwnProcess::new(shared), None, None, false);
        Bound::new(py, ByteStream { connection, runtime: runtime.clone() })
    }

    /// Gives Python a stream over a socket of this runtime's [`Network`](crate::io::Network).
    ///
    /// Of a socket that is [`polled_by_loops`](crate::io::Socket::polled_by_loops), the event loop that awaits them polls
    /// the reads that a few pieces fulfil (any `read`, and the others up to 64 KiB): the runtime's reactor tells the loop,
    /// not a worker. They are polled on the runtime where no loop runs, and when the loop is closed or blocked; a loop
    /// that is merely stopped goes on with them when it runs again. All else is as with [`byte_stream_into_py`](Self::byte_stream_into_py).
    ///
    /// # Errors
    /// Those of making a Python object.
    pub fn socket_into_py<'py>(&self, py: Python<'py>, socket: Socket) -> PyResult<Bound<'py, ByteStream>> {
        let (transport, local, peer, on_loop) = socket.into_parts();
        let connection = Connection::new(transport, Some(local), Some(peer), on_loop);
        Bound::new(py, ByteStream { connection, runtime: self.clone() })
    }
}

impl WeakRuntime {
    /// A stream for a future to give to Python, such as one that connects: there it becomes what
    /// [`Runtime::byte_stream_into_py`] gives. Python gets a `RuntimeClosedError` if the runtime is gone by then.
    pub fn byte_stream<S>(&self, stream: S) -> NewByteStream<S>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        NewByteStream { stream, runtime: self.clone() }
    }
}

/// A stream on its way to Python; see [`WeakRuntime::byte_stream`].
#[derive(Debug)]
#[must_use = "it is for Python"]
pub struct NewByteStream<S> {
    stream: S,
    /// Only the Python object holds on to the runtime: this may be dropped by it.
    runtime: WeakRuntime,
}

impl<'py, S: AsyncRead + AsyncWrite + Send + 'static> IntoPyObject<'py> for NewByteStream<S> {
    type Target = ByteStream;
    type Output = Bound<'py, ByteStream>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match self.runtime.upgrade() {
            Some(runtime) => runtime.byte_stream_into_py(py, self.stream),
            None => Err(crate::error::runtime_closed(py, "the runtime has been shut down")),
        }
    }
}

/// A byte stream in Python: `read`, `read_exactly`, `read_until`, `write_all`, `close`, and `async with`.
///
/// See [`Runtime::byte_stream_into_py`], and `crossawait.Stream` for what the verbs promise.
#[pyclass(frozen, weakref, name = "Stream", module = "crossawait")]
pub struct ByteStream {
    connection: Arc<Connection>,
    /// A stream keeps its runtime open.
    runtime: Runtime,
}

impl ByteStream {
    /// The builder for a verb. Fails in a forked child, where the connection is the parent's.
    fn verb(&self, py: Python<'_>, name: &'static str) -> PyResult<Builder<'_>> {
        self.runtime.check_process(py, "stream")?;
        Ok(self.runtime.builder().name(name))
    }

    /// For descriptions. In a forked child it is not looked at: a thread of the parent may have been at it.
    fn state(&self) -> &'static str {
        if self.runtime.is_inherited() {
            " inherited"
        } else if self.connection.is_closed() {
            " closed"
        } else {
            ""
        }
    }

    fn start_read<'py>(&self, py: Python<'py>, name: &'static str, want: Want) -> PyResult<Bound<'py, Coroutine>> {
        let connection = self.connection.clone();
        let verb = self.verb(py, name)?;
        let verb = if connection.on_loop && want.is_short() { verb.on_loop() } else { verb };
        verb.coroutine_into_py(py, async move { connection.read(want).await })
    }
}

#[pymethods]
impl ByteStream {
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
        self.runtime.check_process(py, "stream")?;
        let connection = self.connection.clone();
        if connection.closes_at_once() || self.runtime.is_closed() {
            // Also when nothing is run any more. What takes longer to close is then dropped.
            return Coroutine::inline(py, "Stream.close", async move {
                drop(connection.close());
                Ok::<_, StreamError>(())
            });
        }
        self.runtime.builder().name("Stream.close").coroutine_into_py(py, async move {
            match connection.close() {
                Some(closing) => closing.await.map_err(StreamError::from),
                None => Ok(()),
            }
        })
    }

    /// This end's address.
    #[getter]
    fn local_address<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.connection.local.as_ref().into_pyobject(py)
    }

    /// The other end's address.
    #[getter]
    fn peer_address<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.connection.peer.as_ref().into_pyobject(py)
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
        let (local, peer) = (self.local_address(py)?.repr()?, self.peer_address(py)?.repr()?);
        Ok(format!("<Stream{} local={local} peer={peer}>", self.state()))
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").field("state", &self.state().trim_start()).finish_non_exhaustive()
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
