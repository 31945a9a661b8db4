//! What the Python loop calls when it has been woken: takes the messages and tells the waiters, a bounded time long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;

use super::notifier::Notification;
use super::queue::{Message, Queue};
use super::step::{Stepper, is_interrupt};
use super::wake::Wake;
#[cfg(unix)]
use super::wake::WakeFd;
use super::{EventLoop, Kind};
use crate::awaitable::Awaitable;
use crate::daemon::{self, Draining};
use crate::metrics::LOOPS;
use crate::once::intern;
use crate::panic;
#[cfg(unix)]
use crate::trio;

/// How long one drain may keep the loop from its other work: about what CPython lets one thread keep the interpreter.
const BUDGET: Duration = Duration::from_millis(5);

/// The most messages between two looks at the clock; a look costs about a twentieth of what a message does.
const LONGEST_STRIDE: u32 = 16;

/// Messages may go by unwatched while so many take no longer than this: else sixteen steps of five milliseconds each
/// would be one drain.
const SHORT: Duration = Duration::from_micros(100);

/// The callable that is registered with the Python loop. The loop drops it in `close()`, or when it is freed itself;
/// either way nothing will be drained any more.
#[pyclass(frozen, weakref, name = "Drain")]
pub(super) struct Drain {
    event_loop: Arc<EventLoop>,
    /// The loop that calls; weak, since the loop owns the drain.
    python_loop: Py<PyAny>,
    /// It was made in a daemon thread, and so that is where it is called.
    is_in_daemon: bool,
}

/// Makes the library's side of `python_loop`, which runs in this thread, and hooks the two together.
///
/// A loop that does not keep the drain itself gets it from the caller, to be kept for as long as the loop lives.
pub(super) fn install(python_loop: &Bound<'_, PyAny>, kind: Kind) -> PyResult<(Arc<EventLoop>, Option<Py<Drain>>)> {
    #[cfg(unix)]
    if kind == Kind::Trio {
        // Refused while a run ends: its system tasks are gone, but asynchronous generators may still have something to do.
        if let Ok(event_loop) = install_watcher(python_loop) {
            return Ok((event_loop, None));
        }
    }
    #[cfg(unix)]
    if kind == Kind::Asyncio {
        if let Some(event_loop) = install_reader(python_loop)? {
            return Ok((event_loop, None));
        }
    }
    let (event_loop, drain) = install_notification(python_loop, kind)?;
    Ok((event_loop, Some(drain)))
}

/// For a run of trio: a system task of its own.
#[cfg(unix)]
fn install_watcher(token: &Bound<'_, PyAny>) -> PyResult<Arc<EventLoop>> {
    let fd = WakeFd::new()?;
    let raw = fd.as_raw_fd();
    let event_loop = EventLoop::new(Queue::new(Wake::Fd(fd)), Kind::Trio);
    let drain = Drain::new(token, event_loop.clone())?;
    trio::install(raw, drain.bind(token.py()))?;
    Ok(event_loop)
}

#[cfg(unix)]
fn install_reader(python_loop: &Bound<'_, PyAny>) -> PyResult<Option<Arc<EventLoop>>> {
    let py = python_loop.py();
    let fd = WakeFd::new()?;
    let raw = fd.as_raw_fd();
    let event_loop = EventLoop::new(Queue::new(Wake::Fd(fd)), Kind::Asyncio);
    let drain = Drain::new(python_loop, event_loop.clone())?;
    // In an empty context: the loop keeps the one that is current here for as long as the reader is registered, and
    // that would be the variables of whichever request came first.
    let context = py.import("contextvars")?.call_method0("Context")?;
    let registered =
        python_loop.getattr("add_reader").and_then(|add_reader| context.call_method1("run", (add_reader, raw, drain)));
    match registered {
        Ok(_) => Ok(Some(event_loop)),
        // A loop may also do without the method.
        Err(error) if error.is_instance_of::<PyNotImplementedError>(py) => Ok(None),
        Err(_) if !python_loop.hasattr("add_reader")? => Ok(None),
        Err(error) => Err(error),
    }
}

fn install_notification(python_loop: &Bound<'_, PyAny>, kind: Kind) -> PyResult<(Arc<EventLoop>, Py<Drain>)> {
    let notification =
        Notification::new(python_loop.py(), if kind == Kind::Trio { "run_sync_soon" } else { "call_soon_threadsafe" })?;
    let event_loop = EventLoop::new(Queue::new(Wake::Notifier(notification.clone())), kind);
    let drain = Drain::new(python_loop, event_loop.clone())?;
    notification.aim(python_loop, drain.bind(python_loop.py()))?;
    Ok((event_loop, drain))
}

