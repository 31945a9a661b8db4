//! A Python stream as a Rust writer.
//!
//! What is written gathers in a buffer. A Python task, the pump, takes all there is, hands it to the stream, waits until
//! the stream has room again, and looks for more; when there is nothing it ends. So writes cross in batches, each of what
//! came while the one before was under way, and nothing that was written waits for somebody to poll.

use std::convert::identity;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures_io::AsyncWrite;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::error::{carried, not_called};
use crate::caller::Caller;
use crate::loop_bound::LoopBound;
use crate::python_future::PythonFuture;

/// Bytes that wait for the pump, at most. As many may be on their way through the stream's own function.
const CAPACITY: usize = 128 * 1024;

/// A Python stream that Rust writes to. See [`Caller::writer`].
pub struct PythonWriter {
    gathered: Arc<Gathered>,
    python: Arc<LoopBound<Objects>>,
    caller: Caller,
    /// The pump that was started last.
    pump: Option<Crossing>,
    phase: Phase,
}

type Crossing = PythonFuture<io::Result<()>>;

enum Phase {
    Open,
    /// The error has been given to whoever wrote.
    Failed(ErrorKind),
    Closing {
        crossing: Crossing,
        /// Of what was still to be written. It may have a Python exception inside.
        error: Option<LoopBound<io::Error>>,
    },
    Closed,
}

/// The Python objects.
struct Objects {
    pump: Py<PyAny>,
    writer: Py<PyAny>,
    source: Py<Source>,
}

/// What has been written and not been taken yet.
struct Gathered(Mutex<State>);

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    /// A pump will look for bytes once more at least.
    pumping: bool,
    /// Whoever waits for room, or for everything to be handed over.
    waiting: Option<Waker>,
}

impl Caller {
    /// Writes to a Python stream: an `asyncio.StreamWriter`, a `SendStream` of trio's, a `ByteSendStream` of anyio's, a
    /// `crossawait.Stream`, or what has the same methods.
    ///
    /// It is polled on any thread. What is written gathers, up to 128 KiB, while the loop's thread hands what came before to
    /// the stream and waits (`drain`, `send_all`, `send`) until that has room. `flush` waits until the stream has taken
    /// everything, and `close` then closes it, both directions if it has two, and waits for that. A write that is
    /// pending has taken nothing.
    ///
    /// Flush or close it before letting go of it: dropping cancels what is under way, and loses what has not been handed over.
    /// The Python stream stays open then, for whoever else has it.
    ///
    /// To have tokio's traits, wrap it with `tokio_util::compat::FuturesAsyncWriteCompatExt::compat_write`.
    ///
    /// # Errors
    /// `TypeError`, at once, if the object has none of these methods. An exception, as [`reader`](Self::reader) has it, comes
    /// with the write, flush or close after it; further writes fail with an error of the same kind.
    pub fn writer(&self, stream: &Bound<'_, PyAny>) -> PyResult<PythonWriter> {
        let py = stream.py();
        let gathered = Arc::new(Gathered(Mutex::default()));
        let source = Source { gathered: gathered.clone(), empty: Mutex::default() };
        let python = Objects {
            pump: super::function(py, "pump")?.unbind(),
            writer: super::function(py, "writing")?.call1((stream,))?.unbind(),
            source: Py::new(py, source)?,
        };
        let python = Arc::new(self.bind(python));
        Ok(PythonWriter { gathered, python, caller: self.clone(), pump: None, phase: Phase::Open })
    }
}

impl PythonWriter {
    /// Flushes, and then ends this direction of the stream alone, as `write_eof` and `send_eof` do: the peer sees the end, and
    /// what it sends can still be read.
    ///
    /// # Errors
    /// Those of `flush`; of the kind `Unsupported` if the stream has no such function.
    pub async fn write_eof(&mut self) -> io::Result<()> {
        poll_fn(|context| Pin::new(&mut *self).poll_flush(context)).await?;
        self.call("end").await.map_err(not_called)?
    }

    /// Awaits a method of the writer on the loop.
    fn call(&self, method: &'static str) -> Crossing {
        let python = self.python.clone();
        self.caller
            .call(move |py| python.get(py).writer.bind(py).call_method0(method), |result| Ok(carried(result.map(drop))))
    }

