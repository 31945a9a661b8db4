//! Byte streams in both directions.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::ready;

use crossawait_core::{ByteStream, Caller, Coroutine, PythonReader, PythonWriter, StreamIterator};
use futures::io::Cursor;
use futures::lock::{Mutex, MutexGuard};
use futures::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, TryStreamExt};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use tokio_util::compat::{FuturesAsyncReadCompatExt, FuturesAsyncWriteCompatExt, TokioAsyncReadCompatExt};

use crate::extension::Runtime;

/// Copies all that a Python reader gives to a Python writer, and closes that; gives how much it was.
#[pyfunction]
pub fn transfer<'py>(
    runtime: &Bound<'py, Runtime>,
    reader: &Bound<'py, PyAny>,
    writer: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, Coroutine>> {
    let py = runtime.py();
    let caller = Caller::current(py)?;
    let (reader, mut writer) = (caller.reader(reader)?, caller.writer(writer)?);
    spawned(runtime, "transfer", async move {
        let count = futures::io::copy_buf(reader, &mut writer).await?;
        writer.close().await?;
        Ok(count)
    })
}

/// The same, with tokio's traits and functions.
#[pyfunction]
pub fn tokio_transfer<'py>(
    runtime: &Bound<'py, Runtime>,
    reader: &Bound<'py, PyAny>,
    writer: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, Coroutine>> {
    let py = runtime.py();
    let caller = Caller::current(py)?;
    let (mut reader, mut writer) = (caller.reader(reader)?.compat(), caller.writer(writer)?.compat_write());
    spawned(runtime, "tokio_transfer", async move {
        let count = tokio::io::copy(&mut reader, &mut writer).await?;
        tokio::io::AsyncWriteExt::shutdown(&mut writer).await?;
        Ok(count)
    })
}

/// The lines of a Python reader, without their ends.
#[pyfunction]
pub fn lines<'py>(runtime: &Bound<'py, Runtime>, reader: &Bound<'py, PyAny>) -> PyResult<Bound<'py, StreamIterator>> {
    let py = runtime.py();
    let lines = Caller::current(py)?.reader(reader)?.lines();
    runtime.get().inner().stream_into_py(py, lines.map_err(PyErr::from))
}

/// A stream in memory, with these bytes in it.
#[pyfunction]
pub fn cursor<'py>(runtime: &Bound<'py, Runtime>, data: Vec<u8>) -> PyResult<Bound<'py, ByteStream>> {
    runtime.get().inner().byte_stream_into_py(runtime.py(), Cursor::new(data))
}

/// The same, from a future.
#[pyfunction]
pub fn later_cursor<'py>(runtime: &Bound<'py, Runtime>, data: Vec<u8>) -> PyResult<Bound<'py, Coroutine>> {
    let weak = runtime.get().inner().downgrade();
    spawned(runtime, "later_cursor", async move { Ok(weak.byte_stream(Cursor::new(data))) })
}

/// The two ends of tokio's pipe in memory.
#[pyfunction]
pub fn duplex<'py>(
    runtime: &Bound<'py, Runtime>,
    capacity: usize,
) -> PyResult<(Bound<'py, ByteStream>, Bound<'py, ByteStream>)> {
    let (py, inner) = (runtime.py(), runtime.get().inner());
    let (one, other) = tokio::io::duplex(capacity);
    Ok((inner.byte_stream_into_py(py, one.compat())?, inner.byte_stream_into_py(py, other.compat())?))
}

fn spawned<'py, F, T>(runtime: &Bound<'py, Runtime>, name: &'static str, future: F) -> PyResult<Bound<'py, Coroutine>>
where
    F: Future<Output = io::Result<T>> + Send + 'static,
    T: for<'a> IntoPyObject<'a> + Send + 'static,
{
    runtime.get().inner().builder().spawn().name(name).coroutine_into_py(runtime.py(), future)
}

/// One at a time, and none once it has been let go of.
#[derive(Debug)]
struct Held<T>(Arc<Mutex<Option<T>>>);

