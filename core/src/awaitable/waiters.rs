//! Who waits for an awaitable: adding, removing, and telling them.

use std::mem;
use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::{Awaitable, Inner, Role};
use crate::asyncio;
use crate::event_loop::queue::Message;
use crate::event_loop::step::Stepper;
use crate::event_loop::{EventLoop, Standing};
use crate::task::Cancelling;

/// A callback, and the context to call it in.
pub(crate) struct Waiter {
    pub(crate) callback: Py<PyAny>,
    pub(crate) context: Py<PyAny>,
}

/// The waiters in the order they came. Nearly always there is one, a task.
#[derive(Default)]
pub(super) enum Waiters {
    #[default]
    None,
    One(Waiter),
    Many(Vec<Waiter>),
}

impl Waiters {
    fn push(&mut self, waiter: Waiter) {
        *self = match mem::take(self) {
            Waiters::None => Waiters::One(waiter),
            Waiters::One(first) => Waiters::Many(vec![first, waiter]),
            Waiters::Many(mut all) => {
                all.push(waiter);
                Waiters::Many(all)
            }
        };
    }

    pub(super) fn as_slice(&self) -> &[Waiter] {
        match self {
            Waiters::None => &[],
            Waiters::One(waiter) => std::slice::from_ref(waiter),
            Waiters::Many(waiters) => waiters,
        }
    }

    fn into_vec(self) -> Vec<Waiter> {
        match self {
            Waiters::None => Vec::new(),
            Waiters::One(waiter) => vec![waiter],
            Waiters::Many(waiters) => waiters,
        }
    }
}

/// How the waiters will hear of the settlement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Subscription {
    /// They will not: nobody has asked yet.
    #[default]
    None,
    /// Somebody is about to subscribe, on behalf of all.
    Starting,
    /// By a message with this key, which also stands for the reference in the loop's table.
    Key(u64),
    /// They have been told. Whoever comes now is told by `call_soon`, at once.
    Told,
}

