//! Some slots of the class, filled by hand: for what PyO3 does not offer, or where its general way costs too much.
//!
//! `await` of an awaitable that has its value takes no detour: code that awaits what is often there already pays for
//! nothing but a lock. Nor does a step that finds it pending, and has nothing to do but to say so. PyO3's own functions
//! take everything else: whatever has to be started, bound or raised. So nothing here can panic.

use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use pyo3::prelude::*;
use pyo3::{Borrowed, ffi};

use super::outcome::Outcome;
use super::{Awaitable, dictionary};

/// What PyO3 has put into the slots.
struct Original {
    tp_new: ffi::newfunc,
    am_await: ffi::unaryfunc,
    tp_iternext: ffi::iternextfunc,
}

static ORIGINAL: OnceLock<Original> = OnceLock::new();

/// Fills the slots. To be called while the class is made.
pub(super) fn install(py: Python<'_>) {
    let class = py.get_type::<Awaitable>().as_type_ptr();
    // SAFETY: attached; the class is ours, on the heap, not in use yet, and each function is of its slot's type.
    unsafe {
        let methods = (*class).tp_as_async;
        if methods.is_null() {
            return;
        }
        let (Some(tp_new), Some(am_await), Some(tp_iternext)) =
            ((*class).tp_new, (*methods).am_await, (*class).tp_iternext)
        else {
            return;
        };
        // The second time, these are ours already.
        if ORIGINAL.set(Original { tp_new, am_await, tp_iternext }).is_ok() {
            (*class).tp_new = Some(self::tp_new);
            (*methods).am_await = Some(self::am_await);
            (*class).tp_iternext = Some(self::tp_iternext);
            // From 3.12 on `await` looks at `tp_iternext` only.
            #[cfg(not(Py_3_12))]
            {
                (*methods).am_send = Some(self::am_send);
            }
        }
    }
}

/// Makes an object whatever the arguments; `__init__` is what looks at them.
///
/// # Safety
/// For the slot: called attached, with the class or one that inherits from it.
unsafe extern "C" fn tp_new(
    class: *mut ffi::PyTypeObject,
    _arguments: *mut ffi::PyObject,
    _keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(original) = ORIGINAL.get() else {
        return ptr::null_mut();
    };
    // SAFETY: attached; the empty tuple is a reference of ours, given back once, and no keywords are null.
    unsafe {
        let nothing = ffi::PyTuple_New(0);
        let object =
            if nothing.is_null() { ptr::null_mut() } else { (original.tp_new)(class, nothing, ptr::null_mut()) };
        ffi::Py_XDECREF(nothing);
        if !object.is_null() {
            dictionary::drop_unused(&borrow(&object));
        }
        object
    }
}

/// # Safety
/// For the slot: called attached, with an instance of the class or of one that inherits from it.
unsafe extern "C" fn am_await(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: passed on as received.
    if unsafe { borrow(&object) }.get().is_settled() {
        // SAFETY: attached, and alive.
        unsafe { ffi::Py_INCREF(object) };
        return object;
    }
    match ORIGINAL.get() {
        // SAFETY: passed on as received.
        Some(original) => unsafe { (original.am_await)(object) },
        None => ptr::null_mut(),
    }
}

/// # Safety
/// As [`am_await`].
unsafe extern "C" fn tp_iternext(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: attached, as the contract says; the value is a reference of ours, given back once.
    unsafe {
        match borrow(&object).get().short_step() {
            Some(Step::Ended(value)) => {
                // The end of an iterator without an error means `None`.
                if value != ffi::Py_None() {
                    ffi::PyErr_SetObject(ffi::PyExc_StopIteration, value);
                }
                ffi::Py_DECREF(value);
                ptr::null_mut()
            }
            Some(Step::Waits) => ffi::Py_NewRef(object),
            None => ORIGINAL.get().map_or(ptr::null_mut(), |original| (original.tp_iternext)(object)),
        }
    }
}