    fn start_pump(&self) -> Crossing {
        let python = self.python.clone();
        self.caller.call(
            move |py| {
                let Objects { pump, writer, source } = python.get(py);
                pump.bind(py).call1((writer, source))
            },
            |result| Ok(carried(result.map(drop))),
        )
    }

    fn check(&self) -> io::Result<()> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Failed(kind) => Err(io::Error::new(kind, "the Python stream has failed before")),
            Phase::Closing { .. } | Phase::Closed => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Notes the end of a pump; fails if that has failed. Otherwise the pump, if there is one, wakes.
    fn look_after_pump(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if let Some(pump) = &mut self.pump {
            if let Poll::Ready(ended) = Pin::new(pump).poll(context) {
                self.pump = None;
                if let Err(error) = ended.map_err(not_called).and_then(identity) {
                    self.phase = Phase::Failed(error.kind());
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

impl AsyncWrite for PythonWriter {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check()?;
        this.look_after_pump(context)?;
        let Taken { count, idle } = ready!(this.gathered.poll_take(context, data));
        if idle {
            // Its predecessor, if it has not been seen to end, has nothing left to do: being cancelled comes too late for it.
            this.pump = Some(this.start_pump());
            this.look_after_pump(context)?;
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check()?;
        this.look_after_pump(context)?;
        this.gathered.poll_idle(context).map(Ok)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.phase {
                Phase::Open => {
                    let flushed = ready!(self.as_mut().poll_flush(context));
                    let error = flushed.err().map(|error| self.caller.bind(error));
                    self.phase = Phase::Closing { crossing: self.call("close"), error };
                }
                Phase::Failed(_) => self.phase = Phase::Closing { crossing: self.call("close"), error: None },
                Phase::Closing { crossing, error } => {
                    let closed = ready!(Pin::new(crossing).poll(context)).map_err(not_called).and_then(identity);
                    let error = error.take().map(LoopBound::into_inner);
                    self.phase = Phase::Closed;
                    return Poll::Ready(error.map_or(closed, Err));
                }
                Phase::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl std::fmt::Debug for PythonWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PythonWriter").finish_non_exhaustive()
    }
}

/// How many bytes have been taken.
struct Taken {
    count: usize,
    /// No pump looks for them.
    idle: bool,
}

impl Gathered {
    /// Takes what there is room for.
    fn poll_take(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<Taken> {
        if let Some(taken) = self.try_take(data, &mut None) {
            return Poll::Ready(taken);
        }
        // Cloned and dropped outside of the lock: both are the executor's code.
        let mut waker = Some(context.waker().clone());
        self.try_take(data, &mut waker).map_or(Poll::Pending, Poll::Ready)
    }

    /// As above; leaves the waker if there is no room.
    fn try_take(&self, data: &[u8], waker: &mut Option<Waker>) -> Option<Taken> {
        let mut state = self.0.lock();
        let count = data.len().min(CAPACITY - state.bytes.len());
        if count == 0 && !data.is_empty() {
            if waker.is_some() {
                mem::swap(&mut state.waiting, waker);
            }
            return None;
        }
        state.bytes.extend_from_slice(&data[..count]);
        let idle = count > 0 && !mem::replace(&mut state.pumping, true);
        Some(Taken { count, idle })
    }

    /// Ready when everything has been handed over.
    fn poll_idle(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut waker = Some(context.waker().clone());
        let mut state = self.0.lock();
        if !state.pumping {
            return Poll::Ready(());
        }
        mem::swap(&mut state.waiting, &mut waker);
        drop(state);
        Poll::Pending
    }
}

/// Has the classes made of this module and below; see [`once`](crate::once).
pub(super) fn make_class(py: Python<'_>) {
    py.get_type::<Source>();
}

/// Where the pump finds what to send.
#[pyclass(frozen)]
struct Source {
    gathered: Arc<Gathered>,
    /// Memory for the next bytes, changed for that of those taken.
    empty: Mutex<Vec<u8>>,
}

#[pymethods]
impl Source {
    /// Takes all there is. Nothing tells the pump to end, and that the next bytes need another.
    fn take<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut bytes = mem::take(&mut *self.empty.lock());
        let mut state = self.gathered.0.lock();
        mem::swap(&mut state.bytes, &mut bytes);
        state.pumping = !bytes.is_empty();
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
        let taken = PyBytes::new(py, &bytes);
        bytes.clear();
        *self.empty.lock() = bytes;
        taken
    }
}
