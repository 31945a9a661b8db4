//! A Python asynchronous iterator as a Rust stream.

use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::caller::Caller;
use crate::event_loop::EventLoop;
use crate::event_loop::queue::Message;
use crate::loop_bound::LoopBound;
use crate::once::once;
use crate::panic;
use crate::python_future::{Call, PythonFuture};
use crate::python_source::{self, python_source};
use crate::trio;

/// Items that wait for Rust, at most.
const CAPACITY: usize = 1024;

/// The items of a Python asynchronous iterator. See [`Caller::into_stream`].
///
/// Dropping it cancels the Python task that iterates, and closes the iterator.
#[must_use = "a stream does nothing unless it is polled"]
pub struct PythonStream<T: Send + 'static> {
    /// Of the task that iterates; `None` once it has ended.
    pump: Option<PythonFuture<()>>,
    shared: Arc<Shared<T>>,
    caller: Caller,
}

struct Shared<T>(Mutex<State<T>>);

struct State<T> {
    items: VecDeque<PyResult<T>>,
    consumer: Option<Waker>,
    /// The event that the iterating task waits for while there is no room.
    parked: Option<LoopBound<Py<PyAny>>>,
}

impl Caller {
    /// Iterates over a Python asynchronous iterable from Rust.
    ///
    /// A task on the loop iterates, in the caller's context and ahead of Rust by up to 1,024 items, so that a batch of them
    /// crosses at once. `extract` makes a Rust value of each item on the loop's thread. The first error, of the iterator or
    /// of `extract`, is the last item. Nothing happens before the first poll.
    pub fn into_stream<T, X>(&self, iterable: &Bound<'_, PyAny>, extract: X) -> PythonStream<T>
    where
        T: Send + 'static,
        X: for<'py> FnMut(Bound<'py, PyAny>) -> PyResult<T> + Send + 'static,
    {
        let iterable = self.bind(iterable.clone().unbind());
        self.stream(move |py| Ok(iterable.get(py).bind(py).clone()), extract)
    }

    /// Calls Python and iterates over the asynchronous iterable that it returns.
    ///
    /// As [`into_stream`](Self::into_stream), from any thread: `make` runs on the loop's thread, in the caller's context. What
    /// it returns as an error is the stream's only item.
    pub fn stream<T, M, X>(&self, make: M, extract: X) -> PythonStream<T>
    where
        T: Send + 'static,
        M: for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>> + Send + 'static,
        X: for<'py> FnMut(Bound<'py, PyAny>) -> PyResult<T> + Send + 'static,
    {
        let state = State { items: VecDeque::new(), consumer: None, parked: None };
        let shared = Arc::new(Shared(Mutex::new(state)));
        let sink = Typed { shared: shared.clone(), extract, caller: self.clone() };
        let pump = self.call(
            move |py| {
                let sink = Bound::new(py, Sink { typed: Mutex::new(Some(Box::new(sink))) })?;
                pump_function(py)?.call1((make(py)?, sink, event_class(py)?))
            },
            |result| result.map(drop),
        );
        PythonStream { pump: Some(pump.takes_long()), shared, caller: self.clone() }
    }
}

impl<T: Send + 'static> Stream for PythonStream<T> {
    type Item = PyResult<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PyResult<T>>> {
        let this = &mut *self;
        if let Some(item) = this.shared.take_or_register(Some(context.waker()), &this.caller) {
            if item.is_err() {
                this.pump = None;
            }
            return Poll::Ready(Some(item));
        }
        let Some(pump) = &mut this.pump else {
            return Poll::Ready(None);
        };
        match Pin::new(pump).poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(ended) => {
                this.pump = None;
                // What came in before the end, between the look above and now.
                match this.shared.take_or_register(None, &this.caller) {
                    Some(item) => {
                        this.shared.0.lock().items.extend(ended.err().map(Err));
                        Poll::Ready(Some(item))
                    }
                    None => Poll::Ready(ended.err().map(Err)),
                }
            }
        }
    }
}

impl<T: Send + 'static> std::fmt::Debug for PythonStream<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PythonStream").finish_non_exhaustive()
    }
}

