//! What is thrown into a coroutine or an iterator, by `throw`.

use pyo3::exceptions::{PyBaseException, PyDeprecationWarning, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyTraceback, PyTuple, PyType};

/// The exception that `throw(typ, val, tb)` means: an instance, or a class with a value, and perhaps a traceback. If the class
/// cannot make one, what it raises is thrown in its place.
///
/// # Errors
/// If these are no arguments for `throw`: then nothing is thrown.
pub(crate) fn thrown(
    typ: Bound<'_, PyAny>,
    val: Option<Bound<'_, PyAny>>,
    tb: Option<Bound<'_, PyAny>>,
) -> PyResult<PyErr> {
    let py = typ.py();
    let val = val.filter(|val| !val.is_none());
    let tb = tb.filter(|tb| !tb.is_none());
    if val.is_some() || tb.is_some() {
        warn_of_signature(py)?;
    }
    let traceback = tb
        .map(Bound::cast_into::<PyTraceback>)
        .transpose()
        .map_err(|_| PyTypeError::new_err("throw() third argument must be a traceback object"))?;
    let error = if let Some(class) = exception_class(&typ)? {
        make(class, val).map_or_else(|error| error, PyErr::from_value)
    } else if typ.is_instance_of::<PyBaseException>() {
        if val.is_some() {
            return Err(PyTypeError::new_err("instance exception may not have a separate value"));
        }
        PyErr::from_value(typ)
    } else {
        let class = typ.get_type().name()?.to_string();
        let message = format!("exceptions must be classes or instances deriving from BaseException, not {class}");
        return Err(PyTypeError::new_err(message));
    };
    if traceback.is_some() {
        error.set_traceback(py, traceback);
    }
    Ok(error)
}

fn exception_class<'a, 'py>(typ: &'a Bound<'py, PyAny>) -> PyResult<Option<&'a Bound<'py, PyType>>> {
    Ok(match typ.cast::<PyType>() {
        Ok(class) if class.is_subclass_of::<PyBaseException>()? => Some(class),
        _ => None,
    })
}

/// An instance of `class`, as `raise` and `except` have long made them of a pair: the value itself if it is one, a tuple's
/// items as arguments.
fn make<'py>(class: &Bound<'py, PyType>, val: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    let made = match val {
        None => class.call0()?,
        Some(val) if val.is_instance(class)? => return Ok(val),
        Some(val) => match val.cast::<PyTuple>() {
            Ok(arguments) => class.call1(arguments)?,
            Err(_) => class.call1((val,))?,
        },
    };
    let made = exception(class, made)?;
    // Since 3.12, a pair of a class and an instance that is not just of that class is raised by making one of the class
    // again, with the instance as its argument: `throw(OSError, (2, "gone"))` throws `OSError(FileNotFoundError(2, "gone"))`.
    if class.py().version_info() >= (3, 12) && !made.get_type().is(class) {
        return exception(class, class.call1((made,))?);
    }
    Ok(made)
}

/// What `class` has made, if it can be thrown.
fn exception<'py>(class: &Bound<'py, PyType>, made: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if made.is_instance_of::<PyBaseException>() {
        return Ok(made);
    }
    let message = format!(
        "calling {} should have returned an instance of BaseException, not {}",
        class.repr()?,
        made.get_type().name()?,
    );
    Err(PyTypeError::new_err(message))
}

/// As Python's own coroutines and futures do since 3.12.
fn warn_of_signature(py: Python<'_>) -> PyResult<()> {
    if py.version_info() < (3, 12) {
        return Ok(());
    }
    let message = c"the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.";
    PyErr::warn(py, &py.get_type::<PyDeprecationWarning>(), message, 1)
}
