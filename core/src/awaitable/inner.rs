//! What changes of an awaitable, behind its leaf lock.

use std::mem;
use std::sync::Arc;

use pyo3::prelude::*;

use super::outcome::Outcome;
use super::waiters::{Subscription, Waiters};
use crate::builder::Unstarted;
use crate::event_loop::EventLoop;
use crate::runtime::Runtime;

/// What changes, behind the leaf lock.
#[derive(Default)]
pub(super) struct Inner {
    pub(super) home: Option<Home>,
    pub(super) waiters: Waiters,
    pub(super) subscription: Subscription,
    pub(super) outcome: Outcome,
    pub(super) rare: Option<Box<Rare>>,
    /// The runtime that the future runs on: whoever awaits it needs no other handle to keep it open.
    pub(super) runtime: Option<Runtime>,
    /// A callback was added, or an await advanced, or a thread waited.
    pub(super) awaited: bool,
    pub(super) detached: bool,
    /// Somebody has seen the outcome, so an exception in it needs no report.
    pub(super) retrieved: bool,
}

/// What few awaitables have.
#[derive(Default)]
pub(super) struct Rare {
    pub(super) cancel_message: Option<Py<PyAny>>,
    /// Where one made in Python was made, in debug mode.
    pub(super) source_traceback: Option<Py<PyAny>>,
    /// Work that waits for the first await.
    pub(super) unstarted: Option<Unstarted>,
}

impl Inner {
    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn cancel_message(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.rare.as_ref()?.cancel_message.as_ref().map(|message| message.clone_ref(py))
    }

    /// Sets the message; the previous one is for the caller to drop, unlocked.
    pub(super) fn replace_cancel_message(&mut self, message: Option<Py<PyAny>>) -> Option<Py<PyAny>> {
        if message.is_none() && self.rare.is_none() {
            return None;
        }
        mem::replace(&mut self.rare().cancel_message, message)
    }

    /// Our side of the loop that this belongs to.
    pub(super) fn event_loop(&self) -> Option<Arc<EventLoop>> {
        self.home.as_ref()?.event_loop.clone()
    }

    /// Whether one of asyncio's tasks may wait without anything being done first: it has been bound, and started.
    pub(super) fn is_ready_to_wait(&self) -> bool {
        self.home.as_ref().is_some_and(|home| !home.is_trio())
            && self.rare.as_ref().is_none_or(|rare| rare.unstarted.is_none())
    }

    pub(super) fn take_unstarted(&mut self) -> Option<Unstarted> {
        self.rare.as_mut()?.unstarted.take()
    }
}

/// The loop an awaitable belongs to.
pub(super) struct Home {
    /// The event loop, or the token of a run of trio.
    pub(super) python_loop: Py<PyAny>,
    /// Missing of an awaitable made in Python that no other thread has settled.
    pub(super) event_loop: Option<Arc<EventLoop>>,
}

impl Home {
    pub(super) fn is_trio(&self) -> bool {
        self.event_loop.as_ref().is_some_and(|event_loop| event_loop.is_trio())
    }

    pub(super) fn running(py: Python<'_>) -> PyResult<Option<Home>> {
        Ok(EventLoop::running(py)?
            .map(|(python_loop, event_loop)| Home { python_loop: python_loop.unbind(), event_loop: Some(event_loop) }))
    }
}
