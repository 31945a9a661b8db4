//! `__del__` for our classes: what is done with an object that goes, while it is still whole.
//!
//! PyO3 offers `Drop`, and `__clear__` for the garbage collector. Either comes too late to show the object to somebody,
//! or what it refers to: so the two slots that Python has for this are filled by hand. An object may come out of it
//! alive, if whoever it was shown to keeps it (PEP 442); it is not finalized a second time.

use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::{Borrowed, PyTypeInfo, ffi};

use crate::error::InFlight;
use crate::panic::ignore_panic;

/// A class whose objects have accounts to settle before they go.
pub(crate) trait Finalize: PyTypeInfo + 'static {
    /// Whether there is anything to do; asked of every object, so it is quick and runs no Python code.
    fn has_accounts(slf: &Bound<'_, Self>) -> bool;

    /// Settles them. May run Python code. An error that is on its way has been set aside.
    fn settle_accounts(slf: &Bound<'_, Self>);

    /// Where the class keeps PyO3's `tp_dealloc`.
    fn original() -> &'static OnceLock<ffi::destructor>;
}

/// Fills the slots of a class. To be called while it is made.
pub(crate) fn install<T: Finalize>(py: Python<'_>) {
    let class = py.get_type::<T>().as_type_ptr();
    // SAFETY: attached; the class is ours, on the heap, not in use yet, and each function is of its slot's type.
    unsafe {
        let Some(dealloc) = (*class).tp_dealloc else {
            return;
        };
        // The second time, the slots are filled.
        if T::original().set(dealloc).is_ok() {
            (*class).tp_finalize = Some(tp_finalize::<T>);
            (*class).tp_dealloc = Some(tp_dealloc::<T>);
        }
    }
}

/// # Safety
/// For the slot: called attached, with an instance of `T` or of a class that inherits from it, once it has no references
/// left.
unsafe extern "C" fn tp_dealloc<T: Finalize>(object: *mut ffi::PyObject) {
    // SAFETY: attached. An instance of a class that inherits has settled its accounts by now: its class calls `__del__`.
    unsafe {
        let py = Python::assume_attached();
        let exact = ffi::Py_TYPE(object) == T::type_object_raw(py);
        if exact && T::has_accounts(&borrow(py, &object)) && ffi::PyObject_CallFinalizerFromDealloc(object) != 0 {
            // Somebody has kept it.
            return;
        }
        if let Some(original) = T::original().get() {
            original(object);
        }
    }
}

/// # Safety
/// For the slot: called attached, with an instance of `T` or of a class that inherits from it.
unsafe extern "C" fn tp_finalize<T: Finalize>(object: *mut ffi::PyObject) {
    // SAFETY: attached, as the contract says.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: passed on as received.
    let object = unsafe { borrow::<T>(py, &object) };
    known_to_be_attached(|| finalize::<T>(&object));
}

/// What `__del__` does.
pub(crate) fn finalize<T: Finalize>(object: &Bound<'_, T>) {
    if T::has_accounts(object) {
        let _in_flight = InFlight::set_aside(object.py());
        ignore_panic(|| T::settle_accounts(object));
    }
}

/// # Safety
/// The object is an instance of `T` or of a class that inherits from it, alive for as long as the result.
unsafe fn borrow<'a, 'py, T: Finalize>(py: Python<'py>, object: &'a *mut ffi::PyObject) -> Borrowed<'a, 'py, T> {
    // SAFETY: as the contract says.
    unsafe { Borrowed::from_ptr(py, *object).cast_unchecked::<T>() }
}

/// Runs `body` in a thread that is attached, and lets PyO3 know: elsewhere it puts off the drop of references.
#[expect(clippy::disallowed_methods, reason = "the thread is attached already")]
fn known_to_be_attached(body: impl FnOnce()) {
    let mut body = Some(body);
    let mut run = || {
        if let Some(body) = body.take() {
            body();
        }
    };
    if Python::try_attach(|_| run()).is_none() {
        // While the interpreter goes away PyO3 declines; then what is put off is put off for good.
        run();
    }
}
