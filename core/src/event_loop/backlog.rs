//! Messages that a loop has taken and not got to.

use std::collections::VecDeque;
use std::vec;

use super::queue::Message;

/// Batches as they came, none of them moved: to copy a million messages, and to touch new memory for them, would hold
/// the loop up for longer than a drain may take.
#[derive(Default)]
pub(super) struct Backlog(VecDeque<vec::IntoIter<Message>>);

impl Backlog {
    pub(super) fn push(&mut self, batch: Vec<Message>) {
        if !batch.is_empty() {
            self.0.push_back(batch.into_iter());
        }
    }

    /// The message that came first.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let batch = self.0.front_mut()?;
        let message = batch.next();
        if batch.as_slice().is_empty() {
            self.0.pop_front();
        }
        message
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(all(test, not(crossawait_loom)))]
mod tests {
    use super::*;

    #[test]
    fn messages_leave_in_the_order_in_which_they_came() {
        let mut backlog = Backlog::default();
        let mut numbers = (0..).map(Message::Settled);
        for count in [3, 0, 1, 2] {
            backlog.push(numbers.by_ref().take(count).collect());
        }
        for expected in 0..6 {
            assert!(!backlog.is_empty());
            assert!(matches!(backlog.pop(), Some(Message::Settled(number)) if number == expected));
        }
        assert!(backlog.is_empty());
        assert!(backlog.pop().is_none());
    }
}
