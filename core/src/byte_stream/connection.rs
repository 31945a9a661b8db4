//! What the reads and writes of one stream share.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::error::StreamError;
use super::reader::{Filled, Reader, Want};
use super::turns::{Turn, Turns};
use crate::io::{BoxFuture, Endpoint, Transport};
use crate::lifecycle::OwnProcess;

pub(super) struct Connection {
    /// `None` once closed; what is in flight holds on to it a moment longer. A child forgets it.
    transport: Mutex<Option<OwnProcess<Arc<dyn Transport>>>>,
    /// The event loop polls short reads.
    pub(super) on_loop: bool,
    pub(super) local: Option<Endpoint>,
    pub(super) peer: Option<Endpoint>,
    /// With one read at a time, until its result has been taken; others wait.
    reader: Arc<Turns<Reader>>,
    /// With one write at a time, so that two never mix.
    writing: Arc<Turns<()>>,
}

impl Connection {
    pub(super) fn new(
        transport: OwnProcess<Arc<dyn Transport>>,
        local: Option<Endpoint>,
        peer: Option<Endpoint>,
        on_loop: bool,
    ) -> Arc<Self> {
        let (reader, writing) = (Arc::default(), Arc::default());
        Arc::new(Self { transport: Mutex::new(Some(transport)), on_loop, local, peer, reader, writing })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.transport.lock().is_none()
    }

    /// Whether closing takes no more than saying so.
    pub(super) fn closes_at_once(&self) -> bool {
        self.transport.lock().as_ref().is_none_or(|transport| transport.ends_by_shutdown())
    }

    fn transport(&self) -> Result<OwnProcess<Arc<dyn Transport>>, StreamError> {
        self.transport.lock().clone().ok_or(StreamError::Closed)
    }

    /// The result of something that was in flight. If the stream was closed meanwhile, that is why it ended.
    fn unless_closed<T>(&self, result: io::Result<T>) -> Result<T, StreamError> {
        if self.is_closed() { Err(StreamError::Closed) } else { Ok(result?) }
    }

    /// Ends what is in flight. What is left to be done, if anything, is the future's.
    pub(super) fn close(&self) -> Option<BoxFuture<io::Result<()>>> {
        let transport = self.transport.lock().take()?;
        // Fails if the peer has closed already, which is no less closed.
        let _ = transport.shutdown();
        Arc::clone(&transport).close()
    }

    pub(super) async fn read(&self, mut want: Want) -> Result<Received, StreamError> {
        let transport = self.transport()?;
        let mut reader = self.reader.clone().take().await;
        let mut suspended = false;
        let filled = poll_fn(|context| {
            let filled = if reader.budget.is_spent() {
                context.waker().wake_by_ref();
                Poll::Pending
            } else {
                reader.poll_fill(context, &**transport, &mut want)
            };
            suspended |= filled.is_pending();
            filled
        })
        .await;
        reader.budget.note(suspended);
        if self.is_closed() { Err(StreamError::Closed) } else { Ok(Received { filled: filled?, reader }) }
    }

    pub(super) async fn write_all(&self, data: &[u8]) -> Result<(), StreamError> {
        let transport = self.transport()?;
        let _turn = self.writing.clone().take().await;
        let mut rest = data;
        while !rest.is_empty() {
            let sent = self.unless_closed(poll_fn(|context| transport.poll_write(context, rest)).await)?;
            if sent == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            rest = &rest[sent..];
        }
        self.unless_closed(poll_fn(|context| transport.poll_flush(context)).await)
    }
}

/// Bytes that wait in the buffer to be taken by Python.
pub(super) struct Received {
    reader: Turn<Reader>,
    filled: Filled,
}

impl<'py> IntoPyObject<'py> for Received {
    type Target = PyBytes;
    type Output = Bound<'py, PyBytes>;
    type Error = StreamError;

    fn into_pyobject(mut self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        self.reader.take(self.filled, |bytes| PyBytes::new(py, bytes))
    }
}
