//! Executors that do not do what they are asked to.

use std::thread;

use crossawait_core::{Executor, Job, Task};

/// Gives every task and job back.
#[derive(Debug)]
pub struct Rejecting;

impl Executor for Rejecting {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        Err(task)
    }
}

/// Accepts tasks and jobs, and drops them on another thread without running them.
#[derive(Debug)]
pub struct Dropping;

impl Executor for Dropping {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        thread::spawn(move || drop(task));
        Ok(())
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Job> {
        thread::spawn(move || drop(job));
        Ok(())
    }
}
