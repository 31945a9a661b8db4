//! The awaitables of `docs/awaitable.md` in Rust: two written by hand, and what the core makes of the second.
//!
//! | module | what |
//! |---|---|
//! | `ready` | `MyAwait` and `MyIter`: ready at once, each time with one more |
//! | `by_hand` | `Later`: pending until a Rust thread settles it, which attaches to Python for that |
//! | `with_core` | `later`: the same in a handful of lines, on threads that never attach |

#![forbid(unsafe_code)]

mod by_hand;
mod ready;
mod with_core;

/// The Python module.
#[pyo3::pymodule(gil_used = false)]
mod awaitable_example {
    #[pymodule_export]
    use super::by_hand::{Later, Thread};
    #[pymodule_export]
    use super::ready::{MyAwait, MyIter};
    #[pymodule_export]
    use super::with_core::{divide, later, settled_and_woken};
    /// Also to be made in Python, and settled by any of its threads.
    #[pymodule_export]
    use crossawait_core::Awaitable;
}
