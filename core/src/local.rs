//! Futures that must not leave their thread, polled by the event loop of that thread.
//!
//! A wake-up is a message to the loop. So such a future lives from drain to drain, with the runtime's context entered at
//! each poll: its timers and sockets work as anywhere. The loop owns it meanwhile, and drops it when it is closed.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

use parking_lot::Mutex;
use pyo3::prelude::*;
use slotmap::{DefaultKey, Key, SlotMap};

use crate::asyncio;
use crate::awaitable::{Awaitable, Role};
use crate::builder::Unstarted;
use crate::coroutine::Coroutine;
use crate::event_loop::EventLoop;
use crate::event_loop::queue::{Message, Queue};
use crate::python_future::Call;
use crate::runtime::Runtime;
use crate::task::{CellRef, Task};

impl Runtime {
    /// As [`future_into_py`](Self::future_into_py), for a future that is not `Send`: the event loop of this thread polls
    /// it, here and now for the first time, and drops it.
    ///
    /// # Errors
    /// `RuntimeError` if no loop runs in this thread, or if it is blocked; `RuntimeClosedError` if the runtime is shut
    /// down.
    pub fn local_future_into_py<'py, F, T, E>(&self, py: Python<'py>, future: F) -> PyResult<Bound<'py, Awaitable>>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let (local, cell) = self.local(py, future)?;
        let awaitable = Awaitable::over(py, cell, Role::Local, "local")?;
        awaitable.get().keep(Some(local.start()));
        Ok(awaitable)
    }

    /// As [`coroutine_into_py`](Self::coroutine_into_py), for a future that is not `Send`: the event loop of this thread
    /// polls it, and drops it.
    ///
    /// # Errors
    /// As for [`local_future_into_py`](Self::local_future_into_py).
    pub fn local_coroutine_into_py<'py, F, T, E>(&self, py: Python<'py>, future: F) -> PyResult<Bound<'py, Coroutine>>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let (local, cell) = self.local(py, future)?;
        Coroutine::over(py, cell, "local", Unstarted::Local(local))
    }

    fn local<F, T, E>(&self, py: Python<'_>, future: F) -> PyResult<(Local, CellRef)>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let runtime = self.admit(py)?.clone();
        let (_, event_loop) = EventLoop::running(py)?.ok_or_else(asyncio::no_running_loop)?;
        let queue = event_loop.queue();
        queue.check_unblocked()?;
        let future = OwnThread::new(future, queue.clone());
        let (task, cell) = Task::new(future, Some(runtime.record().clone()));
        Ok((Local { task, event_loop, runtime }, cell))
    }
}

/// A local task that has not been started.
pub(crate) struct Local {
    task: Task,
    event_loop: Arc<EventLoop>,
    runtime: Runtime,
}

impl Local {
    /// Polls it for the first time.
    pub(crate) fn start(self) -> Runtime {
        self.task.mark_spawned();
        let locals = self.event_loop.locals();
        let key = locals.admit();
        let waker = Waker::from(Arc::new(Woken { key, queue: self.event_loop.queue().clone() }));
        locals.poll(key, Resident { task: self.task, waker, runtime: self.runtime.clone() });
        self.runtime
    }
}

/// The local tasks that a loop has started. It owns them, and whoever may wake them does not: so they go with the loop.
pub(crate) struct Locals {
    /// `None` once closed.
    places: Mutex<Option<SlotMap<DefaultKey, Place>>>,
}

enum Place {
    /// Between its polls.
    Here(Resident),
    /// It is being polled; and `again`, if it was woken and the loop run once more from inside that.
    Away { again: bool },
}

/// A local task that has been started.
struct Resident {
    task: Task,
    waker: Waker,
    runtime: Runtime,
}

impl Locals {
    pub(crate) fn new() -> Self {
        Self { places: Mutex::new(Some(SlotMap::new())) }
    }

    /// Drops them, and takes no more. Called attached.
    pub(crate) fn close(&self) {
        let places = self.places.lock().take();
        drop(places);
    }

    /// Makes a place for one that is polled next.
    fn admit(&self) -> DefaultKey {
        let mut places = self.places.lock();
        places.as_mut().map_or_else(DefaultKey::null, |places| places.insert(Place::Away { again: false }))
    }

    /// Polls one for which there is a place, and keeps it there if it is pending. On the loop's thread.
    fn poll(&self, key: DefaultKey, mut resident: Resident) {
        let Resident { task, waker, runtime } = &mut resident;
        let mut polled = Poll::Pending;
        runtime.executor().enter(&mut || polled = Pin::new(&mut *task).poll(&mut Context::from_waker(waker)));
        if polled.is_ready() {
            self.places.lock().as_mut().and_then(|places| places.remove(key));
            return;
        }
        let waker = waker.clone();
        match self.put_back(key, resident) {
            Ok(false) => {}
            Ok(true) => waker.wake(),
            // The loop has been closed. Dropped here, unlocked.
            Err(resident) => drop(resident),
        }
    }

    /// Polls one that has been woken, unless it has finished.
    fn poll_again(&self, key: DefaultKey) {
        if let Some(resident) = self.take(key) {
            self.poll(key, resident);
        }
    }

    fn take(&self, key: DefaultKey) -> Option<Resident> {
        let mut places = self.places.lock();
        let place = places.as_mut()?.get_mut(key)?;
        match mem::replace(place, Place::Away { again: true }) {
            Place::Here(resident) => {
                *place = Place::Away { again: false };
                Some(resident)
            }
            Place::Away { .. } => None,
        }
    }

    /// Says whether it has to be polled again; gives it back if there is no place for it any more.
    fn put_back(&self, key: DefaultKey, resident: Resident) -> Result<bool, Resident> {
        let mut places = self.places.lock();
        match places.as_mut().and_then(|places| places.get_mut(key)) {
            Some(place) => Ok(matches!(mem::replace(place, Place::Here(resident)), Place::Away { again: true })),
            None => Err(resident),
        }
    }
}