impl<T> Shared<T> {
    fn take_or_register(&self, waker: Option<&Waker>, caller: &Caller) -> Option<PyResult<T>> {
        let mut new = waker.cloned();
        let mut state = self.0.lock();
        let item = state.items.pop_front();
        if item.is_none() {
            mem::swap(&mut state.consumer, &mut new);
        }
        let parked = if state.items.len() <= CAPACITY / 2 { state.parked.take() } else { None };
        drop(state);
        drop(new);
        if let Some(event) = parked {
            // A closed loop has nobody to wake.
            let _ = caller.queue().push(Message::Call(Box::new(SetEvent(event))));
        }
        item
    }
}

/// Lets the iterating task go on.
struct SetEvent(LoopBound<Py<PyAny>>);

impl Call for SetEvent {
    fn start(self: Box<Self>, _event_loop: &Arc<EventLoop>, python_loop: &Bound<'_, PyAny>) {
        let py = python_loop.py();
        let event = self.0.get(py).bind(py);
        if let Err(error) = event.call_method0("set") {
            error.write_unraisable(py, Some(event));
        }
    }
}

/// Has the classes made of this module and below; see [`once`](crate::once).
pub(super) fn make_class(py: Python<'_>) {
    py.get_type::<Sink>();
}

/// Where the iterating task puts its items.
#[pyclass(frozen)]
struct Sink {
    /// Taken out while it is at work: user code runs then.
    typed: Mutex<Option<Box<dyn Push>>>,
}

trait Push: Send {
    /// Appends an item; true if the buffer is full.
    fn push(&mut self, item: Bound<'_, PyAny>) -> PyResult<bool>;
    /// Keeps the event to be set once there is room; false if there is.
    fn park(&self, event: Py<PyAny>) -> bool;
}

struct Typed<T, X> {
    shared: Arc<Shared<T>>,
    extract: X,
    caller: Caller,
}

impl<T, X> Push for Typed<T, X>
where
    T: Send + 'static,
    X: for<'py> FnMut(Bound<'py, PyAny>) -> PyResult<T> + Send + 'static,
{
    fn push(&mut self, item: Bound<'_, PyAny>) -> PyResult<bool> {
        let py = item.py();
        let extracted = panic::catch(|| (self.extract)(item));
        let item = extracted.unwrap_or_else(|report| Err(report.into_error(py)))?;
        let mut state = self.shared.0.lock();
        state.items.push_back(Ok(item));
        let full = state.items.len() >= CAPACITY;
        let consumer = state.consumer.take();
        drop(state);
        if let Some(consumer) = consumer {
            consumer.wake();
        }
        Ok(full)
    }

    fn park(&self, event: Py<PyAny>) -> bool {
        let event = self.caller.bind(event);
        let mut state = self.shared.0.lock();
        let full = state.items.len() > CAPACITY / 2;
        if full {
            state.parked = Some(event);
        }
        full
    }
}

#[pymethods]
impl Sink {
    fn push(&self, item: Bound<'_, PyAny>) -> PyResult<bool> {
        self.with(|typed| typed.push(item))
    }

    fn park(&self, event: Py<PyAny>) -> PyResult<bool> {
        self.with(|typed| Ok(typed.park(event)))
    }
}

impl Sink {
    fn with<R>(&self, body: impl FnOnce(&mut dyn Push) -> PyResult<R>) -> PyResult<R> {
        let taken = self.typed.lock().take();
        let mut typed = taken.ok_or_else(|| PyRuntimeError::new_err("this sink takes one item at a time"))?;
        let result = body(&mut *typed);
        *self.typed.lock() = Some(typed);
        result
    }
}

fn pump_function(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let function = once(py, &FUNCTION, || {
        python_source::module(py, python_source!("../pump.py"), c"crossawait/pump.py", "crossawait_core_pump")?
            .getattr("pump")
            .map(Bound::unbind)
    })?;
    Ok(function.bind(py))
}

/// `asyncio.Event` or `trio.Event`: they are alike in what is used here.
fn event_class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import(if trio::is_running(py)? { "trio" } else { "asyncio" })?.getattr("Event")
}
