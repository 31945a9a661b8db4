//! What is thrown into a coroutine or an iterator, by `throw`.

use pyo3::exceptions::{PyBaseException, PyDeprecationWarning, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyTraceback, PyType};

/// The exception that `throw(typ, val, tb)` means: an instance, or a class with a value, and perhaps a traceback.
pub(crate) fn thrown(
    typ: Bound<'_, PyAny>,
    val: Option<Bound<'_, PyAny>>,
    tb: Option<Bound<'_, PyAny>>,
) -> PyResult<PyErr> {
    let val = val.filter(|val| !val.is_none());
    let tb = tb.filter(|tb| !tb.is_none());
    if val.is_some() || tb.is_some() {
        warn_of_signature(typ.py())?;
    }
    let exception = if let Ok(class) = typ.cast::<PyType>() {
        match val {
            None => class.call0()?,
            Some(val) if val.is_instance(class)? => val,
            Some(val) => class.call1((val,))?,
        }
    } else if val.is_some() {
        return Err(PyTypeError::new_err("instance exception may not have a separate value"));
    } else {
        typ.clone()
    };
    let py = exception.py();
    let exception = match exception.cast_into::<PyBaseException>() {
        Ok(exception) => exception,
        Err(other) => {
            let class = other.into_inner().get_type().name()?.to_string();
            let message = format!("exceptions must be classes or instances deriving from BaseException, not {class}");
            return Err(PyTypeError::new_err(message));
        }
    };
    let error = PyErr::from_value(exception.into_any());
    if let Some(tb) = tb {
        let traceback = tb
            .cast_into::<PyTraceback>()
            .map_err(|_| PyTypeError::new_err("throw() third argument must be a traceback object"))?;
        error.set_traceback(py, Some(traceback));
    }
    Ok(error)
}

/// As Python's own coroutines and futures do since 3.12.
fn warn_of_signature(py: Python<'_>) -> PyResult<()> {
    if py.version_info() < (3, 12) {
        return Ok(());
    }
    let message = c"the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.";
    PyErr::warn(py, &py.get_type::<PyDeprecationWarning>(), message, 1)
}