impl<T> Held<T> {
    fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(Some(value))))
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send> Held<T> {
    async fn lock(&self) -> io::Result<futures::lock::MappedMutexGuard<'_, Option<T>, T>> {
        let guard = self.0.lock().await;
        if guard.is_none() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(MutexGuard::map(guard, |held| held.as_mut().expect("looked at above")))
    }

    /// Drops it on a thread that Python does not know.
    fn release(&self) -> PyResult<()> {
        let held = self.0.try_lock().and_then(|mut held| held.take());
        let held = held.ok_or_else(|| PyRuntimeError::new_err("it is in use, or has been let go of"))?;
        std::thread::scope(|scope| scope.spawn(|| drop(held)).join().expect("dropping does not panic"));
        Ok(())
    }
}

/// A Rust reader of a Python stream, read a piece at a time.
#[pyclass(frozen)]
#[derive(Debug)]
pub struct Reader {
    runtime: Py<Runtime>,
    reader: Held<PythonReader>,
}

#[pymethods]
impl Reader {
    #[new]
    fn new(runtime: Bound<'_, Runtime>, stream: &Bound<'_, PyAny>) -> PyResult<Self> {
        let reader = Held::new(Caller::current(runtime.py())?.reader(stream)?);
        Ok(Self { runtime: runtime.unbind(), reader })
    }

    /// Up to `n` bytes.
    fn read<'py>(&self, py: Python<'py>, n: usize) -> PyResult<Bound<'py, Coroutine>> {
        let reader = self.reader.clone();
        spawned(self.runtime.bind(py), "Reader.read", async move {
            let mut data = vec![0; n];
            let count = reader.lock().await?.read(&mut data).await?;
            data.truncate(count);
            Ok(Data(data))
        })
    }

    /// Everything up to the end; how much it is, and its Adler-32.
    fn sum_up<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let reader = self.reader.clone();
        spawned(self.runtime.bind(py), "Reader.sum_up", async move {
            let (mut reader, mut count, mut sum) = (reader.lock().await?, 0, Adler::default());
            let mut data = vec![0; 100_000];
            loop {
                match reader.read(&mut data).await? {
                    0 => return Ok((count, sum.value())),
                    more => {
                        count += more;
                        sum.add(&data[..more]);
                    }
                }
            }
        })
    }

    /// Reads in vain; gives the kind of the error, and the exception inside of it.
    fn fail<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let reader = self.reader.clone();
        spawned(self.runtime.bind(py), "Reader.fail", async move {
            let read = reader.lock().await?.read(&mut [0]).await;
            Ok(Failure(read.err().ok_or_else(|| io::Error::other("it did not fail"))?))
        })
    }

    /// What has been received and not been read.
    fn buffer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let held = self.reader.0.try_lock();
        let held = held.ok_or_else(|| PyRuntimeError::new_err("it is in use"))?;
        Ok(PyBytes::new(py, held.as_ref().map_or(&[], PythonReader::buffer)))
    }

    /// Drops the Rust reader, elsewhere.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.reader.release())
    }
}

/// A Rust writer of a Python stream, and how far it has come.
#[pyclass(frozen)]
#[derive(Debug)]
pub struct Writer {
    runtime: Py<Runtime>,
    writer: Held<PythonWriter>,
    progress: Arc<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    accepted: AtomicUsize,
    waits: AtomicBool,
}

#[pymethods]
impl Writer {
    #[new]
    fn new(runtime: Bound<'_, Runtime>, stream: &Bound<'_, PyAny>) -> PyResult<Self> {
        let writer = Held::new(Caller::current(runtime.py())?.writer(stream)?);
        Ok(Self { runtime: runtime.unbind(), writer, progress: Arc::default() })
    }

