//! A future that writes down what is done to it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::ffi;

/// Far longer than anything here takes; then a test fails rather than hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The record of one future's life. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Probe(Arc<Record>);

#[derive(Debug, Default)]
struct Record {
    seen: Mutex<Seen>,
    changed: Condvar,
}

/// What has happened to a future so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Where it was polled, once for each poll that has returned.
    pub polls: Vec<Place>,
    /// Where it was dropped, once for each drop.
    pub drops: Vec<Place>,
    /// How often it was woken.
    pub wakes: usize,
}

/// A thread at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The thread.
    pub thread: ThreadId,
    /// The thread's name.
    pub name: Option<String>,
    /// Whether it was attached to Python.
    pub attached: bool,
}

impl Place {
    fn here() -> Self {
        let current = thread::current();
        // SAFETY: may be called at any time from any thread; it only compares two pointers.
        let attached = unsafe { ffi::PyGILState_Check() } == 1;
        Self { thread: current.id(), name: current.name().map(Into::into), attached }
    }
}

impl Probe {
    /// A record with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The future, with everything that is done to it written down here.
    pub fn watch<F: Future>(&self, future: F) -> Watched<F> {
        Watched { future: Some(Box::pin(future)), probe: self.clone() }
    }

    /// What has happened so far.
    pub fn seen(&self) -> Seen {
        self.0.seen.lock().unwrap().clone()
    }

    /// Blocks, detached if the caller is wise, until `enough` says so.
    ///
    /// # Panics
    /// After a minute.
    pub fn wait_until(&self, what: &str, enough: impl Fn(&Seen) -> bool) -> Seen {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.0.seen.lock().unwrap();
        while !enough(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the future was never {what}; it has seen {seen:?}");
            seen = self.0.changed.wait_timeout(seen, left).unwrap().0;
        }
        seen.clone()
    }

    /// Blocks until the future has been dropped.
    pub fn wait_dropped(&self) -> Seen {
        self.wait_until("dropped", |seen| !seen.drops.is_empty())
    }

    /// Blocks until the future has been polled `times`: its last waker is in place then.
    pub fn wait_polled(&self, times: usize) -> Seen {
        self.wait_until("polled that often", |seen| seen.polls.len() >= times)
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.seen.lock().unwrap());
        self.0.changed.notify_all();
    }
}

/// A watched future; see [`Probe::watch`].
#[derive(Debug)]
pub struct Watched<F> {
    /// `None` while it is being dropped.
    future: Option<Pin<Box<F>>>,
    probe: Probe,
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let probe = self.probe.clone();
        // Counted after the poll, when the future has seen to it that it will be woken.
        let _note = Note(&probe, |seen| seen.polls.push(Place::here()));
        let waker = Waker::from(Arc::new(CountedWaker { probe: self.probe.clone(), inner: context.waker().clone() }));
        let future = self.future.as_mut().expect("polled only while it lives");
        future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl<F> Drop for Watched<F> {
    fn drop(&mut self) {
        let probe = self.probe.clone();
        let _note = Note(&probe, |seen| seen.drops.push(Place::here()));
        self.future = None;
    }
}

/// Notes something at the end of a block, also if that panics.
struct Note<'a>(&'a Probe, fn(&mut Seen));

impl Drop for Note<'_> {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

struct CountedWaker {
    probe: Probe,
    inner: Waker,
}

impl Wake for CountedWaker {
    fn wake(self: Arc<Self>) {
        self.probe.note(|seen| seen.wakes += 1);
        self.inner.wake_by_ref();
    }
}
