//! A Python awaitable as a Rust future.
//!
//! The future lives on any thread and talks to the loop by messages: "make this and await it", "cancel it", "drop this".
//! The loop's thread makes a task of what is to be awaited, keeps it (asyncio itself holds tasks weakly), and hands the
//! extracted result over through the part that both share.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::asyncio;
use crate::block_on;
use crate::event_loop::EventLoop;
use crate::event_loop::patience;
use crate::event_loop::queue::{Message, Queue};
use crate::event_loop::waiting::{self, Refused};
use crate::loop_bound::LoopBound;
use crate::panic;

/// What a Python call or awaitable gives, as a Rust future. See [`Caller`](crate::Caller).
///
/// `Send`, and polled on any thread. Dropping it before it is ready cancels the Python task.
#[must_use = "a future does nothing unless it is awaited"]
pub struct PythonFuture<T: Send + 'static> {
    /// What is left to be sent to the loop with the first poll.
    unsent: Option<Box<dyn Call>>,
    shared: Arc<Shared<T>>,
    queue: Arc<Queue>,
    /// It may be answered before going away is worth it.
    is_short: bool,
    /// It has been sent, and is one of those on their way.
    is_counted: bool,
}

/// What the future and the loop's thread share.
struct Shared<T> {
    state: Mutex<State<T>>,
    /// Looked at by a caller that lingers, which must not keep the loop from the lock. Only a hint.
    settled: AtomicBool,
}

enum State<T> {
    /// Nothing is there yet. `key` is that of the Python task, once there is one.
    Pending {
        waker: Option<Waker>,
        key: Option<u64>,
    },
    Ready(PyResult<T>),
    /// The future has been dropped, or has given its result.
    Over,
}

/// Something to be called on the loop's thread. Dropping it instead tells the future that the loop is closed.
pub(crate) trait Call: Send {
    fn start(self: Box<Self>, event_loop: &Arc<EventLoop>, python_loop: &Bound<'_, PyAny>);
}

/// What is to be done with the result of what is awaited. As for `Call`, whoever drops it closes the future.
pub(crate) trait Finish: Send {
    fn finish(self: Box<Self>, py: Python<'_>, result: PyResult<Bound<'_, PyAny>>);
}

impl<T: Send + 'static> PythonFuture<T> {
    fn new(unsent: Option<Box<dyn Call>>, shared: Arc<Shared<T>>, queue: Arc<Queue>) -> Self {
        Self { is_short: unsent.is_some(), is_counted: false, unsent, shared, queue }
    }

    pub(crate) fn call<M, X>(queue: Arc<Queue>, context: Arc<LoopBound<Py<PyAny>>>, make: M, extract: X) -> Self
    where
        M: for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>> + Send + 'static,
        X: for<'py> FnOnce(PyResult<Bound<'py, PyAny>>) -> PyResult<T> + Send + 'static,
    {
        let shared = Shared::new();
        let finish = Extract { shared: shared.clone(), extract: Some(extract) };
        Self::new(Some(Box::new(Make { make, context, finish })), shared, queue)
    }

    /// Says that the call takes long, so that nobody lingers for its result.
    pub(crate) fn takes_long(mut self) -> Self {
        self.is_short = false;
        self
    }

    pub(crate) fn on_loop<W>(queue: Arc<Queue>, context: Arc<LoopBound<Py<PyAny>>>, work: W) -> Self
    where
        W: for<'py> FnOnce(Python<'py>) -> PyResult<T> + Send + 'static,
    {
        let shared = Shared::new();
        let finish = Extract { shared: shared.clone(), extract: None::<()> };
        Self::new(Some(Box::new(Work { work, context, finish })), shared, queue)
    }
}

