//! A Python stream as a Rust reader.

use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

use super::error::{carried, not_called};
use crate::caller::Caller;
use crate::loop_bound::LoopBound;
use crate::python_future::PythonFuture;

/// A Python stream that Rust reads from. See [`Caller::reader`].
pub struct PythonReader {
    receive: Arc<LoopBound<Py<PyAny>>>,
    caller: Caller,
    /// Under way.
    receiving: Option<PythonFuture<io::Result<Vec<u8>>>>,
    received: Vec<u8>,
    /// How many of them have been given out.
    given: usize,
}

impl Caller {
    /// Reads from a Python stream: an `asyncio.StreamReader`, a `ReceiveStream` of trio's, a `ByteReceiveStream` of anyio's, a
    /// `crossawait.Stream`, or what has the same methods.
    ///
    /// It is polled on any thread. When Rust has used up what it has, the loop's thread is asked for as much as the stream
    /// will give at once, up to 256 KiB of asyncio's and 64 KiB of the others: one crossing. Nothing is read that nobody has
    /// asked for. Polls that are given up lose nothing: what the Python stream gives stays here for the next.
    ///
    /// Dropping the reader cancels the read under way, as cancelling a Python task that reads does: asyncio's and trio's streams
    /// then keep what has arrived. What they had given already is lost, except for [`PythonReader::buffer`].
    ///
    /// To have tokio's traits, wrap it with `tokio_util::compat::FuturesAsyncReadCompatExt::compat`.
    ///
    /// # Errors
    /// `TypeError`, at once, if the object has none of these methods. When it is read: the exception, as the source of an
    /// `io::Error` of the kind that belongs to its class or its `errno`; as a `PyErr` it is that exception again.
    pub fn reader(&self, stream: &Bound<'_, PyAny>) -> PyResult<PythonReader> {
        let receive = super::function(stream.py(), "receiving")?.call1((stream,))?;
        Ok(PythonReader {
            receive: Arc::new(self.bind(receive.unbind())),
            caller: self.clone(),
            receiving: None,
            received: Vec::new(),
            given: 0,
        })
    }
}

impl PythonReader {
    /// What has been received and not been given out.
    pub fn buffer(&self) -> &[u8] {
        &self.received[self.given..]
    }

    /// Asks the loop for more. The memory comes back with it.
    fn receive(&mut self) -> PythonFuture<io::Result<Vec<u8>>> {
        let receive = self.receive.clone();
        let mut into = mem::take(&mut self.received);
        into.clear();
        self.given = 0;
        self.caller.call(
            move |py| receive.get(py).bind(py).call0(),
            move |result| {
                Ok(carried(result.and_then(|data| {
                    append(&mut into, &data)?;
                    Ok(into)
                })))
            },
        )
    }
}

/// Appends bytes-like data.
fn append(into: &mut Vec<u8>, data: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(bytes) = data.cast::<PyBytes>() {
        into.extend_from_slice(bytes.as_bytes());
        return Ok(());
    }
    let bytes = PyMemoryView::from(data)?.call_method0("tobytes")?;
    into.extend_from_slice(bytes.cast::<PyBytes>()?.as_bytes());
    Ok(())
}

impl AsyncBufRead for PythonReader {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.buffer().is_empty() {
            let mut receiving = this.receiving.take().unwrap_or_else(|| this.receive());
            match Pin::new(&mut receiving).poll(context) {
                Poll::Pending => {
                    this.receiving = Some(receiving);
                    return Poll::Pending;
                }
                Poll::Ready(received) => this.received = received.map_err(not_called)??,
            }
        }
        Poll::Ready(Ok(this.buffer()))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.given = this.received.len().min(this.given + amount);
    }
}

impl AsyncRead for PythonReader {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        if into.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let available = ready!(self.as_mut().poll_fill_buf(context))?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Poll::Ready(Ok(count))
    }
}

impl std::fmt::Debug for PythonReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PythonReader").field("buffer", &self.buffer().len()).finish_non_exhaustive()
    }
}
