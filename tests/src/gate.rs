//! A future that waits until somebody says what it gives.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// Stays pending until it is opened, from whichever thread. Clones are the same gate.
#[derive(Debug)]
pub struct Gate<T>(Arc<Mutex<State<T>>>);

#[derive(Debug)]
enum State<T> {
    Shut(Option<Waker>),
    Open(T),
    Passed,
}

impl<T> Gate<T> {
    /// A shut gate.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State::Shut(None))))
    }

    /// A gate that is open already.
    pub fn opened(value: T) -> Self {
        Self(Arc::new(Mutex::new(State::Open(value))))
    }

    /// Lets the future through, with this value.
    pub fn open(&self, value: T) {
        let before = std::mem::replace(&mut *self.0.lock().unwrap(), State::Open(value));
        // Unlocked: the waker belongs to the executor.
        if let State::Shut(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T> Future for Gate<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.lock().unwrap();
        match std::mem::replace(&mut *state, State::Passed) {
            State::Open(value) => Poll::Ready(value),
            State::Shut(previous) => {
                *state = State::Shut(Some(context.waker().clone()));
                drop(state);
                drop(previous);
                Poll::Pending
            }
            State::Passed => panic!("a gate lets one future through"),
        }
    }
}

impl<T> Clone for Gate<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Gate<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Is pending `times` times, and wakes itself each time.
pub async fn yields(times: usize) {
    for _ in 0..times {
        let mut yielded = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}
