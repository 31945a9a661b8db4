//! Values that are hard to hand to Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// What a future gives.
#[derive(Debug)]
pub enum Value {
    /// A Python object, as it is.
    Object(Py<PyAny>),
    /// Two numbers, which become a tuple.
    Pair(i64, i64),
    /// A number that fits no machine word.
    Big(u128),
    /// Its conversion raises a `ValueError`.
    Fails,
    /// Its conversion panics.
    Panics,
    /// Its conversion calls this, and gives what it returns.
    Calls(Py<PyAny>),
}

impl<'py> IntoPyObject<'py> for Value {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Value::Object(object) => Ok(object.into_bound(py)),
            Value::Pair(first, second) => Ok(PyTuple::new(py, [first, second])?.into_any()),
            Value::Big(number) => Ok(number.into_pyobject(py)?.into_any()),
            Value::Fails => Err(PyValueError::new_err("this value has no Python form")),
            Value::Panics => panic!("this value panics on its way to Python"),
            Value::Calls(function) => function.bind(py).call0(),
        }
    }
}
