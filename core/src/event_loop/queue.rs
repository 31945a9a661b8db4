//! The queue of one event loop: messages from any thread, one wake-up per burst.
//!
//! A lock around a vector, held for one push or one swap: pushing costs two uncontended atomic operations and writes to
//! memory that is in the cache, and the drain takes the whole vector at once. Whether a wake-up is needed is decided
//! under the same lock that the drain takes, so none is ever lost and none is ever sent twice.
//!
//! The queue is **armed** from the push that finds it idle, which wakes the loop, until a drain has found nothing more
//! to do. Meanwhile producers only push: the loop is going to look again anyway. And meanwhile the wake-up stays
//! unacknowledged, so a loop that is run from inside a drain finds it too.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use slotmap::DefaultKey;

use super::patience::Patience;
use super::wake::Wake;
use crate::lifecycle::{OwnProcess, PerProcess};
use crate::python_future::Call;
use crate::sync::Mutex;

/// What a runtime thread has to say to an event loop. Messages own no Python reference that may be dropped elsewhere.
pub(crate) enum Message {
    /// The awaitable with this key in the loop's table has settled.
    Settled(u64),
    /// The task with this key, which the loop polls, has been woken.
    Poll(DefaultKey),
    /// Something that has to be done on the loop's thread.
    Call(Box<dyn Call>),
    /// The Rust future that waits for the Python task with this key has been dropped.
    Cancel(u64),
    /// Something that has to be dropped on the loop's thread.
    Drop(Box<dyn Any + Send>),
    /// A runtime has stopped: what waits for it must be closed.
    Stopped,
}

/// The queue of one event loop. Producers share it; it outlives the loop if they do.
pub(crate) struct Queue {
    /// A forked child must neither touch it nor wake the parent's loop.
    state: OwnProcess<Mutex<State>>,
    wake: Wake,
    patience: Patience,
    /// How many waits block the loop's own thread.
    blocked: AtomicUsize,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    armed: bool,
    closed: bool,
}

/// All queues, for news that concern everybody.
static QUEUES: PerProcess<parking_lot::Mutex<Vec<Weak<Queue>>>> = PerProcess::new();

impl Queue {
    pub(crate) fn new(wake: Wake) -> Arc<Self> {
        let state = OwnProcess::new(Mutex::default());
        let queue = Arc::new(Self { state, wake, patience: Patience::default(), blocked: AtomicUsize::new(0) });
        let mut queues = QUEUES.get_or_init(parking_lot::Mutex::default).lock();
        queues.retain(|known| known.strong_count() > 0);
        queues.push(Arc::downgrade(&queue));
        queue
    }

    /// Tells every loop that a runtime has stopped.
    pub(crate) fn announce_stop() {
        let Some(queues) = QUEUES.get() else {
            return;
        };
        let queues: Vec<_> = queues.lock().iter().filter_map(Weak::upgrade).collect();
        for queue in queues {
            // A closed loop has nobody to tell.
            let _ = queue.push(Message::Stopped);
        }
    }

    /// Whether this process is a child of the one that the loop belongs to.
    pub(crate) fn is_inherited(&self) -> bool {
        self.state.is_inherited()
    }

    /// Appends a message and wakes the loop if it may be asleep. A closed loop's message comes back.
    pub(crate) fn push(&self, message: Message) -> Result<(), Message> {
        if self.state.is_inherited() {
            return Err(message);
        }
        let mut state = self.state.lock();
        if state.closed {
            return Err(message);
        }
        state.messages.push(message);
        let wake = !std::mem::replace(&mut state.armed, true);
        drop(state);
        if wake {
            self.wake.wake();
        }
        Ok(())
    }

    /// Takes what has been pushed. Producers go on without waking, until [`rest`](Self::rest).
    pub(crate) fn take(&self) -> Vec<Message> {
        if self.state.is_inherited() { Vec::new() } else { std::mem::take(&mut self.state.lock().messages) }
    }

    /// Ends a drain: disarms, or makes sure that the loop comes back.
    ///
    /// `backlog` says that the loop has taken messages that it did not get to.
    pub(crate) fn rest(&self, backlog: bool) {
        if self.state.is_inherited() {
            return;
        }
        if backlog || !self.state.lock().messages.is_empty() {
            // Said again rather than left standing: some loops are told of a change only.
            self.wake.wake();
            return;
        }
        self.wake.acknowledge();
        let mut state = self.state.lock();
        // Between the look and the acknowledgement somebody may have pushed, counting on the wake-up just swallowed.
        state.armed = !state.messages.is_empty();
        let again = state.armed;
        drop(state);
        if again {
            self.wake.wake();
        }
    }

    /// Refuses further messages and returns those that nobody has taken. Called attached.
    pub(crate) fn close(&self) -> Vec<Message> {
        if self.state.is_inherited() {
            return Vec::new();
        }
        let messages = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.messages)
        };
        self.wake.retire();
        messages
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.is_inherited() || self.state.lock().closed
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Fails if the loop cannot answer, because its thread waits for a Rust future.
    pub(crate) fn check_unblocked(&self) -> PyResult<()> {
        if self.blocked.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        Err(PyRuntimeError::new_err(
            "the event loop is blocked by a wait on its own thread, and cannot do this meanwhile; await instead of waiting",
        ))
    }
}

/// Says that the loop's own thread waits, until dropped.
pub(crate) struct Blocked(Arc<Queue>);

impl Blocked {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        queue.blocked.fetch_add(1, Ordering::AcqRel);
        Self(queue)
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.0
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        self.0.blocked.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(all(test, unix, not(crossawait_loom), not(miri)))]
mod tests {
    use super::super::wake::WakeFd;
    use super::*;
    use crate::lifecycle::forked::ends_in_a_child;

    #[test]
    fn a_child_does_not_wait_for_the_list_that_a_thread_of_the_parent_holds() {
        let new = || Queue::new(Wake::Fd(WakeFd::new().expect("a descriptor")));
        let queue = new();
        let _held = QUEUES.get_or_init(parking_lot::Mutex::default).lock();
        assert!(ends_in_a_child(|| {
            Queue::announce_stop();
            let made = new();
            Queue::announce_stop();
            assert!(matches!(*made.take(), [Message::Stopped]), "its own loop is told");
            assert!(queue.is_closed(), "the parent's is not its own");
        }));
    }
}
