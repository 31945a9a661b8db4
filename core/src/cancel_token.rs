//! Cancellation that the Rust future takes part in.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use event_listener::Event;

/// Tells a Rust future that Python has cancelled it, and leaves the rest to the future.
///
/// Without one, cancelling settles at once and the future is dropped on its runtime in the background: asyncio's way. With
/// one, given to [`Builder::cancel_with`](crate::Builder::cancel_with), the future goes on until it is finished, and
/// whoever cancelled waits for that: to roll back, to say goodbye to a server. What does not look at the token is shielded
/// by that alone. Then `CancelledError` is raised, unless the future returns an error of its own.
///
/// Clones are the same token. It belongs to no thread and knows no Python.
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Default)]
struct Inner {
    cancelled: AtomicBool,
    event: Event,
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels: wakes whoever waits for it.
    pub fn cancel(&self) {
        if !self.0.cancelled.swap(true, Ordering::AcqRel) {
            self.0.event.notify(usize::MAX);
        }
    }

    /// Whether it has been cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// Ready once it is cancelled.
    pub async fn cancelled(&self) {
        while !self.is_cancelled() {
            let listener = self.0.event.listen();
            // A cancellation between the look and the listening is seen here.
            if !self.is_cancelled() {
                listener.await;
            }
        }
    }

    /// Runs `future` until it is ready, or drops it once the token is cancelled and gives `None`.
    pub async fn run_until_cancelled<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut cancelled = pin!(self.cancelled());
        std::future::poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            cancelled.as_mut().poll(context).map(|()| None)
        })
        .await
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish()
    }
}
