//! Where a coroutine was made, if `sys.set_coroutine_origin_tracking_depth` asks for it: asyncio's debug mode does.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use crate::once::{intern, once};

/// The frames above, the innermost first, each as its file, line and function: what `cr_origin` shows and a warning prints.
/// `None` if this thread does not track them.
pub(super) fn origin(py: Python<'_>) -> PyResult<Option<Py<PyTuple>>> {
    static DEPTH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    // No API tells the depth but this function of Python's: every coroutine calls it, which takes 170 instructions.
    let depth = once(py, &DEPTH, || {
        py.import("sys")?.getattr(intern!(py, "get_coroutine_origin_tracking_depth")).map(Bound::unbind)
    })?;
    let depth = depth.bind(py).call0()?;
    // Cheaper than to ask for the number, and nearly always enough.
    if depth.is_truthy()? { frames(py, depth.extract()?).map(Some) } else { Ok(None) }
}

#[cold]
fn frames(py: Python<'_>, depth: usize) -> PyResult<Py<PyTuple>> {
    let mut frame = match py.import("sys")?.call_method1(intern!(py, "_getframe"), (0,)) {
        Ok(frame) => Some(frame),
        // Rust has called, and no Python is below.
        Err(error) if error.is_instance_of::<PyValueError>(py) => None,
        Err(error) => return Err(error),
    };
    let mut entries = Vec::new();
    while let Some(current) = frame.filter(|_| entries.len() < depth) {
        let code = current.getattr(intern!(py, "f_code"))?;
        let entry = (
            code.getattr(intern!(py, "co_filename"))?,
            current.getattr(intern!(py, "f_lineno"))?,
            code.getattr(intern!(py, "co_name"))?,
        );
        entries.push(entry.into_pyobject(py)?);
        frame = current.getattr(intern!(py, "f_back"))?.extract()?;
    }
    Ok(PyTuple::new(py, entries)?.unbind())
}
