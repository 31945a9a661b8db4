//! Executors that do not do what they are asked to.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crossawait_core::{Executor, Job, Task};

/// Gives every task and job back.
#[derive(Debug)]
pub struct Rejecting;

impl Executor for Rejecting {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        Err(task)
    }
}

/// Keeps every task for ever: it does not know how to stop, as an executor need not.
#[derive(Debug, Default)]
pub struct Keeping(Mutex<Vec<Task>>);

impl Executor for Keeping {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        self.0.lock().unwrap().push(task);
        Ok(())
    }
}

/// Panics when it is told to stop.
#[derive(Debug, Default)]
pub struct Alarmed(Keeping);

impl Executor for Alarmed {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        self.0.spawn(task)
    }

    fn shutdown(&self, _timeout: Duration) {
        panic!("alarmed");
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
