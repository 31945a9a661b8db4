//! Attaching a thread that Python has not made, for the two kinds of threads of the library's that do.
//!
//! Up to CPython 3.11 that is no match for forks. A thread that attaches enters a list, with the list locked and without the
//! interpreter's lock, which is all that `os.fork` holds. If it forks in that moment, the child asks for the list's lock
//! before it makes a new one, and waits for a thread that it does not have. So threads enter the list through a gate that is
//! shut while the process forks. 3.12 makes the new lock first.

#[cfg(not(all(unix, not(Py_3_12))))]
use pyo3::prelude::*;

/// Runs `body` attached. `None` if the interpreter is not there, or is going away as far as can be told.
#[cfg(not(all(unix, not(Py_3_12))))]
#[expect(clippy::disallowed_methods, reason = "who calls this exists to attach")]
pub(crate) fn attach<R>(body: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    Python::try_attach(body)
}

#[cfg(all(unix, not(Py_3_12)))]
pub(crate) use self::listed::{GATE, attach};

#[cfg(all(unix, any(test, not(Py_3_12))))]
mod gate;

#[cfg(all(unix, not(Py_3_12)))]
mod listed {
    use std::ptr::NonNull;

    use pyo3::ffi;
    use pyo3::prelude::*;

    use super::gate::Gate;
    use crate::lifecycle;

    pub(crate) static GATE: Gate = Gate::new();

    #[expect(clippy::disallowed_methods, reason = "who calls this exists to attach")]
    pub(crate) fn attach<R>(body: impl FnOnce(Python<'_>) -> R) -> Option<R> {
        // SAFETY: may be called at any time.
        if unsafe { !ffi::PyGILState_GetThisThreadState().is_null() } {
            // It is on the list: a thread of Python's, where an executor runs jobs on those.
            return Python::try_attach(body);
        }
        // PyO3 finds the thread attached then.
        let _listed = Listed::enter()?;
        Python::try_attach(body)
    }

    /// This thread's place on the list, and its attachment.
    struct Listed(NonNull<ffi::PyThreadState>);

    impl Listed {
        fn enter() -> Option<Self> {
            lifecycle::watch_forks();
            // SAFETY: may be called at any time.
            if unsafe { ffi::Py_IsInitialized() } == 0 {
                return None;
            }
            let state = {
                let _inside = GATE.enter();
                // SAFETY: the interpreter is there, and stays as long as threads are attached: its end waits for those that
                // are about to, see `begin_call` and the notifier's `ended`. Not attached is what the function asks for,
                // and this thread has no other state, as `attach` has seen.
                unsafe { ffi::PyThreadState_New(ffi::PyInterpreterState_Main()) }
            };
            let listed = Self(NonNull::new(state)?);
            // SAFETY: the state is this thread's, and new. It is the one that `PyGILState_Ensure` finds from now on.
            unsafe { ffi::PyEval_AcquireThread(listed.0.as_ptr()) };
            Some(listed)
        }
    }

    impl Drop for Listed {
        fn drop(&mut self) {
            // SAFETY: attached with this very state since `enter`, and every `PyGILState_Ensure` in between has been given
            // back. Leaves the list with the interpreter's lock held, which a fork would need.
            unsafe {
                ffi::PyThreadState_Clear(self.0.as_ptr());
                ffi::PyThreadState_DeleteCurrent();
            }
        }
    }
}

#[cfg(all(test, not(crossawait_loom), not(miri)))]
mod tests {
    use std::thread;

    use pyo3::prelude::*;
    use pyo3::types::PyInt;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test is no runtime thread")]
    fn any_thread_attaches_and_one_that_is_attached_stays_so() {
        Python::initialize();
        let number = || attach(|py| PyInt::new(py, 3).extract::<u8>().ok()).flatten();
        let of_attached = Python::attach(|_| (number(), number()));
        let twice = thread::spawn(move || (number(), number())).join().expect("the thread ends");
        assert_eq!((of_attached, twice), ((Some(3), Some(3)), (Some(3), Some(3))));
    }
}
