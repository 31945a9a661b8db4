//! What a command is made of, on its way from Python.

use std::borrow::Cow;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString};
use redis::{Cmd, RedisWrite, ToRedisArgs};

/// `bytes`, `str`, `int` or `float`, as the server wants it: bytes.
pub(crate) struct Argument<'a>(Cow<'a, [u8]>);

impl<'a, 'py> FromPyObject<'a, 'py> for Argument<'a> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = <&[u8]>::extract(object) {
            return Ok(Self(Cow::Borrowed(bytes)));
        }
        if object.is_instance_of::<PyString>() {
            return Ok(Self(Cow::Borrowed(<&str>::extract(object)?.as_bytes())));
        }
        // A `bool` is an `int`, but the server has no truth values: "True" would come back as `b"True"`.
        let number = object.is_instance_of::<PyInt>() || object.is_instance_of::<PyFloat>();
        if number && !object.is_instance_of::<PyBool>() {
            return Ok(Self(Cow::Owned(object.str()?.to_str()?.as_bytes().to_vec())));
        }
        let kind = object.get_type().name()?;
        Err(PyTypeError::new_err(format!("a command is made of bytes, str, int and float, not {kind}")))
    }
}

impl Argument<'_> {
    /// For what outlives the call.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_owned()
    }
}

impl ToRedisArgs for Argument<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        out.write_arg(&self.0);
    }
}

/// A command whose arguments are known one by one.
pub(crate) fn named<const COUNT: usize>(name: &str, arguments: [Argument<'_>; COUNT]) -> Cmd {
    let mut command = redis::cmd(name);
    for argument in arguments {
        command.arg(argument);
    }
    command
}

/// Appends all of a tuple, a list or whatever else gives arguments.
pub(crate) fn append(command: &mut Cmd, arguments: &Bound<'_, PyAny>) -> PyResult<()> {
    if arguments.is_instance_of::<PyString>() || arguments.is_instance_of::<PyBytes>() {
        return Err(PyTypeError::new_err("a command is a sequence of its parts, not one string"));
    }
    for argument in arguments.try_iter()? {
        command.arg(argument?.extract::<Argument<'_>>()?);
    }
    Ok(())
}

/// A whole command, its name first.
pub(crate) fn command(parts: &Bound<'_, PyAny>) -> PyResult<Cmd> {
    let mut command = Cmd::new();
    append(&mut command, parts)?;
    if command.args_iter().next().is_none() {
        return Err(PyValueError::new_err("a command has a name at least"));
    }
    Ok(command)
}