/// # Safety
/// For the slot: called attached, with an instance as above, a value that is of no interest, and a place for the result.
#[cfg(not(Py_3_12))]
unsafe extern "C" fn am_send(
    object: *mut ffi::PyObject,
    _value: *mut ffi::PyObject,
    result: *mut *mut ffi::PyObject,
) -> ffi::PySendResult {
    // SAFETY: attached, as the contract says; the object and its class are alive, and `result` may be written.
    unsafe {
        let exact = ffi::Py_TYPE(object) == Python::assume_attached().get_type::<Awaitable>().as_type_ptr();
        if exact {
            match borrow(&object).get().short_step() {
                Some(Step::Ended(value)) => {
                    *result = value;
                    return ffi::PySendResult::PYGEN_RETURN;
                }
                Some(Step::Waits) => {
                    *result = ffi::Py_NewRef(object);
                    return ffi::PySendResult::PYGEN_NEXT;
                }
                None => {}
            }
        }
        // A class that inherits may have an iteration of its own.
        let yielded = (*ffi::Py_TYPE(object)).tp_iternext.map_or(ptr::null_mut(), |next| next(object));
        if !yielded.is_null() {
            *result = yielded;
            return ffi::PySendResult::PYGEN_NEXT;
        }
        *result = returned();
        if (*result).is_null() { ffi::PySendResult::PYGEN_ERROR } else { ffi::PySendResult::PYGEN_RETURN }
    }
}

/// What an iterator returned that has come to its end; null, and the error set, if it failed.
///
/// # Safety
/// To be called attached.
#[cfg(not(Py_3_12))]
unsafe fn returned() -> *mut ffi::PyObject {
    let (mut class, mut value, mut traceback) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: attached; `PyErr_Fetch` gives three references, or null, and each is given back once.
    unsafe {
        if ffi::PyErr_Occurred().is_null() {
            return ffi::Py_NewRef(ffi::Py_None());
        }
        if ffi::PyErr_ExceptionMatches(ffi::PyExc_StopIteration) == 0 {
            return ptr::null_mut();
        }
        ffi::PyErr_Fetch(&raw mut class, &raw mut value, &raw mut traceback);
        ffi::PyErr_NormalizeException(&raw mut class, &raw mut value, &raw mut traceback);
        let returned = ffi::PyObject_GetAttrString(value, c"value".as_ptr());
        ffi::Py_XDECREF(class);
        ffi::Py_XDECREF(value);
        ffi::Py_XDECREF(traceback);
        returned
    }
}

/// # Safety
/// To be called attached, with an instance of the class or of one that inherits from it, alive for as long as the result.
unsafe fn borrow(object: &*mut ffi::PyObject) -> Borrowed<'_, '_, Awaitable> {
    // SAFETY: as the contract says.
    unsafe {
        let py = Python::assume_attached();
        Borrowed::from_ptr(py, *object).cast_unchecked::<Awaitable>()
    }
}

/// A step of an `await` that took no detour.
enum Step {
    /// It has its value: a new reference.
    Ended(*mut ffi::PyObject),
    /// It is pending, and marked for the task to wait.
    Waits,
}

impl Awaitable {
    /// What [`poll`](Self::poll) does, where that is no more than to look; `None` where it is.
    ///
    /// The value must be one that can be raised as it is. It counts as retrieved.
    fn short_step(&self) -> Option<Step> {
        let header = self.cell.header();
        if header.is_inherited() {
            return None;
        }
        let mut inner = self.inner.lock();
        match &inner.outcome {
            Outcome::Value(value) => {
                let value = value.as_ptr();
                // SAFETY: attached (slots are called so), and `inner` keeps the value alive.
                unsafe {
                    // See `stop_iteration`.
                    if ffi::PyTuple_Check(value) != 0 || ffi::PyExceptionInstance_Check(value) != 0 {
                        return None;
                    }
                    ffi::Py_INCREF(value);
                }
                inner.retrieved = true;
                Some(Step::Ended(value))
            }
            Outcome::Pending if self.is_waiting_to_settle() && inner.is_ready_to_wait() => {
                if self.blocking.swap(true, Ordering::Relaxed) {
                    return None;
                }
                inner.awaited = true;
                Some(Step::Waits)
            }
            _ => None,
        }
    }
}