impl Awaitable {
    pub(super) fn add_waiter(slf: &Bound<'_, Self>, callback: Py<PyAny>, context: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        let context = match context {
            Some(context) => context,
            None => asyncio::copy_context(py)?.unbind(),
        };
        if this.role == Role::Manual {
            return if this.enlist_manual(Waiter { callback, context }) { Ok(()) } else { Self::notify(slf) };
        }
        let python_loop = this.require_loop(py)?;
        if EventLoop::standing(&python_loop)? == Standing::InsideAnother {
            return Err(different_loop());
        }
        if Self::enlist(slf, Waiter { callback, context }) { Ok(()) } else { Self::notify(slf) }
    }

    /// Adds a waiter to an awaitable made in Python: in any thread, as asyncio's futures do, and no message is to come.
    /// False if it has to be told at once.
    fn enlist_manual(&self, waiter: Waiter) -> bool {
        let mut inner = self.inner.lock();
        inner.awaited = true;
        inner.waiters.push(waiter);
        // Under the lock, under which it is settled too: either this is seen here, or the waiter is seen there.
        !self.is_settled()
    }

    /// Adds a waiter, of a loop or of trio. False if it has to be told at once: no message will come.
    pub(super) fn enlist(slf: &Bound<'_, Self>, waiter: Waiter) -> bool {
        let this = slf.get();
        let mut inner = this.inner.lock();
        inner.awaited = true;
        inner.waiters.push(waiter);
        if inner.subscription == Subscription::Told {
            return false;
        }
        let first = inner.subscription == Subscription::None;
        if first {
            inner.subscription = Subscription::Starting;
        }
        // One settled from Python needs no message.
        let event_loop = if first && this.role != Role::Manual { inner.event_loop() } else { None };
        let unstarted = inner.take_unstarted();
        drop(inner);
        if let Some(unstarted) = unstarted {
            this.keep(unstarted.start(slf.py()).runtime);
        }
        if first { Self::subscribe(slf, event_loop) } else { true }
    }

    /// Arranges for a message when a Rust future settles this. False if it has settled.
    fn subscribe(slf: &Bound<'_, Self>, event_loop: Option<Arc<EventLoop>>) -> bool {
        let this = slf.get();
        match event_loop {
            Some(event_loop) => {
                let Some(key) = event_loop.retain(slf.clone()) else {
                    // A closed loop is silent.
                    return true;
                };
                let mut inner = this.inner.lock();
                inner.subscription = Subscription::Key(key);
                // Under the lock, so that the key in the cell is that of the subscription.
                let will_be_told = this.cell.header().watch(event_loop.queue(), key);
                drop(inner);
                // Behind the entry in the table: whoever stops a runtime looks there once, and may have done so before.
                this.close_if_stopped();
                will_be_told
            }
            None => {
                this.inner.lock().subscription = Subscription::None;
                !this.is_settled()
            }
        }
    }

    pub(super) fn remove_waiter(slf: &Bound<'_, Self>, callback: &Bound<'_, PyAny>) -> PyResult<usize> {
        let this = slf.get();
        let mut waiters = mem::take(&mut this.inner.lock().waiters).into_vec();
        let before = waiters.len();
        let mut failure = None;
        // Unlocked: comparing runs Python code. What is added meanwhile goes behind what was there. After an error
        // nothing more is compared, and nothing removed.
        waiters.retain(|waiter| {
            let same = waiter.callback.is(callback);
            match if same || failure.is_some() { Ok(same) } else { equal(waiter.callback.bind(slf.py()), callback) } {
                Ok(equal) => !equal,
                Err(error) => {
                    failure = Some(error);
                    true
                }
            }
        });
        let removed = before - waiters.len();

        let left = this.put_back(waiters);
        if left && this.is_settled() {
            // Whoever told the waiters while they were out for comparison told nobody.
            Self::notify(slf)?;
        }
        failure.map_or(Ok(removed), Err)
    }

    /// Puts waiters back, in front of those that have come in the meantime. False if there are none at all: then no
    /// message is needed any more.
    fn put_back(&self, waiters: Vec<Waiter>) -> bool {
        let mut inner = self.inner.lock();
        let added = mem::take(&mut inner.waiters).into_vec();
        for waiter in waiters.into_iter().chain(added) {
            inner.waiters.push(waiter);
        }
        let left = !inner.waiters.as_slice().is_empty();
        let released = if left { None } else { inner.end_subscription() };
        drop(inner);
        if let Some((event_loop, key)) = released {
            // A message that is on its way finds nothing under this key.
            drop(event_loop.release(key));
        }
        left
    }

    pub(super) fn has_one_waiter(&self) -> bool {
        matches!(self.inner.lock().waiters, Waiters::One(_))
    }

    /// Removes a task of trio's that waits. `None` if it does not, or not any more; else whether others are left.
    pub(super) fn remove_task(&self, task: &Bound<'_, PyAny>) -> Option<bool> {
        let mut waiters = mem::take(&mut self.inner.lock().waiters).into_vec();
        let place = waiters.iter().position(|waiter| waiter.callback.is(task));
        let removed = place.map(|place| waiters.remove(place));
        let left = self.put_back(waiters);
        removed.map(|_| left)
    }

    /// Called by the loop's drain: tells the waiters.
    pub(crate) fn deliver(slf: Bound<'_, Self>, stepper: &Stepper<'_, '_>) -> PyResult<()> {
        let (waiters, runtime) = {
            let mut inner = slf.get().inner.lock();
            inner.subscription = Subscription::Told;
            (mem::take(&mut inner.waiters), inner.runtime.take())
        };
        drop(runtime);
        match waiters {
            Waiters::None => Ok(()),
            Waiters::One(waiter) => stepper.wake_one(&slf, &waiter),
            Waiters::Many(waiters) => waiters.iter().try_for_each(|waiter| stepper.wake(&slf, waiter)),
        }
    }

    /// Tells the waiters of an outcome that was set in an attached thread, or that had come before they did.
    pub(super) fn notify(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        let Some(python_loop) = this.home_loop(py) else {
            // Trio's tasks are woken by the drain only: here one of them may not have gone to sleep yet.
            return Self::notify_through_queue(slf).map(drop);
        };
        let here = EventLoop::standing(&python_loop)? == Standing::Inside;
        if !here && Self::notify_through_queue(slf)? {
            return Ok(());
        }
        let (waiters, released) = {
            let mut inner = this.inner.lock();
            let released = inner.end_subscription();
            inner.subscription = Subscription::Told;
            (mem::take(&mut inner.waiters), released)
        };
        // A loop that does not run has nobody in its select, so that a plain `call_soon` will do, as for asyncio's own.
        let idle = !here && !asyncio::is_running(&python_loop)?;
        let mut result = Ok(());
        for waiter in waiters.as_slice() {
            let (callback, context) = (waiter.callback.bind(py), waiter.context.bind(py));
            let plain = here || idle;
            let mut called = if plain {
                asyncio::call_soon(&python_loop, callback, slf.as_any(), context)
            } else {
                asyncio::call_soon_threadsafe(&python_loop, callback, slf.as_any(), context)
            };
            if idle && called.is_err() {
                // In debug mode it objects if another thread has started the loop meanwhile.
                called = asyncio::call_soon_threadsafe(&python_loop, callback, slf.as_any(), context);
            }
            result = result.and(called);
        }
        if idle && asyncio::is_running(&python_loop)? {
            // Started meanwhile by another thread, which may have gone to sleep before it saw the callback.
            asyncio::wake(&python_loop)?;
        }
        // The table's reference goes last: it may be the only one left but the caller's.
        if let Some((event_loop, key)) = released {
            drop(event_loop.release(key));
        }
        result
    }

    /// From another thread than the loop's: has the drain tell the waiters. False if the loop is not known, not running
    /// or closed, so that another way is needed.
    fn notify_through_queue(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let this = slf.get();
        let (event_loop, subscription, is_trio, python_loop) = {
            let inner = this.inner.lock();
            let Some(home) = &inner.home else {
                return Ok(false);
            };
            if inner.waiters.as_slice().is_empty() {
                return Ok(true);
            }
            (home.event_loop.clone(), inner.subscription, home.is_trio(), home.python_loop.clone_ref(slf.py()))
        };
        if !is_trio && !asyncio::is_running(python_loop.bind(slf.py()))? {
            return Ok(false);
        }
        let event_loop = match event_loop {
            Some(event_loop) => event_loop,
            None => match this.look_for_home(python_loop.bind(slf.py()))? {
                Some(event_loop) => event_loop,
                None => return Ok(false),
            },
        };
        let key = match subscription {
            Subscription::Key(key) => key,
            _ => {
                let Some(key) = event_loop.retain(slf.clone()) else {
                    return Ok(false);
                };
                this.inner.lock().subscription = Subscription::Key(key);
                key
            }
        };
        Ok(event_loop.queue().push(Message::Settled(key)).is_ok())
    }

    pub(super) fn cancel_with(slf: &Bound<'_, Self>, message: Option<Py<PyAny>>) -> PyResult<bool> {
        let this = slf.get();
        let previous = {
            let mut inner = this.inner.lock();
            // Whoever cancels has been told by the answer; asyncio's futures forget their report here too.
            inner.retrieved = true;
            // The message is in place before anybody can see the cancellation.
            inner.replace_cancel_message(message)
        };
        // A future that was never started has no executor to be dropped by, nor anything to take part in.
        let unstarted = this.inner.lock().take_unstarted();
        let header = this.cell.header();
        let cancelling = match &unstarted {
            Some(_) if header.cancel_at_once() => Cancelling::Done,
            _ => header.cancel(),
        };
        drop(unstarted);
        match cancelling {
            Cancelling::Done => Self::notify(slf)?,
            Cancelling::Asked => {}
            Cancelling::TooLate => {
                let message = this.inner.lock().replace_cancel_message(previous);
                drop(message);
                return Ok(false);
            }
        }
        drop(previous);
        Ok(true)
    }

    /// Cancels on behalf of an owner that is going away. Waiters hear of it from their loop.
    pub(crate) fn cancel_for_owner(&self) {
        if !self.cell.header().is_inherited() {
            self.cell.header().cancel_for_all();
        }
    }

    /// Closes what a stopped runtime has left pending. Waiters hear of it from their loop.
    pub(crate) fn close_if_stopped(&self) {
        let header = self.cell.header();
        if !header.is_settled() && header.record().is_some_and(|record| record.is_stopped()) {
            header.close();
        }
    }

    /// Whether this is pending, and not because its runtime was stopped.
    pub(super) fn is_waiting_to_settle(&self) -> bool {
        let header = self.cell.header();
        !header.is_settled() && !header.record().is_some_and(|record| record.is_stopped())
    }
}

