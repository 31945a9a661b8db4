//! Which asyncio loop runs in this thread: what every call asks first.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::asyncio::call0;
use crate::once::once;

/// The loop that runs in this thread, if one does.
pub(crate) fn running_loop(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    #[cfg(all(unix, not(Py_3_12)))]
    if let Some(known) = holder::read(py) {
        return Ok(known);
    }
    let found = ask(py)?;
    #[cfg(all(unix, not(Py_3_12)))]
    holder::check(py, found.as_ref());
    Ok(found)
}

fn ask(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let function = once(py, &FUNCTION, || {
        // The name with the underscore returns None where the other raises.
        py.import("asyncio")?.getattr("_get_running_loop").map(Bound::unbind)
    })?;
    let found = call0(function.bind(py))?;
    Ok(if found.is_none() { None } else { Some(found) })
}

/// Reading what asyncio keeps in the thread's dictionary, without asking it.
///
/// Up to 3.11 `_get_running_loop` asks the system for the process id each time: 170 ns, of which 20 ns are left when
/// the object is read in which C's asyncio notes loop and process (`PyRunningLoopHolder` in `_asynciomodule.c`). These two
/// versions change no more; even so, a thread reads the object only after it has seen it agree with what asyncio says.
#[cfg(all(unix, not(Py_3_12)))]
mod holder {
    use std::cell::Cell;
    use std::ffi::CStr;
    use std::ptr::NonNull;

    use pyo3::ffi;
    use pyo3::prelude::*;

    use crate::lifecycle;
    use crate::once::intern;

    #[repr(C)]
    struct Holder {
        base: ffi::PyObject,
        running: *mut ffi::PyObject,
        process: libc::pid_t,
    }

    /// What a thread has checked.
    #[derive(Clone, Copy)]
    struct Checked {
        class: NonNull<ffi::PyTypeObject>,
        process: libc::pid_t,
        /// The process id is another one after a fork.
        generation: u32,
    }

    thread_local! {
        static CHECKED: Cell<Option<Checked>> = const { Cell::new(None) };
    }

    /// The running loop or that there is none; `None` if that is not known without asking.
    #[expect(clippy::option_option, reason = "what is not known is something else than what is not there")]
    pub(super) fn read(py: Python<'_>) -> Option<Option<Bound<'_, PyAny>>> {
        let checked = CHECKED.get()?;
        let noted = noted(py)?;
        // SAFETY: attached; the object is alive, since nothing has run since it was found.
        if unsafe { ffi::Py_TYPE(noted.as_ptr()) } != checked.class.as_ptr() {
            return None;
        }
        // SAFETY: an object of the class that `check` has found to be asyncio's, and so of this layout.
        let holder = unsafe { noted.cast::<Holder>().as_ref() };
        if holder.process != checked.process || lifecycle::generation() != checked.generation {
            return None;
        }
        // SAFETY: the holder owns the loop: a live object, or null.
        let running = unsafe { Bound::from_borrowed_ptr_or_opt(py, holder.running) };
        Some(running.filter(|running| !running.is_none()))
    }

    /// Looks whether the object that asyncio has noted is what [`Holder`] says, given the running loop.
    pub(super) fn check(py: Python<'_>, running: Option<&Bound<'_, PyAny>>) {
        let (Some(noted), Some(running)) = (noted(py), running) else {
            return;
        };
        let size = isize::try_from(size_of::<Holder>()).unwrap_or(0);
        // SAFETY: attached; the object is alive, its class too, and a class has a name.
        let (class, alike) = unsafe {
            let class = ffi::Py_TYPE(noted.as_ptr());
            let name = CStr::from_ptr((*class).tp_name);
            (class, name == c"_RunningLoopHolder" && (*class).tp_basicsize == size)
        };
        if !alike {
            return;
        }
        // SAFETY: the object is that large, and the class with this name is static: it is the same for as long as the
        // process lives.
        let holder = unsafe { noted.cast::<Holder>().as_ref() };
        let process = libc::pid_t::try_from(std::process::id()).unwrap_or(0);
        if holder.running == running.as_ptr() && holder.process == process {
            let checked =
                NonNull::new(class).map(|class| Checked { class, process, generation: lifecycle::generation() });
            CHECKED.set(checked);
        }
    }

    /// The object in the thread's dictionary, borrowed: it is gone once Python code runs.
    fn noted(py: Python<'_>) -> Option<NonNull<ffi::PyObject>> {
        let key = intern!(py, "__asyncio_running_event_loop__");
        // SAFETY: attached; both calls return borrowed references or null, and set no error. An error that is on its way, as
        // in a destructor, is kept.
        unsafe {
            let dictionary = ffi::PyThreadState_GetDict();
            if dictionary.is_null() {
                return None;
            }
            NonNull::new(ffi::PyDict_GetItem(dictionary, key.as_ptr()))
        }
    }
}
