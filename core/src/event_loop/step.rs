//! Waking a waiter: calling its callback right here where that is the same to everybody, else over `call_soon`.
//!
//! A drain is a callback of the loop: no task is current while it runs, and nobody waits for it to return. What
//! `call_soon(callback)` would do in the next iteration can then be done now: enter the context, call, leave; as if the
//! runtime had been one iteration faster. It spares a handle, a place in the loop's ready queue and an iteration: three
//! quarters of what `asyncio.Future.set_result` costs.

use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::asyncio;
use crate::awaitable::{Awaitable, Waiter};
use crate::{error, trio};

/// Decides, once for each drain, how waiters are woken, and wakes them.
pub(crate) struct Stepper<'a, 'py> {
    python_loop: &'a Bound<'py, PyAny>,
    manner: Manner,
}

/// How waiters are woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// An only waiter by calling it, several by `call_soon`.
    Direct,
    /// All by `call_soon`.
    Scheduled,
    /// They are trio's tasks.
    Trio,
}

impl<'a, 'py> Stepper<'a, 'py> {
    pub(super) fn new(python_loop: &'a Bound<'py, PyAny>, manner: Manner) -> PyResult<Self> {
        // Debug mode times callbacks in their handles.
        let scheduled =
            manner == Manner::Direct && (asyncio::is_debug(python_loop)? || asyncio::has_current_task(python_loop)?);
        Ok(Self { python_loop, manner: if scheduled { Manner::Scheduled } else { manner } })
    }

    pub(crate) fn py(&self) -> Python<'py> {
        self.python_loop.py()
    }

    pub(super) fn python_loop(&self) -> &'a Bound<'py, PyAny> {
        self.python_loop
    }

    /// Wakes an awaitable's only waiter.
    pub(crate) fn wake_one(&self, awaitable: &Bound<'py, Awaitable>, waiter: &Waiter) -> PyResult<()> {
        if self.manner == Manner::Direct {
            if let Some(result) = self.step(awaitable, waiter) {
                return result.or_else(|error| self.handle(awaitable, waiter, error));
            }
        }
        self.wake(awaitable, waiter)
    }

    /// Wakes one of several waiters, in the loop's next iteration.
    pub(crate) fn wake(&self, awaitable: &Bound<'py, Awaitable>, waiter: &Waiter) -> PyResult<()> {
        let py = self.py();
        if self.manner == Manner::Trio {
            return trio::reschedule(waiter.callback.bind(py));
        }
        asyncio::call_soon(self.python_loop, waiter.callback.bind(py), awaitable.as_any(), waiter.context.bind(py))
    }

    /// Calls the callback in the waiter's context. `None` if the context is in use: then nothing was called.
    fn step(&self, awaitable: &Bound<'py, Awaitable>, waiter: &Waiter) -> Option<PyResult<()>> {
        let py = self.py();
        let context = waiter.context.as_ptr();
        // SAFETY: attached; the waiter keeps the context alive. Anything but a context sets an error.
        if unsafe { ffi::PyContext_Enter(context) } != 0 {
            drop(error::fetch(py));
            return None;
        }
        let arguments = [awaitable.as_ptr()];
        // SAFETY: attached; one positional argument, alive throughout.
        let called =
            unsafe { ffi::PyObject_Vectorcall(waiter.callback.as_ptr(), arguments.as_ptr(), 1, std::ptr::null_mut()) };
        // SAFETY: a new reference, or null with the error set.
        let result = unsafe { error::returned(py, called) }.map(drop);
        // SAFETY: attached; entered above, and whoever is called leaves the contexts that it enters.
        if unsafe { ffi::PyContext_Exit(context) } != 0 {
            return Some(Err(error::fetch(py)));
        }
        Some(result)
    }

    /// Does with a callback's error what the handle of `call_soon` does: the loop's exception handler is told, unless it
    /// is one of the two that have to leave the loop.
    fn handle(&self, awaitable: &Bound<'py, Awaitable>, waiter: &Waiter, error: PyErr) -> PyResult<()> {
        let py = self.py();
        if is_interrupt(py, &error) {
            return Err(error);
        }
        let callback = waiter.callback.bind(py);
        asyncio::report_failed_callback(self.python_loop, callback, awaitable.as_any(), waiter.context.bind(py), error)
    }
}

/// Whether the error has to leave the loop, as the two do in asyncio.
pub(super) fn is_interrupt(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py)
}
