//! The task that polls a stream and fills its buffer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pyo3::PyErr;

use super::buffer::{Buffer, Item};
use crate::panic;

/// Items that are handed over at once: a lock for each item would be most of its cost.
const BATCH: usize = 64;

/// Polls a stream to its end, as far as there is room for its items.
pub(super) struct Drive<S, T, E> {
    stream: Pin<Box<S>>,
    buffer: Arc<Buffer<T, E>>,
    gathered: Vec<Item<T, E>>,
    ended: bool,
}

// Nothing but the boxed stream is ever pinned.
impl<S, T, E> Unpin for Drive<S, T, E> {}

impl<S, T, E> Drive<S, T, E> {
    pub(super) fn new(stream: S, buffer: Arc<Buffer<T, E>>) -> Self {
        Self { stream: Box::pin(stream), buffer, gathered: Vec::new(), ended: false }
    }

    fn hand_over(&mut self) {
        if !self.gathered.is_empty() || self.ended {
            self.buffer.extend(&mut self.gathered, self.ended);
        }
    }
}

impl<S, T, E> Drive<S, T, E>
where
    S: Stream<Item = Result<T, E>>,
{
    /// Gathers up to `room` items. Pending if the stream is, which may be after some.
    fn poll_gather(&mut self, context: &mut Context<'_>, room: usize) -> Poll<()> {
        while self.gathered.len() < room && !self.ended {
            let stream = self.stream.as_mut();
            let item = match panic::catch(|| stream.poll_next(context)) {
                Ok(polled) => match ready!(polled) {
                    Some(Ok(value)) => Item::Value(value),
                    Some(Err(error)) => Item::Failed(error),
                    None => {
                        self.ended = true;
                        break;
                    }
                },
                Err(report) => Item::Panicked(report),
            };
            self.ended = !matches!(item, Item::Value(_));
            self.gathered.push(item);
        }
        Poll::Ready(())
    }
}

impl<S, T, E> Future for Drive<S, T, E>
where
    S: Stream<Item = Result<T, E>>,
{
    type Output = Result<(), PyErr>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            let room = ready!(this.buffer.poll_room(context));
            if room == 0 {
                this.ended = true;
                return Poll::Ready(Ok(()));
            }
            let polled = this.poll_gather(context, room.min(BATCH));
            this.hand_over();
            if this.ended {
                return Poll::Ready(Ok(()));
            }
            ready!(polled);
        }
    }
}

impl<S, T, E> Drop for Drive<S, T, E> {
    fn drop(&mut self) {
        if !self.ended {
            // Dropped by its executor: whoever waits for an item has to hear of it.
            self.gathered.push(Item::Lost);
            self.ended = true;
            self.hand_over();
        }
    }
}
