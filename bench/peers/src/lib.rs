//! The same few async functions once per bridge and runtime, in one extension module, to be timed side by side.
//!
//! `bench/peers.py` is the only user. Each submodule offers `noop`, `ready_awaitable`, `ready_coroutine`, `sleep`,
//! `yield_now`, `pending`, `call`, `numbers` and `add_up`; [`contestant`] says what they do.
//! PyO3's own coroutines, in [`native`], have a part of them.

mod contestant;
mod native;
mod ours;
mod par;

use pyo3::prelude::*;

/// The contestants of `bench/peers.py`.
#[pymodule(gil_used = false)]
mod crossawait_bench_peers {
    use std::sync::atomic::Ordering;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crossawait_core::Awaitable;

    #[pymodule_export]
    use super::native::pyo3_tokio;
    #[pymodule_export]
    use super::ours::{crossawait_async_std, crossawait_smol, crossawait_tokio};
    #[pymodule_export]
    use super::par::{par_async_std, par_tokio};

    /// How many futures of `sleep` and `pending` the runtimes of this process have polled so far.
    #[pyfunction]
    fn polled() -> usize {
        super::contestant::POLLED.load(Ordering::Relaxed)
    }

    /// Wakes, batches and completions that crossawait's event loops have counted so far.
    #[pyfunction]
    fn counters() -> (u64, u64, u64) {
        super::ours::counters()
    }
}
