//! The tasks that one view of the executor has running, so that closing the view can end them.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossawait_core::{Task, TaskCloser};
use parking_lot::{Condvar, Mutex};
use slotmap::{DefaultKey, SlotMap};

/// Unfinished tasks, each with the means to close it.
pub(crate) struct LiveTasks {
    state: Mutex<State>,
    none_left: Condvar,
}

#[derive(Default)]
struct State {
    tasks: SlotMap<DefaultKey, TaskCloser>,
    closed: bool,
}

impl LiveTasks {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), none_left: Condvar::new() })
    }

    /// Lists a task. A closed view gives it back.
    pub(crate) fn enter(self: &Arc<Self>, task: Task) -> Result<Entry, Task> {
        let closer = task.closer();
        let mut state = self.state.lock();
        if state.closed {
            return Err(task);
        }
        let key = state.tasks.insert(closer);
        drop(state);
        Ok(Entry { task, listed: Listed { key, live: self.clone() } })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Takes no more tasks, closes those that are listed, and waits up to `timeout` until they have been dropped.
    pub(crate) fn close(&self, timeout: Duration) {
        let closers: Vec<_> = {
            let mut state = self.state.lock();
            state.closed = true;
            state.tasks.values().cloned().collect()
        };
        // Unlocked: closing wakes the task, which may end and leave the list.
        for closer in closers {
            closer.close();
        }
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state.lock();
        while !state.tasks.is_empty() {
            match deadline {
                None => self.none_left.wait(&mut state),
                Some(deadline) => {
                    if self.none_left.wait_until(&mut state, deadline).timed_out() {
                        return;
                    }
                }
            }
        }
    }
}

/// A listed task, ready to run.
pub(crate) struct Entry {
    task: Task,
    listed: Listed,
}

impl Entry {
    /// Runs the task to its end; it leaves the list then, or when it is dropped.
    pub(crate) fn run(self) -> impl Future<Output = ()> + Send {
        let Self { task, listed } = self;
        async move {
            task.await;
            drop(listed);
        }
    }
}

/// A place on the list.
struct Listed {
    key: DefaultKey,
    live: Arc<LiveTasks>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut state = self.live.state.lock();
        let closer = state.tasks.remove(self.key);
        let none_left = state.tasks.is_empty();
        drop(state);
        if none_left {
            self.live.none_left.notify_all();
        }
        drop(closer);
    }
}
