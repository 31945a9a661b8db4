//! Python objects that are looked up once.
//!
//! `PyOnceLock` would do that, and `intern!` of PyO3's, with the place marked as busy while other threads may have the
//! interpreter. One of these may fork, and its child then waits for a thread that it does not have. Here two threads may both
//! look a thing up; what the first has found stays. To put it in its place takes no Python, so nobody forks meanwhile: with the
//! lock since it is held, and without since a fork stops all attached threads first, elsewhere than here.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

/// What is in `place`; if there is nothing, what `make` returns.
#[inline]
pub(crate) fn once<T>(
    py: Python<'_>,
    place: &'static PyOnceLock<T>,
    make: impl Fn() -> PyResult<T>,
) -> PyResult<&'static T> {
    match place.get(py) {
        Some(found) => Ok(found),
        None => fill(py, place, make),
    }
}

#[cold]
fn fill<T>(py: Python<'_>, place: &'static PyOnceLock<T>, make: impl Fn() -> PyResult<T>) -> PyResult<&'static T> {
    loop {
        // If somebody else has been faster, theirs is as good.
        drop(place.set(py, make()?));
        if let Some(found) = place.get(py) {
            return Ok(found);
        }
    }
}

/// A Python string that is made once, for names.
macro_rules! intern {
    ($py:expr, $text:expr) => {{
        static NAME: pyo3::sync::PyOnceLock<pyo3::Py<pyo3::types::PyString>> = pyo3::sync::PyOnceLock::new();
        $crate::once::interned($py, &NAME, $text)
    }};
}
pub(crate) use intern;

/// For [`intern!`].
#[inline]
pub(crate) fn interned<'py>(
    py: Python<'py>,
    place: &'static PyOnceLock<Py<PyString>>,
    text: &str,
) -> &'py Bound<'py, PyString> {
    match place.get(py) {
        Some(found) => found.bind(py),
        None => fill_name(py, place, text).bind(py),
    }
}

#[cold]
fn fill_name(py: Python<'_>, place: &'static PyOnceLock<Py<PyString>>, text: &str) -> &'static Py<PyString> {
    loop {
        drop(place.set(py, PyString::intern(py, text).unbind()));
        if let Some(found) = place.get(py) {
            return found;
        }
    }
}

#[cfg(all(test, unix, not(crossawait_loom), not(miri)))]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use parking_lot::Mutex;

    use super::*;
    use crate::lifecycle::forked::ends_in_a_child;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test is no runtime thread")]
    fn a_child_does_not_wait_for_a_thread_of_the_parent_that_looks_something_up() {
        static PLACE: PyOnceLock<usize> = PyOnceLock::new();
        Python::initialize();
        let (begin, begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let slow = thread::spawn(move || {
            let make = |py: Python<'_>| {
                begin.send(()).expect("the test listens");
                let _ = py.detach(|| released.lock().recv());
                Ok(1)
            };
            Python::attach(|py| *once(py, &PLACE, || make(py)).expect("a number"))
        });
        begun.recv().expect("the thread begins");
        Python::attach(|py| {
            assert!(ends_in_a_child(|| assert_eq!(*once(py, &PLACE, || Ok(2)).expect("a number"), 2)));
            assert_eq!(*once(py, &PLACE, || Ok(3)).expect("a number"), 3);
        });
        drop(release);
        // The first that was found stays.
        assert_eq!(slow.join().expect("the thread ends"), 3);
    }
}
