//! Frames and code objects for debuggers: a coroutine's name and state, in the shape that tools for Python ask for.
//!
//! `inspect.getcoroutinestate`, `Task.print_stack` and 3.14's call graphs read `cr_frame`; without one they take a
//! coroutine for closed. A frame cannot be made, so it is borrowed: of a generator that does nothing, under our name.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::once::intern;
use crate::once::once;
use crate::python_source;

/// How far the coroutine is: a frame that has not begun says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Created,
    Begun,
}

/// A frame whose code has this name.
///
/// It is the same one each time, of a generator that is kept: one that is let go runs its frame to the end, on top of the
/// frames of whoever has asked, and the frame would refer to those.
pub(crate) fn frame<'py>(py: Python<'py>, qualified_name: &str, progress: Progress) -> PyResult<Bound<'py, PyAny>> {
    let frame = generators(py, qualified_name)?.frame(progress)?;
    if !frame.is_none() {
        return Ok(frame);
    }
    // Somebody has called `clear` on it, which ends the generator. Those that ask from now on have another.
    make_generators(py, qualified_name)?.frame(progress)
}

/// The code object with this name.
pub(crate) fn code<'py>(py: Python<'py>, qualified_name: &str) -> PyResult<Bound<'py, PyAny>> {
    generators(py, qualified_name)?.created.getattr(intern!(py, "gi_code"))
}

/// Two generators under another name: one that has not begun, and one that has. There are as many as there are names in
/// the Rust code.
struct Generators<'py> {
    created: Bound<'py, PyAny>,
    begun: Bound<'py, PyAny>,
}

impl<'py> Generators<'py> {
    fn frame(&self, progress: Progress) -> PyResult<Bound<'py, PyAny>> {
        let generator = if progress == Progress::Created { &self.created } else { &self.begun };
        generator.getattr(intern!(generator.py(), "gi_frame"))
    }
}

/// Those that are kept, by their names.
fn kept(py: Python<'_>) -> PyResult<&Bound<'_, PyDict>> {
    static GENERATORS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    once(py, &GENERATORS, || Ok(PyDict::new(py).unbind())).map(|kept| kept.bind(py))
}

fn generators<'py>(py: Python<'py>, qualified_name: &str) -> PyResult<Generators<'py>> {
    match kept(py)?.get_item(qualified_name)? {
        Some(pair) => {
            let (created, begun) = pair.extract()?;
            Ok(Generators { created, begun })
        }
        None => make_generators(py, qualified_name),
    }
}

fn make_generators<'py>(py: Python<'py>, qualified_name: &str) -> PyResult<Generators<'py>> {
    let changes = PyDict::new(py);
    changes.set_item("co_name", last_part(qualified_name))?;
    changes.set_item("co_filename", "<rust>")?;
    if py.version_info() >= (3, 11) {
        changes.set_item("co_qualname", qualified_name)?;
    }
    let template = python_source::module(py, c"def template(): yield", c"<rust>", "crossawait_core_frame")?;
    let function = template.getattr("template")?;
    let code = function.getattr("__code__")?.call_method("replace", (), Some(&changes))?;
    function.setattr("__code__", code)?;
    let (created, begun) = (function.call0()?, function.call0()?);
    begun.call_method0(intern!(py, "__next__"))?;
    kept(py)?.set_item(qualified_name, (&created, &begun))?;
    Ok(Generators { created, begun })
}

/// What comes behind the last dot.
pub(crate) fn last_part(qualified_name: &str) -> &str {
    qualified_name.rsplit('.').next().unwrap_or(qualified_name)
}
