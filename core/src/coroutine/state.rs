//! How far a coroutine has come.

use pyo3::prelude::*;

use crate::awaitable::Awaitable;
use crate::builder::Unstarted;
use crate::event_loop::residents::Lodging;

pub(super) enum State {
    Created(Unstarted),
    /// A thread is inside `send`, `throw` or `close`.
    Running,
    Suspended(Suspension),
    Closed,
}

/// What a suspended coroutine waits for.
pub(super) struct Suspension {
    pub(super) awaitable: Py<Awaitable>,
    /// Under trio, the coroutine of trio's kind that does the waiting.
    pub(super) trio: Option<Py<PyAny>>,
    /// Goes with the suspension, however that ends.
    pub(super) lodging: Option<Lodging>,
}
