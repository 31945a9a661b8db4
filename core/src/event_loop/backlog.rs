//! Messages that a loop has taken and not got to.

use std::collections::VecDeque;
use std::vec;

use super::queue::Message;

/// Batches as they came, none of them moved: to copy a million messages, and to touch new memory for them, would hold
/// the loop up for longer than a drain may take.
#[derive(Default)]
pub(super) struct Backlog {
    first: vec::IntoIter<Message>,
    /// None of them empty.
    others: VecDeque<vec::IntoIter<Message>>,
}

impl Backlog {
    pub(super) fn push(&mut self, batch: Vec<Message>) {
        let batch = batch.into_iter();
        if self.is_empty() {
            self.first = batch;
        } else if !batch.as_slice().is_empty() {
            self.others.push_back(batch);
        }
    }

    /// The message that came first.
    pub(super) fn pop(&mut self) -> Option<Message> {
        self.first.next().or_else(|| {
            self.first = self.others.pop_front()?;
            self.first.next()
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.as_slice().is_empty() && self.others.is_empty()
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
