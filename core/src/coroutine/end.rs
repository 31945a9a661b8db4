//! How a coroutine ends that nobody drives to its end: with a warning if it was never awaited.

use std::ffi::CString;
use std::mem;
use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeWarning;
use pyo3::ffi;
use pyo3::prelude::*;

use super::Coroutine;
use super::state::State;
use crate::finalize::Finalize;

impl Coroutine {
    /// What happens to a coroutine that nobody will resume: the Rust future goes with it.
    pub(super) fn let_go(&self, state: State) {
        if self.cell.header().is_inherited() {
            // The parent's: see `Awaitable`.
            mem::forget(state);
            return;
        }
        if let State::Suspended(suspension) = state {
            suspension.awaitable.get().cancel_for_owner();
            self.cell.discard();
        }
    }
}

impl Coroutine {
    /// Warns with what the interpreter has built in.
    fn warn(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let message = format!("coroutine '{}' was never awaited", slf.get().qualified_name);
        let message = CString::new(message).unwrap_or_default();
        PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &message, 1)
    }
}

impl Drop for Coroutine {
    fn drop(&mut self) {
        let state = mem::replace(self.state.get_mut(), State::Closed);
        self.let_go(state);
        if self.cell.header().is_inherited() {
            mem::forget(self.cell.clone());
        }
    }
}

impl Finalize for Coroutine {
    /// Whether it was never awaited.
    fn has_accounts(slf: &Bound<'_, Self>) -> bool {
        let this = slf.get();
        !this.cell.header().is_inherited() && matches!(*this.state.lock(), State::Created(_))
    }

    /// Warns as an un-awaited `async def` does.
    fn settle_accounts(slf: &Bound<'_, Self>) {
        let py = slf.py();
        // What the interpreter itself calls for its own coroutines. It shows where this one was made, if `tracemalloc`
        // has been watching.
        let warned = match py.import("warnings") {
            Ok(module) => module.call_method1("_warn_unawaited_coroutine", (slf,)).map(drop),
            // At the interpreter's end nothing can be imported any more, and it warns of its own without the module.
            Err(_) => Self::warn(slf),
        };
        if let Err(error) = warned {
            error.write_unraisable(py, Some(slf.as_any()));
        }
    }

    fn original() -> &'static OnceLock<ffi::destructor> {
        static ORIGINAL: OnceLock<ffi::destructor> = OnceLock::new();
        &ORIGINAL
    }
}
