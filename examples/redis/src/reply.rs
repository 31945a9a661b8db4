//! What the server answers, on its way to Python.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt};
use redis::{FromRedisValue, RedisResult, Value};

use crate::error::Error;

/// Any answer: `bytes` for every kind of string, `None`, `int`, `float`, `bool`, and lists and dictionaries of them.
pub(crate) struct Reply(Value);

impl FromRedisValue for Reply {
    fn from_redis_value(value: &Value) -> RedisResult<Self> {
        Ok(Self(value.clone()))
    }

    fn from_owned_redis_value(value: Value) -> RedisResult<Self> {
        Ok(Self(value))
    }
}

impl<'py> IntoPyObject<'py> for Reply {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self.0 {
            Value::Nil => py.None().into_bound(py),
            Value::BulkString(bytes) => PyBytes::new(py, &bytes).into_any(),
            Value::SimpleString(text) | Value::VerbatimString { text, .. } => {
                PyBytes::new(py, text.as_bytes()).into_any()
            }
            Value::Okay => PyBytes::new(py, b"OK").into_any(),
            Value::Int(number) => number.into_pyobject(py)?.into_any(),
            Value::Double(number) => number.into_pyobject(py)?.into_any(),
            Value::Boolean(truth) => truth.into_pyobject(py)?.to_owned().into_any(),
            Value::Array(values) | Value::Set(values) | Value::Push { data: values, .. } => list(py, values)?,
            Value::Map(pairs) => dictionary(py, pairs)?,
            Value::Attribute { data, .. } => Reply(*data).into_pyobject(py)?,
            Value::ServerError(error) => return Err(Error::Redis(error.into()).into()),
            Value::BigNumber(number) => py.get_type::<PyInt>().call1((number.to_string(),))?,
        })
    }
}

fn list(py: Python<'_>, values: Vec<Value>) -> PyResult<Bound<'_, PyAny>> {
    values.into_iter().map(Reply).collect::<Vec<_>>().into_pyobject(py)
}

fn dictionary(py: Python<'_>, pairs: Vec<(Value, Value)>) -> PyResult<Bound<'_, PyAny>> {
    let dictionary = PyDict::new(py);
    for (key, value) in pairs {
        dictionary.set_item(Reply(key), Reply(value))?;
    }
    Ok(dictionary.into_any())
}
