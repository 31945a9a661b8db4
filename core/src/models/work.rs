//! What the models run: futures and values whose ends are counted, an executor for one task, and a loop that is read.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use loom::cell::UnsafeCell;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::bell::{Bell, Sort};
use crate::event_loop::queue::{Message, Queue};
use crate::event_loop::wake::Wake;
use crate::event_loop::{EventLoop, Kind};
use crate::task::Task;

/// How often something was dropped. No atomic: whoever asks has to have been told, or loom sees a race.
#[derive(Clone, Debug, Default)]
pub(super) struct Drops(Arc<UnsafeCell<usize>>);

impl Drops {
    pub(super) fn count(&self) -> usize {
        // SAFETY: the threads of a model run one at a time, and switch only inside of loom's functions.
        self.0.with(|count| unsafe { *count })
    }

    fn add(&self) {
        // SAFETY: as in `count`.
        self.0.with_mut(|count| unsafe { *count += 1 });
    }
}

// SAFETY: the threads of a model are one thread.
unsafe impl Send for Drops {}
// SAFETY: as above; and that accesses are ordered is what loom looks after.
unsafe impl Sync for Drops {}

/// A value that is counted when it is dropped.
#[derive(Debug)]
pub(super) struct Counted(pub(super) Drops);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.add();
    }
}

impl<'py> IntoPyObject<'py> for Counted {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, _py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Err(PyRuntimeError::new_err("there is no Python in a model"))
    }
}

/// A future that gives its value at the last of so many polls, having woken itself before; or never, without any.
#[derive(Debug)]
pub(super) struct Work {
    polls: Option<usize>,
    value: Option<Counted>,
    _own: Counted,
}

impl Work {
    /// The drops of the future and of its value are counted in `ends`.
    pub(super) fn ready_at(poll: usize, ends: &Ends) -> Self {
        Self { polls: Some(poll), ..Self::endless(ends) }
    }

    pub(super) fn endless(ends: &Ends) -> Self {
        Self { polls: None, value: Some(Counted(ends.value.clone())), _own: Counted(ends.future.clone()) }
    }
}

/// What became of a piece of work.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    pub(super) future: Drops,
    pub(super) value: Drops,
}

impl Future for Work {
    type Output = Result<Counted, PyErr>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.polls {
            None => Poll::Pending,
            Some(0 | 1) => Poll::Ready(Ok(self.value.take().unwrap())),
            Some(polls) => {
                *polls -= 1;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

/// Polls a task to its end, whenever it is woken.
pub(super) fn execute(mut task: Task, bell: &Arc<Bell>) {
    let waker = bell.waker();
    while Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending() {
        bell.wait();
    }
}

/// An event loop of a model.
#[derive(Clone)]
pub(super) struct Loop {
    pub(super) event_loop: Arc<EventLoop>,
    bell: Arc<Bell>,
}

impl Loop {
    pub(super) fn new(sort: Sort) -> Self {
        let bell = Bell::new(sort);
        Self { event_loop: EventLoop::new(Queue::new(Wake::Bell(bell.clone())), Kind::Asyncio), bell }
    }

    pub(super) fn queue(&self) -> &Arc<Queue> {
        self.event_loop.queue()
    }

    /// Sleeps until it is woken, and drains what there is, up to so many messages.
    pub(super) fn turn(&self, most: usize) -> Vec<u64> {
        self.bell.wait();
        let deliver =
            || (0..most).map_while(|_| self.event_loop.next_message()).map(|message| key_of(&message)).collect();
        self.event_loop.take_turn(deliver)
    }

    /// Turns until so many messages have come.
    pub(super) fn turn_until(&self, count: usize, most: usize) -> Vec<u64> {
        let mut keys = Vec::new();
        while keys.len() < count {
            keys.extend(self.turn(most));
        }
        keys
    }

    /// What nobody has taken yet.
    pub(super) fn left(&self) -> Vec<u64> {
        self.queue().take().iter().map(key_of).collect()
    }
}

pub(super) fn key_of(message: &Message) -> u64 {
    match message {
        Message::Settled(key) => *key,
        _ => panic!("not a message of a model's"),
    }
}
