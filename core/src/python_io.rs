//! Python's byte streams as Rust readers and writers.
//!
//! | file | what |
//! |---|---|
//! | `python_io.rs` | what both directions need |
//! | `python_io.py` | what is called of the streams of asyncio, trio and anyio |
//! | `python_io/reader.rs` | a Python stream as an `AsyncRead` |
//! | `python_io/writer.rs` | a Python stream as an `AsyncWrite` |
//! | `python_io/error.rs` | exceptions as errors of input and output |

mod error;
mod reader;
mod writer;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyModule;

use crate::once::once;
use crate::python_source::{self, python_source};

pub use reader::PythonReader;
pub use writer::PythonWriter;

/// A function of `python_io.py`.
fn function<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = once(py, &MODULE, || {
        let source = python_source!("python_io.py");
        python_source::module(py, source, c"crossawait/python_io.py", "crossawait_core_python_io").map(Bound::unbind)
    })?;
    module.bind(py).getattr(name)
}

/// Has the classes made of this module and below; see [`once`](crate::once).
pub(crate) fn make_classes(py: Python<'_>) {
    writer::make_class(py);
}
