//! A stream that does what the test says.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};

use crossawait_core::ByteStream;
use futures::{AsyncRead, AsyncWrite};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::extension::Runtime;

/// The far end of a Rust stream: gives it bytes, takes what it was given, and has it fail.
///
/// The stream remembers a single waker, whichever direction it is of.
#[pyclass(frozen)]
#[derive(Debug, Default)]
pub struct Pipe(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    dropped: Condvar,
}

#[derive(Debug, Default)]
struct State {
    incoming: Vec<u8>,
    ended: bool,
    outgoing: Vec<u8>,
    room: usize,
    flushed: usize,
    failure: Option<Failure>,
    may_close: bool,
    closes: usize,
    dropped: Option<ThreadId>,
    waker: Option<Waker>,
}

#[derive(Debug)]
enum Failure {
    /// With the number of a broken pipe.
    Number,
    /// Of a kind, without a number.
    Kind,
    Exception(PyErr),
    Panic,
}

struct Stream(Arc<Shared>);

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.state.lock().unwrap();
            change(&mut state);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What `attempt` gives, or else leaves the waker.
    fn poll<T>(
        &self,
        context: &mut Context<'_>,
        attempt: impl FnOnce(&mut State) -> Option<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut state = self.state.lock().unwrap();
        let failure = state.failure.take();
        let former = match failure {
            Some(Failure::Number) => return Poll::Ready(Err(io::Error::from_raw_os_error(32))),
            Some(Failure::Kind) => return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, "as told"))),
            Some(Failure::Exception(error)) => return Poll::Ready(Err(io::Error::other(error))),
            Some(Failure::Panic) => {
                drop(state);
                panic!("as told")
            }
            None => match attempt(&mut state) {
                Some(result) => return Poll::Ready(result),
                None => state.waker.replace(context.waker().clone()),
            },
        };
        drop(state);
        drop(former);
        Poll::Pending
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll(context, |state| {
            let count = state.incoming.len().min(into.len());
            into[..count].copy_from_slice(&state.incoming[..count]);
            state.incoming.drain(..count);
            (count > 0 || state.ended).then_some(Ok(count))
        })
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll(context, |state| {
            let count = state.room.min(data.len());
            state.outgoing.extend_from_slice(&data[..count]);
            state.room -= count;
            (count > 0).then_some(Ok(count))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll(context, |state| {
            state.flushed = state.outgoing.len();
            Some(Ok(()))
        })
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll(context, |state| {
            state.closes += usize::from(state.may_close);
            state.may_close.then_some(Ok(()))
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().dropped = Some(thread::current().id());
        self.0.dropped.notify_all();
    }
}

#[pymethods]
impl Pipe {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// The near end, as a stream in Python.
    fn stream<'py>(&self, runtime: &Bound<'py, Runtime>) -> PyResult<Bound<'py, ByteStream>> {
        runtime.get().inner().byte_stream_into_py(runtime.py(), Stream(self.0.clone()))
    }

    /// Sends bytes to the near end.
    fn give(&self, data: Vec<u8>) {
        self.0.change(|state| state.incoming.extend(data));
    }

    /// Ends what the near end can read.
    fn end(&self) {
        self.0.change(|state| state.ended = true);
    }

    /// Lets the near end write so many bytes.
    fn make_room(&self, count: usize) {
        self.0.change(|state| state.room += count);
    }

    /// Lets the near end close.
    fn allow_close(&self) {
        self.0.change(|state| state.may_close = true);
    }

    /// Has the next poll fail: "number", "kind", "panic", or an exception.
    fn fail(&self, how: Bound<'_, PyAny>) -> PyResult<()> {
        let failure = match how.extract::<&str>() {
            Ok("number") => Failure::Number,
            Ok("kind") => Failure::Kind,
            Ok("panic") => Failure::Panic,
            Ok(_) => return Err(PyValueError::new_err("there is no such failure")),
            Err(_) => Failure::Exception(PyErr::from_value(how)),
        };
        self.0.change(|state| state.failure = Some(failure));
        Ok(())
    }

    /// What the near end has written.
    #[getter]
    fn written<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.state.lock().unwrap().outgoing)
    }

    /// How much of that it has flushed.
    #[getter]
    fn flushed(&self) -> usize {
        self.0.state.lock().unwrap().flushed
    }

    /// How often the near end was closed to the end.
    #[getter]
    fn closes(&self) -> usize {
        self.0.state.lock().unwrap().closes
    }

    /// Whether it has been dropped.
    #[getter]
    fn dropped(&self) -> bool {
        self.0.state.lock().unwrap().dropped.is_some()
    }

    /// Blocks until the near end has been dropped; true if that was on this thread.
    fn wait_dropped(&self, py: Python<'_>) -> bool {
        let here = thread::current().id();
        let dropped = py.detach(|| {
            let state = self.0.state.lock().unwrap();
            self.0.dropped.wait_while(state, |state| state.dropped.is_none()).unwrap().dropped
        });
        dropped == Some(here)
    }
}
