//! The library's own parts in Python.

use std::ffi::CStr;

use pyo3::prelude::*;
use pyo3::types::code::PyCodeInput;
use pyo3::types::{PyCode, PyCodeMethods};

/// Runs the source of a module and returns that. `file` is what tracebacks name.
///
/// It does not stand in `sys.modules`. There it would be shared: between two extensions that have this library in them, in
/// different versions perhaps, and between two threads that come here first.
pub(crate) fn module<'py>(py: Python<'py>, source: &CStr, file: &CStr, name: &str) -> PyResult<Bound<'py, PyModule>> {
    let module = PyModule::new(py, name)?;
    PyCode::compile(py, source, file, PyCodeInput::File)?.run(Some(&module.dict()), None)?;
    Ok(module)
}

/// The text of a file beside this one, for `module`.
macro_rules! python_source {
    ($file:literal) => {
        const {
            match ::std::ffi::CStr::from_bytes_with_nul(concat!(include_str!($file), "\0").as_bytes()) {
                Ok(source) => source,
                Err(_) => panic!("the file has a zero byte in it"),
            }
        }
    };
}
pub(crate) use python_source;