impl Drain {
    fn new(python_loop: &Bound<'_, PyAny>, event_loop: Arc<EventLoop>) -> PyResult<Py<Self>> {
        let py = python_loop.py();
        let python_loop = py.import("weakref")?.call_method1("ref", (python_loop,))?.unbind();
        Py::new(py, Self { event_loop, python_loop, is_in_daemon: daemon::is_daemon(py)? })
    }
}

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let python_loop = self.python_loop.bind(py).call0()?;
        if python_loop.is_none() {
            return Ok(());
        }
        if !self.is_in_daemon {
            return self.event_loop.drain(&python_loop, None);
        }
        match Draining::begin() {
            Some(draining) => self.event_loop.drain(&python_loop, Some(draining)),
            None => Ok(()),
        }
    }

    /// Nothing will be drained any more. For a loop that knows its end before it lets go of the drain.
    fn close(&self) {
        self.event_loop.close();
    }

    /// Whether anybody waits for what this brings.
    fn is_awaited(&self) -> bool {
        self.event_loop.is_awaited()
    }

    fn __repr__(&self) -> &'static str {
        "<crossawait drain>"
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        self.event_loop.traverse(&visit)
    }

    /// The loop is garbage, and everything that waits on it.
    fn __clear__(&self) {
        self.event_loop.close();
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.event_loop.close();
    }
}

impl EventLoop {
    fn drain(self: &Arc<Self>, python_loop: &Bound<'_, PyAny>, in_daemon: Option<Draining<'_>>) -> PyResult<()> {
        self.take_turn(|| self.deliver_for_a_while(python_loop, in_daemon.as_ref()))
    }

    /// Takes what has been pushed, has `deliver` go on with it, and sees to it that the loop comes back for the rest.
    pub(crate) fn take_turn<R>(&self, deliver: impl FnOnce() -> R) -> R {
        let taken = self.queue.take();
        LOOPS.batch(taken.len());
        self.backlog.lock().push(taken);
        let result = deliver();
        // Also when an interrupt ends the drain, or nothing would be delivered during the loop's clean-up.
        let left = !self.backlog.lock().is_empty();
        self.queue.rest(left);
        result
    }

    fn deliver_for_a_while(
        self: &Arc<Self>,
        python_loop: &Bound<'_, PyAny>,
        in_daemon: Option<&Draining<'_>>,
    ) -> PyResult<()> {
        let py = python_loop.py();
        let stepper = Stepper::new(python_loop, self.manner)?;
        let mut last_look = Instant::now();
        let deadline = last_look + BUDGET;
        let (mut stride, mut until_look) = (1, 1);
        // One at a time: what a step may leave behind, by raising or by running the loop once more, is all in place.
        while let Some(message) = self.next_message() {
            // What panics here would otherwise take the drain along, and under trio the run.
            let delivery = panic::catch(|| self.deliver(&stepper, message));
            if let Err(error) = delivery.unwrap_or_else(|report| Err(report.into_error(py))) {
                if self.is_trio() {
                    // Whatever a system task raises ends the run.
                    error.write_unraisable(py, None);
                } else if is_interrupt(py, &error) {
                    return Err(error);
                } else {
                    report(python_loop, error)?;
                }
            }
            if in_daemon.is_some_and(Draining::is_over) {
                break;
            }
            until_look -= 1;
            if until_look == 0 {
                let now = Instant::now();
                if now >= deadline {
                    break;
                }
                stride = if now - last_look < SHORT { LONGEST_STRIDE.min(stride * 2) } else { 1 };
                (last_look, until_look) = (now, stride);
            }
        }
        Ok(())
    }

    /// Takes what has come since this drain began. A task that has settled here has said so to the queue, like any: whoever
    /// awaits it is told in this drain, and not after another turn of the loop with its system calls.
    fn take_more(&self) {
        let taken = self.queue.take();
        LOOPS.more(taken.len());
        self.backlog.lock().push(taken);
    }

    pub(crate) fn next_message(&self) -> Option<Message> {
        self.backlog.lock().pop()
    }

    fn deliver(self: &Arc<Self>, stepper: &Stepper<'_, '_>, message: Message) -> PyResult<()> {
        match message {
            Message::Settled(key) => match self.release(key) {
                Some(awaitable) => Awaitable::deliver(awaitable.into_bound(stepper.py()), stepper),
                // The last waiter left in the meantime.
                None => Ok(()),
            },
            Message::Poll(key) => {
                if self.residents.poll_again(key) {
                    self.take_more();
                }
                Ok(())
            }
            Message::Call(call) => {
                call.start(self, stepper.python_loop());
                Ok(())
            }
            Message::Cancel(key) => {
                self.cancel_task(stepper.py(), key);
                Ok(())
            }
            Message::Drop(garbage) => {
                panic::ignore_panic(|| drop(garbage));
                Ok(())
            }
            Message::Stopped => {
                for awaitable in self.all_waiting(stepper.py()) {
                    awaitable.get().close_if_stopped();
                }
                Ok(())
            }
        }
    }
}

/// Tells the loop's exception handler.
fn report(python_loop: &Bound<'_, PyAny>, error: PyErr) -> PyResult<()> {
    let py = python_loop.py();
    let details = pyo3::types::PyDict::new(py);
    details.set_item("message", "Exception while delivering to an awaitable's waiter")?;
    details.set_item("exception", error.into_value(py))?;
    python_loop.call_method1(intern!(py, "call_exception_handler"), (details,)).map(drop)
}
