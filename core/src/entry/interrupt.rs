//! Ctrl-C, between Python and the program around it. An embedded interpreter takes `SIGINT` when somebody imports `signal`,
//! as asyncio does; here Python has it while a loop runs in the program's main thread, and not otherwise.

use std::thread;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Another handler of `SIGINT` in the place of the one that is there, until dropped.
pub(super) struct Replaced<'py> {
    signal: Bound<'py, PyModule>,
    before: &'static str,
    installed: Handler,
}

/// The names of handlers in the module `signal`.
const RAISES: &str = "default_int_handler";
const ENDS: &str = "SIG_DFL";

/// Imports `signal`, and takes `SIGINT` back if Python has taken it with that.
pub(super) fn leave_to_program(py: Python<'_>) -> PyResult<()> {
    let was_default = Handler::current(py)?.is_default();
    let signal = py.import("signal")?;
    if was_default {
        signal.call_method1("signal", (signal.getattr("SIGINT")?, signal.getattr(ENDS)?))?;
    }
    Ok(())
}

/// Has `SIGINT` raise `KeyboardInterrupt`, as in a Python program.
///
/// `None` where it is not ours to say what Ctrl-C does: if somebody has said already, Python's own program for one; and
/// outside of the main thread, in a test for instance, where the default serves better: it ends the process.
pub(super) fn interruptible(py: Python<'_>) -> PyResult<Option<Replaced<'_>>> {
    if thread::current().name() != Some("main") || !Handler::current(py)?.is_default() {
        return Ok(None);
    }
    Replaced::new(py.import("signal")?, ENDS, RAISES)
}

/// Has Python leave `SIGINT` to the program. `None` if it does so anyway.
pub(super) fn uninterrupted(py: Python<'_>) -> PyResult<Option<Replaced<'_>>> {
    let signal = py.import("signal")?;
    let handler = signal.call_method1("getsignal", (signal.getattr("SIGINT")?,))?;
    if handler.is(&signal.getattr(RAISES)?) { Replaced::new(signal, RAISES, ENDS) } else { Ok(None) }
}

impl<'py> Replaced<'py> {
    fn new(signal: Bound<'py, PyModule>, before: &'static str, after: &str) -> PyResult<Option<Self>> {
        let py = signal.py();
        match signal.call_method1("signal", (signal.getattr("SIGINT")?, signal.getattr(after)?)) {
            Ok(_) => Ok(Some(Self { signal, before, installed: Handler::current(py)? })),
            // Only Python's main thread may, which is another one.
            Err(error) if error.is_instance_of::<PyValueError>(py) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn restore(&self) -> PyResult<()> {
        let signal = &self.signal;
        if Handler::current(signal.py())? == self.installed {
            signal.call_method1("signal", (signal.getattr("SIGINT")?, signal.getattr(self.before)?))?;
        }
        // Else the program has put its own in the place meanwhile.
        Ok(())
    }
}

impl Drop for Replaced<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.restore() {
            error.write_unraisable(self.signal.py(), None);
        }
    }
}

/// Who handles `SIGINT`. The system is asked: Python knows of the handlers that it has installed itself.
#[cfg(unix)]
#[derive(PartialEq, Eq)]
struct Handler(libc::sighandler_t);

#[cfg(unix)]
impl Handler {
    fn current(_py: Python<'_>) -> PyResult<Self> {
        let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: without a new action this only writes the present one to where there is room for it.
        if unsafe { libc::sigaction(libc::SIGINT, std::ptr::null(), action.as_mut_ptr()) } != 0 {
            return Err(std::io::Error::last_os_error().into());
        }
        // SAFETY: written by the call above, which has succeeded.
        Ok(Self(unsafe { action.assume_init() }.sa_sigaction))
    }

    fn is_default(&self) -> bool {
        self.0 == libc::SIG_DFL
    }
}

/// Who handles `SIGINT`, as far as Python knows: its name for it.
#[cfg(not(unix))]
#[derive(PartialEq, Eq)]
struct Handler(String);

#[cfg(not(unix))]
impl Handler {
    fn current(py: Python<'_>) -> PyResult<Self> {
        let signal = py.import("signal")?;
        let handler = signal.call_method1("getsignal", (signal.getattr("SIGINT")?,))?;
        Ok(Self(handler.repr()?.to_string()))
    }

    fn is_default(&self) -> bool {
        self.0.contains("SIG_DFL")
    }
}
