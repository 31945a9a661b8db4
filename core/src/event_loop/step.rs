//! Waking a waiter: stepping its task right here where that is the same to everybody, else over `call_soon`.
//!
//! A drain is a callback of the loop, so no task is current while it runs. What `call_soon(task_wakeup)` would do in the
//! next iteration can then be done now: enter the task's context, call its wake-up, leave. It spares a handle, a place
//! in the loop's ready queue and an iteration: 0.8 µs instead of 1.9 µs for each waiter.

use std::ffi::CStr;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::asyncio;
use crate::awaitable::{Awaitable, Waiter};

/// Decides, once for each drain, whether tasks may be stepped directly, and wakes waiters accordingly.
pub(crate) struct Stepper<'a, 'py> {
    python_loop: &'a Bound<'py, PyAny>,
    direct: bool,
}

impl<'a, 'py> Stepper<'a, 'py> {
    pub(super) fn new(python_loop: &'a Bound<'py, PyAny>, strict: bool) -> PyResult<Self> {
        let direct = !strict
            // Debug mode times callbacks in their handles.
            && !asyncio::is_debug(python_loop)?
            && !asyncio::has_current_task(python_loop)?;
        Ok(Self { python_loop, direct })
    }

    pub(crate) fn py(&self) -> Python<'py> {
        self.python_loop.py()
    }

    /// Wakes an awaitable's only waiter.
    pub(crate) fn wake_one(&self, awaitable: &Bound<'py, Awaitable>, waiter: &Waiter) -> PyResult<()> {
        if self.direct && is_task_wakeup(waiter.callback.bind(self.py())) {
            if let Some(result) = self.step(awaitable, waiter) {
                return result;
            }
        }
        self.wake(awaitable, waiter)
    }

    /// Wakes one of several waiters, in the loop's next iteration.
    pub(crate) fn wake(&self, awaitable: &Bound<'py, Awaitable>, waiter: &Waiter) -> PyResult<()> {
        let py = self.py();
        asyncio::call_soon(self.python_loop, waiter.callback.bind(py), awaitable.as_any(), waiter.context.bind(py))
    }

    /// Calls the wake-up in the waiter's context. `None` if the context is in use: then nothing was called.
    fn step(&self, awaitable: &Bound<'py, Awaitable>, waiter: &Waiter) -> Option<PyResult<()>> {
        let py = self.py();
        let context = waiter.context.as_ptr();
        // SAFETY: attached; the waiter keeps the context alive. Anything but a context sets an error.
        if unsafe { ffi::PyContext_Enter(context) } != 0 {
            drop(PyErr::take(py));
            return None;
        }
        let arguments = [awaitable.as_ptr()];
        // SAFETY: attached; one positional argument, alive throughout.
        let called =
            unsafe { ffi::PyObject_Vectorcall(waiter.callback.as_ptr(), arguments.as_ptr(), 1, std::ptr::null_mut()) };
        // SAFETY: a new reference, or null with the error set.
        let result = unsafe { Bound::from_owned_ptr_or_err(py, called) }.map(drop);
        // SAFETY: attached; entered above, and a task leaves the contexts that it enters.
        if unsafe { ffi::PyContext_Exit(context) } != 0 {
            return Some(Err(PyErr::fetch(py)));
        }
        Some(result)
    }
}

/// Whether this is the wake-up that C's `asyncio.Task` registers: a builtin method, bound to a task.
fn is_task_wakeup(callback: &Bound<'_, PyAny>) -> bool {
    let py = callback.py();
    let Ok(task) = asyncio::task(py) else {
        return false;
    };
    // SAFETY: attached, on a live object.
    if unsafe { ffi::PyCFunction_CheckExact(callback.as_ptr()) } == 0 {
        return false;
    }
    let function = callback.as_ptr().cast::<ffi::PyCFunctionObject>();
    // SAFETY: the check above says that this is a builtin function object; its definition is static data that the
    // function keeps valid, its receiver a borrowed reference that may be null.
    let (name, receiver) = unsafe { (CStr::from_ptr((*(*function).m_ml).ml_name), (*function).m_self) };
    if name != c"task_wakeup" || receiver.is_null() {
        return false;
    }
    // SAFETY: attached, both alive.
    unsafe { ffi::PyObject_TypeCheck(receiver, task.as_type_ptr()) != 0 }
}
