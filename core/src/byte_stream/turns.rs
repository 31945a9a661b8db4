//! A value that one task at a time may have, while others wait for their turn.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use event_listener::Event;
use parking_lot::Mutex;

/// A value, and those that wait for it.
pub(super) struct Turns<T> {
    /// `None` while somebody has it.
    value: Mutex<Option<T>>,
    given_back: Event,
}

impl<T: Default> Default for Turns<T> {
    fn default() -> Self {
        Self { value: Mutex::new(Some(T::default())), given_back: Event::new() }
    }
}

impl<T> Turns<T> {
    /// Waits for the value. Dropping the future gives the place in the line to the next.
    pub(super) async fn take(self: Arc<Self>) -> Turn<T> {
        loop {
            if let Some(turn) = self.try_take() {
                return turn;
            }
            let given_back = self.given_back.listen();
            // It may have come back before there was somebody to be told.
            if let Some(turn) = self.try_take() {
                return turn;
            }
            given_back.await;
        }
    }

    fn try_take(self: &Arc<Self>) -> Option<Turn<T>> {
        let value = self.value.lock().take();
        value.map(|value| Turn { value: Some(value), turns: self.clone() })
    }
}

/// The value, until dropped.
pub(super) struct Turn<T> {
    /// `None` only while it is dropped.
    value: Option<T>,
    turns: Arc<Turns<T>>,
}

impl<T> Deref for Turn<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.value {
            Some(value) => value,
            None => unreachable!("only `drop` takes the value"),
        }
    }
}

impl<T> DerefMut for Turn<T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.value {
            Some(value) => value,
            None => unreachable!("only `drop` takes the value"),
        }
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        *self.turns.value.lock() = self.value.take();
        self.turns.given_back.notify(1);
    }
}
