//! Awaitables without a dictionary that nobody asked for.
//!
//! Python 3.11 and 3.12 give each new object of a class that has a `__dict__` its dictionary at once (see
//! `_PyObject_InitializeDict`). Few awaitables ever get an attribute, and for the others it would be 64 bytes and one more
//! object towards the collector's next run. As before 3.11 and since 3.13, the first attribute makes one.

use pyo3::prelude::*;

use super::Awaitable;

/// Lets go of the dictionary of an object that nobody else has seen yet.
#[cfg(not(Py_3_13))]
pub(super) fn drop_unused(object: &Bound<'_, Awaitable>) {
    use pyo3::ffi;

    let class = object.py().get_type::<Awaitable>();
    // SAFETY: attached, and under the GIL: these versions have no other builds. The class is alive, and keeps in each
    // instance, of a class that inherits too, at this offset from its start either null or a reference to a dictionary. PyO3
    // and Python take null for one that has not been made yet. An empty dictionary's end runs no code.
    unsafe {
        let offset = (*class.as_type_ptr()).tp_dictoffset;
        if offset > 0 {
            let dictionary = object.as_ptr().byte_offset(offset).cast::<*mut ffi::PyObject>();
            ffi::Py_CLEAR(dictionary);
        }
    }
}

#[cfg(Py_3_13)]
pub(super) fn drop_unused(_object: &Bound<'_, Awaitable>) {}