/// The future of an awaitable that is started here and now.
pub(crate) fn started<T, X>(
    queue: &Arc<Queue>,
    context: &LoopBound<Py<PyAny>>,
    awaitable: &Bound<'_, PyAny>,
    extract: X,
) -> PyResult<PythonFuture<T>>
where
    T: Send + 'static,
    X: for<'py> FnOnce(PyResult<Bound<'py, PyAny>>) -> PyResult<T> + Send + 'static,
{
    let py = awaitable.py();
    let (python_loop, event_loop) = EventLoop::running(py)?
        .filter(|(_, event_loop)| Arc::ptr_eq(event_loop.queue(), queue))
        .ok_or_else(|| PyRuntimeError::new_err("into_future has to be called on the thread of the caller's loop"))?;
    let shared = Shared::new();
    let finish = Box::new(Extract { shared: shared.clone(), extract: Some(extract) });
    let wait = || waiting::wait_for(&event_loop, &python_loop, awaitable, finish);
    let key = asyncio::in_context(context.get(py).bind(py), wait)?.map_err(|refused| refused.error)?;
    shared.note(key);
    Ok(PythonFuture::new(None, shared, queue.clone()))
}

impl<T: Send + 'static> Future for PythonFuture<T> {
    type Output = PyResult<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<PyResult<T>> {
        if self.unsent.is_some() && patience::is_row_over() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(unsent) = self.unsent.take() else {
            let answer = self.shared.take_or_register(context.waker());
            if answer.is_none() && block_on::is_awaited_by(&self.queue) {
                // Begun before. The loop will not end it as long as it waits for this.
                if let Err(error) = self.queue.check_unblocked() {
                    return Poll::Ready(Err(error));
                }
            }
            return answer.map_or(Poll::Pending, Poll::Ready);
        };
        if let Err(error) = self.queue.check_unblocked() {
            drop(LoopBound::to(self.queue.clone(), unsent));
            return Poll::Ready(Err(error));
        }
        let sent = self.queue.push(Message::Call(unsent));
        if sent.is_ok() && self.is_short {
            self.is_counted = true;
            let patience = self.queue.patience();
            patience.enter();
            patience.linger(|| self.shared.settled.load(Ordering::Relaxed));
        }
        // If it was refused, this closes the future.
        drop(sent);
        let answer = self.shared.take_or_register(context.waker());
        patience::note(answer.is_some());
        answer.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T: Send + 'static> Drop for PythonFuture<T> {
    fn drop(&mut self) {
        if self.is_counted {
            self.queue.patience().leave();
        }
        // The lock is let go of before anything is dropped or sent.
        let state = mem::replace(&mut *self.shared.state.lock(), State::Over);
        match state {
            State::Pending { key: Some(key), .. } => {
                // A closed loop has no task any more.
                let _ = self.queue.push(Message::Cancel(key));
            }
            State::Ready(result) => drop(LoopBound::to(self.queue.clone(), result)),
            State::Pending { .. } | State::Over => {}
        }
        if let Some(unsent) = self.unsent.take() {
            drop(LoopBound::to(self.queue.clone(), unsent));
        }
    }
}

impl<T: Send + 'static> std::fmt::Debug for PythonFuture<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PythonFuture").finish_non_exhaustive()
    }
}

impl<T> Shared<T> {
    fn new() -> Arc<Self> {
        let state = Mutex::new(State::Pending { waker: None, key: None });
        Arc::new(Self { state, settled: AtomicBool::new(false) })
    }

    fn take_or_register(&self, waker: &Waker) -> Option<PyResult<T>> {
        // Cloned and dropped outside of the lock: both are the executor's code.
        let mut new = Some(waker.clone());
        let mut state = self.state.lock();
        match &mut *state {
            State::Pending { waker, .. } => {
                mem::swap(waker, &mut new);
                drop(state);
                None
            }
            State::Ready(_) => match mem::replace(&mut *state, State::Over) {
                State::Ready(result) => Some(result),
                State::Pending { .. } | State::Over => None,
            },
            State::Over => Some(Err(PyRuntimeError::new_err("the result of this Python call has been taken already"))),
        }
    }

    /// Notes the key of the Python task. False if the future is gone, and the task is to be cancelled.
    fn note(&self, task: Option<u64>) -> bool {
        match &mut *self.state.lock() {
            State::Pending { key, .. } => {
                *key = task;
                true
            }
            State::Ready(_) => true,
            State::Over => false,
        }
    }

    fn is_over(&self) -> bool {
        matches!(*self.state.lock(), State::Over)
    }

