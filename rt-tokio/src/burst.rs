//! Takes tasks into the runtime in batches.
//!
//! A task of tokio's is an allocation. Made on one thread and freed on another, it has both wait for each other inside the
//! allocator; and each that comes from outside goes through the runtime's shared queue, and often wakes a worker. So the
//! first of a burst goes alone, as a [`Courier`], and those that come before a worker has begun with it wait beside: the
//! worker makes tasks of them, on its own thread, before it turns to the first. A lone task is spawned as ever.
//!
//! Measured: a `gather` of 20,000 awaitables takes four fifths of the time. smol's and async-std's tasks are allocated more
//! cheaply; there it gains a tenth of that, and a busy loop loses a fifth.

use std::future::{self, Future};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crossawait_core::Task;
use parking_lot::Mutex;
use tokio::runtime::Handle;

/// Half of what a worker's own queue holds; what is more goes behind them.
const BATCH: usize = 128;

/// What waits for a courier to arrive.
#[derive(Default)]
pub(crate) struct Burst(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// In the order in which they came.
    tasks: Vec<Task>,
    /// Whether a courier is on its way to a worker.
    expected: bool,
}

impl Burst {
    /// Hands a task to the runtime. One that has been shut down drops it.
    pub(crate) fn spawn(self: &Arc<Self>, handle: &Handle, task: Task) {
        // What a worker spawns it runs next, and lets no other worker have: that must not be others' courier, since what
        // runs there now may go on for long.
        if Handle::try_current().is_ok() {
            drop(handle.spawn(task));
            return;
        }
        let mut waiting = self.0.lock();
        if waiting.expected {
            waiting.tasks.push(task);
            return;
        }
        waiting.expected = true;
        drop(waiting);
        drop(handle.spawn(Courier { task, burst: Some(self.clone()) }));
    }

    /// Takes what waits: no courier is expected any more.
    fn take(&self) -> Vec<Task> {
        let mut waiting = self.0.lock();
        waiting.expected = false;
        mem::take(&mut waiting.tasks)
    }
}

/// The first of a burst. It brings the others with it.
struct Courier {
    task: Task,
    /// `None` once it has arrived.
    burst: Option<Arc<Burst>>,
}

impl Future for Courier {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(burst) = self.burst.take() {
            spawn_here(burst.take());
        }
        Pin::new(&mut self.task).poll(context)
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        // It has not arrived: the runtime has been shut down.
        if let Some(burst) = self.burst.take() {
            drop(burst.take());
        }
    }
}

/// Makes tasks of this worker's, to be begun in this order.
fn spawn_here(mut tasks: Vec<Task>) {
    let rest = tasks.split_off(tasks.len().min(BATCH));
    let several = tasks.len() > 1;
    for task in tasks {
        drop(tokio::spawn(task));
    }
    if !rest.is_empty() {
        drop(tokio::spawn(async move { spawn_here(rest) }));
    }
    if several {
        // What was spawned last is run first. That is to be this, not one of those.
        drop(tokio::spawn(future::ready(())));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test is no runtime thread")]
mod tests {
    use std::sync::mpsc;

    use crossawait_core::pyo3::prelude::*;
    use crossawait_core::{Awaitable, Runtime};
    use tokio::runtime;

    use crate::Tokio;

    const TASKS: usize = 1000;

    /// A runtime with one worker, which is at work until the sender is dropped.
    fn busy() -> (runtime::Runtime, mpsc::Sender<()>) {
        let tokio = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (release, released) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        drop(tokio.spawn(async move {
            begin.send(()).unwrap();
            let _ = released.recv();
        }));
        begun.recv().unwrap();
        (tokio, release)
    }

    /// Awaitables that each send their number.
    fn numbered(py: Python<'_>, runtime: &Runtime) -> (Vec<Py<Awaitable>>, mpsc::Receiver<usize>) {
        let (send, received) = mpsc::channel();
        let made = (0..TASKS).map(|number| {
            let send = send.clone();
            let future = async move {
                send.send(number).unwrap();
                PyResult::Ok(number)
            };
            runtime.future_into_py(py, future).unwrap().unbind()
        });
        (made.collect(), received)
    }

    #[test]
    fn a_burst_is_begun_in_order() {
        let (tokio, release) = busy();
        let runtime = Runtime::new(Tokio::from_handle(tokio.handle().clone()));
        Python::initialize();
        let (awaitables, received) = Python::attach(|py| numbered(py, &runtime));
        // The worker's own count: the task that keeps it, and the courier.
        assert_eq!(tokio.metrics().num_alive_tasks(), 2);
        drop(release);
        let order: Vec<_> = received.iter().collect();
        // The second batch lies behind the first, whatever is spawned meanwhile.
        assert_eq!(order, (0..TASKS).collect::<Vec<_>>());
        Python::attach(|_| drop(awaitables));
    }

    #[test]
    fn what_waits_for_a_courier_ends_with_the_runtime() {
        let (tokio, release) = busy();
        let runtime = Runtime::new(Tokio::from_handle(tokio.handle().clone()));
        Python::initialize();
        let (awaitables, received) = Python::attach(|py| numbered(py, &runtime));
        tokio.shutdown_background();
        drop(release);
        // The worker may begin with some before it hears of it. The senders go with the last of them.
        let begun = received.iter().count();
        Python::attach(|py| {
            let ended = awaitables.iter().map(|awaitable| awaitable.call_method1(py, "wait", (60,)));
            let errors: Vec<_> = ended.filter_map(Result::err).collect();
            assert_eq!(errors.len(), TASKS - begun);
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|error| error.to_string().contains("RuntimeClosedError")), "{errors:?}");
            let late = runtime.future_into_py(py, async { PyResult::Ok(()) }).unwrap();
            let error = late.call_method1("wait", (60,)).unwrap_err();
            assert!(error.to_string().contains("RuntimeClosedError"), "{error}");
        });
    }

    #[test]
    fn a_worker_spawns_for_itself() {
        let tokio = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let runtime = Runtime::new(Tokio::from_handle(tokio.handle().clone()));
        Python::initialize();
        let (release, released) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let inner = runtime.clone();
        let spawned = tokio.spawn(async move {
            let awaitable = Python::attach(|py| inner.future_into_py(py, async { PyResult::Ok(()) }).unwrap().unbind());
            begin.send(()).unwrap();
            // This worker is at work, with what it has spawned at its side.
            let _ = released.recv();
            awaitable
        });
        begun.recv().unwrap();
        Python::attach(|py| {
            let (awaitables, received) = numbered(py, &runtime);
            // Another worker has them all.
            assert_eq!(py.detach(move || received.into_iter().count()), TASKS);
            drop(awaitables);
        });
        drop(release);
        let awaitable = tokio.block_on(spawned).unwrap();
        Python::attach(|_| drop(awaitable));
    }
}
