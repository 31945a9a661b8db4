//! Panics of user code, with their message and place, on their way to the awaiter.
//!
//! `catch_unwind` gives the payload but not the place; only a panic hook sees that. One hook is chained, once, in front
//! of whatever hook the process has, and notes the place only while this thread polls or drops a future of ours.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem;
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
    let Err(payload) = catch_unwind(AssertUnwindSafe(body)) else {
        return;
    };
    // A payload may be anything, also something whose destructor panics in its turn; and so may what that panics with,
    // without end. The second is leaked.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(payload);
    }
}

#[cfg(all(test, not(crossawait_loom)))]
mod tests {
    use std::panic::resume_unwind;

    use super::*;

    /// A panic's payload that panics when it is dropped, with another of its kind, a few times over.
    struct Bitter(u32);

    impl Drop for Bitter {
        fn drop(&mut self) {
            if self.0 > 0 {
                // Not `panic!`: nobody has to read of it.
                resume_unwind(Box::new(Bitter(self.0 - 1)));
            }
        }
    }

    /// Whether `body` returns. What it panics with otherwise is not dropped.
    fn returns(body: impl FnOnce()) -> bool {
        catch_unwind(AssertUnwindSafe(body)).map_err(mem::forget).is_ok()
    }

    #[test]
    fn a_payload_whose_destructor_panics_goes_no_further() {
        assert!(returns(|| ignore_panic(|| resume_unwind(Box::new(Bitter(3))))));
    }

    #[test]
    fn and_is_reported_as_one_without_words() {
        assert!(returns(|| {
            let report = catch(|| resume_unwind(Box::new(Bitter(3)))).expect_err("it panics");
            assert_eq!(report.message, "panicked with a value that is not a string");
        }));
    }

    #[test]
    fn a_job_that_panics_with_one_returns() {
        let job = crate::executor::Job::new(|| resume_unwind(Box::new(Bitter(3))));
        assert!(returns(|| job.run()));
    }
}