    /// Writes `count` bytes that no pattern of the transport's can look like, in pieces of `piece`; gives their Adler-32.
    #[pyo3(signature = (count, *, piece = 30_011))]
    fn fill<'py>(&self, py: Python<'py>, count: usize, piece: usize) -> PyResult<Bound<'py, Coroutine>> {
        let (writer, progress) = (self.writer.clone(), self.progress.clone());
        spawned(self.runtime.bind(py), "Writer.fill", async move {
            let mut writer = writer.lock().await?;
            let (mut left, mut sum, mut noise) = (count, Adler::default(), 1_u32);
            let mut data = vec![0; piece];
            while left > 0 {
                data.truncate(left);
                data.fill_with(|| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (noise >> 24) as u8
                });
                sum.add(&data);
                progress.write_all(&mut writer, &data).await?;
                left -= data.len();
            }
            Ok(sum.value())
        })
    }

    /// Writes all of `data`.
    fn write<'py>(&self, py: Python<'py>, data: Vec<u8>) -> PyResult<Bound<'py, Coroutine>> {
        let (writer, progress) = (self.writer.clone(), self.progress.clone());
        spawned(self.runtime.bind(py), "Writer.write", async move {
            progress.write_all(&mut *writer.lock().await?, &data).await
        })
    }

    /// Writes in vain; gives the kind of the error, and the exception inside of it.
    fn fail<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let writer = self.writer.clone();
        spawned(self.runtime.bind(py), "Writer.fail", async move {
            let mut writer = writer.lock().await?;
            // Some are taken before anybody can know.
            loop {
                let flushed = match writer.write_all(&[1; 1000]).await {
                    Ok(()) => writer.flush().await,
                    failed => failed,
                };
                if let Err(error) = flushed {
                    return Ok(Failure(error));
                }
            }
        })
    }

    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let writer = self.writer.clone();
        spawned(self.runtime.bind(py), "Writer.flush", async move { writer.lock().await?.flush().await })
    }

    fn write_eof<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let writer = self.writer.clone();
        spawned(self.runtime.bind(py), "Writer.write_eof", async move { writer.lock().await?.write_eof().await })
    }

    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let writer = self.writer.clone();
        spawned(self.runtime.bind(py), "Writer.close", async move { writer.lock().await?.close().await })
    }

    /// How many bytes the Rust writer has taken.
    #[getter]
    fn accepted(&self) -> usize {
        self.progress.accepted.load(Ordering::SeqCst)
    }

    /// Whether it takes no more at the moment.
    #[getter]
    fn waits(&self) -> bool {
        self.progress.waits.load(Ordering::SeqCst)
    }

    /// Drops the Rust writer, elsewhere.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.writer.release())
    }
}

impl Progress {
    async fn write_all(&self, writer: &mut PythonWriter, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            let written = poll_fn(|context| {
                let polled = Pin::new(&mut *writer).poll_write(context, data);
                self.waits.store(polled.is_pending(), Ordering::SeqCst);
                let count = ready!(polled)?;
                io::Result::Ok(count).into()
            });
            let count = written.await?;
            self.accepted.fetch_add(count, Ordering::SeqCst);
            data = &data[count..];
        }
        Ok(())
    }
}

/// Bytes that become `bytes`.
struct Data(Vec<u8>);

impl<'py> IntoPyObject<'py> for Data {
    type Target = PyBytes;
    type Output = Bound<'py, PyBytes>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(PyBytes::new(py, &self.0))
    }
}

/// An error that is looked at and not raised.
struct Failure(io::Error);

impl<'py> IntoPyObject<'py> for Failure {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        (format!("{:?}", self.0.kind()), PyErr::from(self.0).into_value(py)).into_pyobject(py)
    }
}

/// The checksum that Python's `zlib` has too.
struct Adler(u32, u32);

impl Default for Adler {
    fn default() -> Self {
        Self(1, 0)
    }
}

impl Adler {
    fn add(&mut self, data: &[u8]) {
        for byte in data {
            self.0 = (self.0 + u32::from(*byte)) % 65521;
            self.1 = (self.1 + self.0) % 65521;
        }
    }

    fn value(&self) -> u32 {
        self.1 << 16 | self.0
    }
}