/// Where to say that a local task is to be polled again.
struct Woken {
    key: DefaultKey,
    queue: Arc<Queue>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Of a closed loop nothing is polled any more.
        let _ = self.queue.push(Message::Call(Box::new(PollAgain(self.key))));
    }
}

struct PollAgain(DefaultKey);

impl Call for PollAgain {
    fn start(self: Box<Self>, event_loop: &Arc<EventLoop>, _python_loop: &Bound<'_, PyAny>) {
        event_loop.locals().poll_again(self.0);
    }
}

/// A future in a cell, which may be moved between threads, that is itself touched on one thread only.
struct OwnThread<F: 'static> {
    /// `None` only while it is dropped. In a box of its own, so that it can be sent home.
    future: Option<Pin<Box<F>>>,
    thread: ThreadId,
    queue: Arc<Queue>,
    /// On its way home.
    sent: bool,
}

// SAFETY: what is sent is the box. The future in it is reached through `poll` and `drop` only, and both look first whether
// this is the thread that made it; another one sends the box on, or leaks it.
unsafe impl<F> Send for OwnThread<F> {}

impl<F: 'static> OwnThread<F> {
    fn new(future: F, queue: Arc<Queue>) -> Self {
        Self { future: Some(Box::pin(future)), thread: thread::current().id(), queue, sent: false }
    }
}

impl<F: Future> Future for OwnThread<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        assert_eq!(thread::current().id(), self.thread, "a local future is polled by the loop of its own thread");
        match &mut self.future {
            Some(future) => future.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl<F: 'static> Drop for OwnThread<F> {
    fn drop(&mut self) {
        if self.future.is_none() || thread::current().id() == self.thread {
            return;
        }
        let future = self.future.take();
        if self.sent {
            // Another thread runs the loop now. Sent once more it would come back here, again and again.
            mem::forget(future);
            return;
        }
        let home = Self { future, thread: self.thread, queue: self.queue.clone(), sent: true };
        if let Err(refused) = self.queue.push(Message::Drop(Box::new(home))) {
            // The loop is gone, and perhaps the thread.
            mem::forget(refused);
        }
    }
}

#[cfg(all(test, not(crossawait_loom)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Executor;

    struct Nothing;

    impl Executor for Nothing {
        fn spawn(&self, task: Task) -> Result<(), Task> {
            Err(task)
        }
    }

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Does something each time it is polled, and is never ready. Closes its loop when dropped, which nobody may have locked.
    struct Pending<F> {
        poll: F,
        locals: Arc<Locals>,
        drops: Arc<AtomicUsize>,
    }

    impl<F: FnMut() + Unpin> Future for Pending<F> {
        type Output = PyResult<()>;

        fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<PyResult<()>> {
            (self.poll)();
            Poll::Pending
        }
    }

    impl<F> Drop for Pending<F> {
        fn drop(&mut self) {
            self.drops.fetch_add(1, Ordering::Relaxed);
            self.locals.close();
        }
    }

    /// A loop's local tasks, one of which has been polled.
    struct Polled {
        locals: Arc<Locals>,
        key: DefaultKey,
        drops: Arc<AtomicUsize>,
        woken: Arc<Counter>,
        cell: CellRef,
    }

    impl Polled {
        fn new<F: FnMut() + Send + Unpin + 'static>(poll: impl FnOnce(Arc<Locals>, DefaultKey) -> F) -> Self {
            let locals = Arc::new(Locals::new());
            let (drops, woken) = (Arc::new(AtomicUsize::new(0)), Arc::<Counter>::default());
            let key = locals.admit();
            let poll = poll(locals.clone(), key);
            let (task, cell) = Task::new(Pending { poll, locals: locals.clone(), drops: drops.clone() }, None);
            locals.poll(key, Resident { task, waker: woken.clone().into(), runtime: Runtime::new(Nothing) });
            Self { locals, key, drops, woken, cell }
        }

        fn counts(&self) -> (usize, usize) {
            (self.drops.load(Ordering::Relaxed), self.woken.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn one_that_is_pending_goes_with_its_loop() {
        let polled = Polled::new(|_, _| || {});
        assert_eq!(polled.counts(), (0, 0));
        polled.locals.close();
        assert_eq!(polled.counts(), (1, 0));
        assert!(polled.cell.header().is_settled());
        // Whoever comes later finds no place.
        polled.locals.poll_again(polled.key);
        assert!(polled.locals.admit().is_null());
    }

    #[test]
    fn one_that_closes_its_loop_goes_when_its_poll_is_over() {
        let polled = Polled::new(|locals, _| move || locals.close());
        assert_eq!(polled.counts(), (1, 0));
        assert!(polled.cell.header().is_settled());
    }

    #[test]
    fn one_that_is_woken_while_it_is_polled_is_polled_again() {
        // As by a loop that is run once more from inside the poll.
        let polled = Polled::new(|locals, key| move || locals.poll_again(key));
        assert_eq!(polled.counts(), (0, 1));
        polled.locals.poll_again(polled.key);
        assert_eq!(polled.counts(), (0, 2));
        polled.locals.close();
    }

    #[test]
    fn one_that_is_ready_leaves_its_place() {
        let locals = Locals::new();
        let key = locals.admit();
        let (task, cell) = Task::new(async { Ok::<_, PyErr>(()) }, None);
        locals.poll(key, Resident { task, waker: Waker::noop().clone(), runtime: Runtime::new(Nothing) });
        assert!(cell.header().is_settled());
        assert!(locals.places.lock().as_ref().is_some_and(SlotMap::is_empty));
    }
}
