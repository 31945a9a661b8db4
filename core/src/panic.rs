//! Panics of user code, with their message and place, on their way to the awaiter.
//!
//! `catch_unwind` gives the payload but not the place; only a panic hook sees that. One hook is chained, once, in front
//! of whatever hook the process has, and notes the place only while this thread polls or drops a future of ours.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use pyo3::prelude::*;

thread_local! {
    /// How many `catch` frames are on this thread's stack.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Where the newest panic inside a `catch` frame happened.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// What is told to the awaiter of a future that panicked.
#[derive(Debug)]
pub(crate) struct PanicReport {
    message: String,
    /// `file:line:column`, or empty if another hook kept it from us.
    location: String,
}

impl PanicReport {
    fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(payload) => match payload.downcast::<&'static str>() {
                Ok(message) => (*message).to_owned(),
                Err(payload) => {
                    // A payload may be anything, also something whose destructor panics in its turn.
                    ignore_panic(|| drop(payload));
                    "panicked with a value that is not a string".to_owned()
                }
            },
        };
        // `try_with`: a thread that is ending may have no thread-locals left.
        let location = LOCATION.try_with(|slot| slot.borrow_mut().take()).ok().flatten().unwrap_or_default();
        Self { message, location }
    }

    /// The `RustPanic` to raise.
    pub(crate) fn into_error(self, py: Python<'_>) -> PyErr {
        crate::error::rust_panic(py, &self.message, &self.location)
    }
}

/// Runs user code; a panic comes back as a report.
pub(crate) fn catch<R>(body: impl FnOnce() -> R) -> Result<R, PanicReport> {
    /// Counts a frame for as long as it is on the stack.
    struct Frame;

    impl Drop for Frame {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }

    DEPTH.set(DEPTH.get() + 1);
    let frame = Frame;
    // Whatever the panic left half done belongs to a future that is never polled again.
    let result = catch_unwind(AssertUnwindSafe(body));
    drop(frame);
    result.map_err(PanicReport::new)
}

/// Chains the hook, the first time. To be called before there are futures, not from a destructor: a hook cannot be set
/// while its thread panics.
pub(crate) fn install_hook() {
    HOOK.call_once(chain_hook);
}

fn chain_hook() {
    let next = take_hook();
    set_hook(Box::new(move |info| {
        // `try_with`: a thread that is ending may have no thread-locals left.
        if DEPTH.try_with(Cell::get).is_ok_and(|depth| depth > 0) {
            let location = info.location().map(ToString::to_string);
            let _ = LOCATION.try_with(|slot| *slot.borrow_mut() = location);
        }
        next(info);
    }));
}

/// Catches a panic of user code that has nowhere to be reported.
pub(crate) fn ignore_panic(body: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(body));
}
