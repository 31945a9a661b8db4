//! Models for loom: the real cell and the real queue, with `crate::sync` made of loom's primitives, in every order in
//! which a few threads may run and every value that a load may see.
//!
//! `make loom` builds and runs them. What they leave out is said in `sync`, what they have found in docs/soundness.md.

pub(crate) mod bell;
mod queue;
pub(crate) mod sync;
mod task;
mod task_ends;
mod work;

/// Switches away from a thread that could have gone on. A fourth takes minutes instead of seconds.
const PREEMPTIONS: usize = 3;

/// Runs `body` in every order with so many preemptions.
pub(crate) fn check(body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    // Set to explore further than the tests do.
    builder.preemption_bound.get_or_insert(PREEMPTIONS);
    builder.check(body);
}