/// `one == other`. Whatever that raises comes back as an error: waiters are in hand meanwhile, and must not be lost.
fn equal(one: &Bound<'_, PyAny>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    // SAFETY: attached, with live objects.
    match unsafe { ffi::PyObject_RichCompareBool(one.as_ptr(), other.as_ptr(), ffi::Py_EQ) } {
        -1 => Err(crate::error::fetch(one.py())),
        equal => Ok(equal != 0),
    }
}

/// The error of whoever awaits under one loop what belongs to another.
pub(super) fn different_loop() -> PyErr {
    PyRuntimeError::new_err("this awaitable belongs to a different event loop")
}

impl Inner {
    /// Forgets the subscription, and says what has to be released for it once unlocked.
    fn end_subscription(&mut self) -> Option<(Arc<EventLoop>, u64)> {
        let Subscription::Key(key) = self.subscription else {
            return None;
        };
        self.subscription = Subscription::None;
        Some((self.event_loop()?, key))
    }
}

/// Visits the waiters' references for the garbage collector.
pub(super) fn traverse(waiters: &Waiters, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
    for waiter in waiters.as_slice() {
        visit.call(&waiter.callback)?;
        visit.call(&waiter.context)?;
    }
    Ok(())
}

const _: () = {
    // The waiters are most of an awaitable's size; a third word would be a tag that the niche of `Py` spares.
    assert!(size_of::<Waiters>() <= 3 * size_of::<*mut ffi::PyObject>());
};
