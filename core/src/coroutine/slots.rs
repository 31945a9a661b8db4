//! `await coroutine`, apart from `coroutine.__await__()`: a slot of the class, filled by hand.
//!
//! The method gives an iterator of its own, as that of Python's coroutines does, so that a coroutine passes neither for an
//! iterable nor for a generator. `await` has no use for the iterator, and is spared it: it gets the coroutine itself.

use pyo3::prelude::*;
use pyo3::{Borrowed, ffi};

use super::Coroutine;
use super::state::State;

/// Fills the slot. To be called while the class is made.
pub(super) fn install(py: Python<'_>) {
    let class = py.get_type::<Coroutine>().as_type_ptr();
    // SAFETY: attached; the class is ours, on the heap, not in use yet, and the function is of its slot's type.
    unsafe {
        if let Some(methods) = (*class).tp_as_async.as_mut() {
            methods.am_await = Some(self::am_await);
        }
    }
}

/// # Safety
/// For the slot: called attached, with an instance of the class, which nothing inherits from.
unsafe extern "C" fn am_await(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: attached, with a live object of the class, as the contract says.
    unsafe {
        let coroutine = Borrowed::from_ptr(Python::assume_attached(), object).cast_unchecked::<Coroutine>();
        if coroutine.get().is_waiting() {
            ffi::PyErr_SetString(ffi::PyExc_RuntimeError, c"coroutine is being awaited already".as_ptr());
            return std::ptr::null_mut();
        }
        ffi::Py_INCREF(object);
        object
    }
}

impl Coroutine {
    /// Whether somebody awaits it already.
    ///
    /// What an `__anext__` gives is left out: `anext(iterator, default)` asks for its iterator once more at each step.
    fn is_waiting(&self) -> bool {
        matches!(*self.state.lock(), State::Suspended(_)) && !self.qualified_name.ends_with("__anext__")
    }
}
