//! The queue of one event loop: messages from any thread, one wake-up per batch.
//!
//! A lock around a vector, held for one push or one swap: pushing costs two uncontended atomic operations and writes to
//! memory that is in the cache, and the drain takes the whole vector at once. Whether a wake-up is needed is decided
//! under the same lock that the drain takes, so none is ever lost and none is ever sent twice.

use std::any::Any;
use std::sync::Arc;

use parking_lot::Mutex;

use super::wake::Wake;
use crate::lifecycle;

/// What a runtime thread has to say to an event loop. Messages own no Python reference that may be dropped elsewhere.
pub(crate) enum Message {
    /// The awaitable with this key in the loop's table has settled.
    Settled(u64),
    /// Something that has to be dropped on the loop's thread.
    Drop(Box<dyn Any + Send>),
}

/// The queue of one event loop. Producers share it; it outlives the loop if they do.
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Wake,
    /// The process generation that made the queue: a forked child must not wake the parent's loop.
    generation: u32,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    /// A wake-up is on its way.
    armed: bool,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(wake: Wake) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), wake, generation: lifecycle::generation() })
    }

    /// Appends a message and wakes the loop if it may be asleep. A closed loop's message comes back.
    pub(crate) fn push(&self, message: Message) -> Result<(), Message> {
        if self.generation != lifecycle::generation() {
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

    /// Starts a drain: acknowledges the wake-up, disarms, then takes what has been pushed.
    ///
    /// In this order: a push after the swap finds the queue disarmed and wakes the loop again. It pays for that on its
    /// own thread; the loop's thread is the one that is short of time.
    pub(crate) fn take(&self, into: &mut Vec<Message>) {
        self.wake.acknowledge();
        let mut state = self.state.lock();
        state.armed = false;
        std::mem::swap(&mut state.messages, into);
    }

    /// Wakes the loop for messages that it has taken but not got to.
    pub(crate) fn rearm(&self) {
        let armed = std::mem::replace(&mut self.state.lock().armed, true);
        if !armed {
            self.wake.wake();
        }
    }

    /// Refuses further messages and returns those that nobody has taken.
    pub(crate) fn close(&self) -> Vec<Message> {
        let mut state = self.state.lock();
        state.closed = true;
        std::mem::take(&mut state.messages)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.generation != lifecycle::generation() || self.state.lock().closed
    }
}
