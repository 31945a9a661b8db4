//! An extension as a stranger would write it, on top of `crossawait-core` and the runtimes' crates.
//!
//! In Python it is the module `crossawait_tests`, which `tests/python/core` drives: a [`Runtime`] of any kind, and a
//! [`Gate`] for each Rust future, which says when and how it ends and counts what is done to it. The conformance suite in
//! `tests/tests` uses the same parts from Rust.
//!
//! | module | what |
//! |---|---|
//! | [`calling`] | futures that call Python in turn |
//! | [`custom`], [`losing`] | executors: one that works, and two that do not |
//! | [`gate`], [`probe`] | futures that end when told, and that count |
//! | [`streaming`] | streams in both directions |
//! | [`value`] | what is hard to convert |
//! | [`ending`] | futures with a say in how they are cancelled, polled or waited for |
//! | [`extension`] | the Python classes |
//! | [`embedded`] | Python inside Rust tests |
//!
//! [`Runtime`]: extension::Runtime
//! [`Gate`]: extension::Gate

pub mod calling;
pub mod custom;
pub mod embedded;
pub mod ending;
pub mod extension;
pub mod gate;
pub mod losing;
pub mod probe;
pub mod streaming;
pub mod value;

/// The Python module.
#[pyo3::pymodule(gil_used = false)]
mod crossawait_tests {
    #[pymodule_export]
    use crossawait_core::{Awaitable, Coroutine, StreamIterator};

    #[pymodule_export]
    use super::calling::{await_from_rust, await_until, call, panics};
    #[pymodule_export]
    use super::ending::{block_on, block_on_a_call, local, local_awaitable, patient, patient_awaitable};
    #[pymodule_export]
    use super::extension::{Gate, Runtime};
    #[pymodule_export]
    use super::streaming::{add_up, gated, numbers};
}