    /// Hands the result over. It is dropped here if the future is gone or has one.
    fn settle(&self, result: PyResult<T>) {
        let mut state = self.state.lock();
        if !matches!(*state, State::Pending { .. }) {
            drop(state);
            drop(result);
            return;
        }
        let before = mem::replace(&mut *state, State::Ready(result));
        drop(state);
        self.settled.store(true, Ordering::Relaxed);
        if let State::Pending { waker: Some(waker), .. } = before {
            waker.wake();
        }
    }
}

/// A call on its way to the loop.
struct Make<M, T: Send + 'static, X> {
    make: M,
    context: Arc<LoopBound<Py<PyAny>>>,
    finish: Extract<T, X>,
}

impl<M, T, X> Call for Make<M, T, X>
where
    T: Send + 'static,
    M: for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>> + Send + 'static,
    X: for<'py> FnOnce(PyResult<Bound<'py, PyAny>>) -> PyResult<T> + Send + 'static,
{
    fn start(self: Box<Self>, event_loop: &Arc<EventLoop>, python_loop: &Bound<'_, PyAny>) {
        let py = python_loop.py();
        let Self { make, context, finish } = *self;
        let shared = finish.shared.clone();
        if shared.is_over() {
            return;
        }
        let begun = asyncio::in_context(context.get(py).bind(py), || {
            match panic::catch(|| make(py)).unwrap_or_else(|report| Err(report.into_error(py))) {
                Ok(awaitable) => waiting::wait_for(event_loop, python_loop, &awaitable, Box::new(finish)),
                Err(error) => Err(Refused { error, finish: Some(Box::new(finish)) }),
            }
        });
        match begun {
            Ok(Ok(key)) => {
                if let (false, Some(key)) = (shared.note(key), key) {
                    event_loop.cancel_task(py, key);
                }
            }
            Ok(Err(Refused { error, finish: Some(finish) })) => finish.finish(py, Err(error)),
            Ok(Err(Refused { error, finish: None })) | Err(error) => shared.settle(Err(error)),
        }
    }
}

/// Something to be done on the loop's thread that awaits nothing, on its way there.
struct Work<W, T: Send + 'static> {
    work: W,
    context: Arc<LoopBound<Py<PyAny>>>,
    /// For what it does when it is dropped.
    finish: Extract<T, ()>,
}

impl<W, T> Call for Work<W, T>
where
    T: Send + 'static,
    W: for<'py> FnOnce(Python<'py>) -> PyResult<T> + Send + 'static,
{
    fn start(self: Box<Self>, _event_loop: &Arc<EventLoop>, python_loop: &Bound<'_, PyAny>) {
        let py = python_loop.py();
        let Self { work, context, finish } = *self;
        if finish.shared.is_over() {
            return;
        }
        let done = asyncio::in_context(context.get(py).bind(py), || panic::catch(|| work(py)));
        finish.shared.settle(match done {
            Ok(Ok(result)) => result,
            Ok(Err(report)) => Err(report.into_error(py)),
            Err(error) => Err(error),
        });
    }
}

/// The end of a call: what makes a Rust value of the result.
struct Extract<T: Send + 'static, X> {
    shared: Arc<Shared<T>>,
    /// `None` once used.
    extract: Option<X>,
}

impl<T, X> Finish for Extract<T, X>
where
    T: Send + 'static,
    X: for<'py> FnOnce(PyResult<Bound<'py, PyAny>>) -> PyResult<T> + Send + 'static,
{
    fn finish(mut self: Box<Self>, py: Python<'_>, result: PyResult<Bound<'_, PyAny>>) {
        if self.shared.is_over() {
            return;
        }
        if let Some(extract) = self.extract.take() {
            let extracted = panic::catch(|| extract(result));
            self.shared.settle(extracted.unwrap_or_else(|report| Err(report.into_error(py))));
        }
    }
}

impl<T: Send + 'static, X> Drop for Extract<T, X> {
    fn drop(&mut self) {
        // Does nothing if there is a result.
        self.shared.settle(Err(PyRuntimeError::new_err("the event loop was closed before the Python call had ended")));
    }
}
