//! Tasks that an event loop polls itself: futures that must not leave its thread, and those that are not worth a crossing.
//!
//! A wake-up is a message to the loop. So such a task lives from drain to drain, with its runtime's context entered at
//! each poll: its timers and sockets work as anywhere. The loop owns it meanwhile, and whoever may wake it does not. When
//! the loop is closed, a task that may leave the thread goes on to its runtime, and another is dropped.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;
use slotmap::{DefaultKey, Key, SlotMap};

use super::EventLoop;
use super::queue::{Message, Queue};
use crate::runtime::Runtime;
use crate::task::Task;

/// The pending tasks that a loop polls.
pub(crate) struct Residents {
    /// `None` once closed.
    places: Mutex<Option<SlotMap<DefaultKey, Place>>>,
}

enum Place {
    /// Between its polls.
    Here(Resident),
    /// It is being polled; and `again`, if it was woken and the loop run once more from inside that.
    Away { again: bool },
}

/// Whether a task may leave the loop's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Residence {
    /// Its runtime may poll it as well.
    Movable,
    /// Its future is not `Send`.
    Bound,
}

struct Resident {
    task: Task,
    waker: Waker,
    runtime: Runtime,
    residence: Residence,
}

impl Resident {
    /// Says whether nothing is left to poll, as of a runtime that has been shut down: then it is to be dropped.
    fn poll(&mut self) -> bool {
        let Self { task, waker, runtime, .. } = self;
        let mut polled = Poll::Pending;
        if !runtime.is_closed() {
            runtime.executor().enter(&mut || polled = Pin::new(&mut *task).poll(&mut Context::from_waker(waker)));
        }
        polled.is_ready() || runtime.is_closed()
    }

    /// Goes on to its runtime, if it can. In a forked child it is the parent's, and forgotten when dropped.
    fn leave(self) {
        if self.residence == Residence::Movable && !self.runtime.is_inherited() {
            self.runtime.take_over(self.task);
        }
    }
}

impl Residents {
    pub(super) fn new() -> Self {
        Self { places: Mutex::new(Some(SlotMap::new())) }
    }

    /// Polls a task for the first time, on the loop's thread, and keeps it under this key if it is pending.
    pub(crate) fn start(&self, queue: &Arc<Queue>, task: Task, runtime: Runtime, residence: Residence) -> DefaultKey {
        let key = self.admit();
        let waker = Waker::from(Arc::new(Woken { key, queue: queue.clone() }));
        self.begin(key, Resident { task, waker, runtime, residence });
        key
    }

    /// Polls, for the first time, one for which there is a place.
    fn begin(&self, key: DefaultKey, mut resident: Resident) {
        if resident.poll() {
            self.remove(key);
            return;
        }
        resident.task.mark_spawned();
        self.put_back(key, resident);
    }

    /// Polls one that has been woken, unless it has finished. Says whether it has now.
    pub(super) fn poll_again(&self, key: DefaultKey) -> bool {
        let Some(mut resident) = self.take(key) else {
            return false;
        };
        let finished = resident.poll();
        if finished {
            self.remove(key);
        } else {
            self.put_back(key, resident);
        }
        finished
    }

    /// Has their runtimes poll those that may leave: the loop is about to stand still.
    pub(crate) fn hand_over(&self) {
        let leaving = self.places.lock().as_mut().map(take_movable);
        leave_all(leaving.into_iter().flatten());
    }

    /// Has its runtime go on with one of them, if it is there and may leave.
    fn evict(&self, key: DefaultKey) {
        if let Some(resident) = self.take(key) {
            self.remove(key);
            resident.leave();
        }
    }

    /// Lets go of them, and takes no more. Called attached.
    pub(super) fn close(&self) {
        let places = self.places.lock().take();
        leave_all(places.into_iter().flatten().map(|(_, place)| place));
    }

    /// Makes a place for one that is polled next.
    fn admit(&self) -> DefaultKey {
        let mut places = self.places.lock();
        places.as_mut().map_or_else(DefaultKey::null, |places| places.insert(Place::Away { again: false }))
    }

    fn remove(&self, key: DefaultKey) {
        self.places.lock().as_mut().and_then(|places| places.remove(key));
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

    /// Keeps one that is pending until it is woken, which it may have been meanwhile; or lets it go, if there is no place for
    /// it any more.
    fn put_back(&self, key: DefaultKey, resident: Resident) {
        let mut places = self.places.lock();
        let Some(place) = places.as_mut().and_then(|places| places.get_mut(key)) else {
            drop(places);
            resident.leave();
            return;
        };
        let waker = matches!(place, Place::Away { again: true }).then(|| resident.waker.clone());
        *place = Place::Here(resident);
        drop(places);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The place that a coroutine's task has with a loop. When the coroutine ends, so does the task, although the loop may never turn
/// again: what its future holds, such as a turn to read, is somebody else's next.
pub(crate) struct Lodging {
    event_loop: Arc<EventLoop>,
    key: DefaultKey,
}

impl Lodging {
    pub(crate) fn new(event_loop: Arc<EventLoop>, key: DefaultKey) -> Self {
        Self { event_loop, key }
    }
}

impl Drop for Lodging {
    fn drop(&mut self) {
        if !self.event_loop.queue.is_inherited() {
            self.event_loop.residents.evict(self.key);
        }
    }
}

fn take_movable(places: &mut SlotMap<DefaultKey, Place>) -> Vec<Place> {
    let movable = |place: &Place| matches!(place, Place::Here(resident) if resident.residence == Residence::Movable);
    let keys: Vec<_> = places.iter().filter(|(_, place)| movable(place)).map(|(key, _)| key).collect();
    keys.into_iter().filter_map(|key| places.remove(key)).collect()
}

/// Called with nothing locked: destructors run.
fn leave_all(places: impl IntoIterator<Item = Place>) {
    for place in places {
        if let Place::Here(resident) = place {
            resident.leave();
        }
    }
}

/// Where to say that a task is to be polled again.
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
        let _ = self.queue.push(Message::Poll(self.key));
    }
}

#[cfg(all(test, not(crossawait_loom)))]
mod tests {
    use std::future::Future;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use pyo3::prelude::*;

    use super::*;
    use crate::Executor;
    use crate::task::CellRef;

    /// Refuses tasks, which drops them, and counts those.
    #[derive(Default)]
    struct Refusing(AtomicUsize);

    impl Executor for Refusing {
        fn spawn(&self, task: Task) -> Result<(), Task> {
            self.0.fetch_add(1, Ordering::Relaxed);
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
        residents: Arc<Residents>,
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
            self.residents.close();
        }
    }

    /// A loop's own tasks, one of which has been polled.
    struct Polled {
        residents: Arc<Residents>,
        key: DefaultKey,
        drops: Arc<AtomicUsize>,
        woken: Arc<Counter>,
        executor: Arc<Refusing>,
        runtime: Runtime,
        cell: CellRef,
    }

    impl Polled {
        fn new<F>(residence: Residence, poll: impl FnOnce(Arc<Residents>, DefaultKey) -> F) -> Self
        where
            F: FnMut() + Send + Unpin + 'static,
        {
            let residents = Arc::new(Residents::new());
            let (drops, woken) = (Arc::new(AtomicUsize::new(0)), Arc::<Counter>::default());
            let executor = Arc::<Refusing>::default();
            let runtime = Runtime::from_arc(executor.clone());
            let key = residents.admit();
            let poll = poll(residents.clone(), key);
            let record = Some(runtime.record().clone());
            let (task, cell) = Task::new(Pending { poll, residents: residents.clone(), drops: drops.clone() }, record);
            residents.begin(key, Resident { task, waker: woken.clone().into(), runtime: runtime.clone(), residence });
            Self { residents, key, drops, woken, executor, runtime, cell }
        }

        /// How often it was dropped, woken, and offered to its runtime.
        fn counts(&self) -> [usize; 3] {
            [&*self.drops, &self.woken.0, &self.executor.0].map(|count| count.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn one_that_is_pending_goes_with_its_loop() {
        let polled = Polled::new(Residence::Bound, |_, _| || {});
        assert_eq!(polled.counts(), [0, 0, 0]);
        polled.residents.close();
        assert_eq!(polled.counts(), [1, 0, 0]);
        assert!(polled.cell.header().is_settled());
        // Whoever comes later finds no place.
        assert!(!polled.residents.poll_again(polled.key));
        assert!(polled.residents.admit().is_null());
    }

    #[test]
    fn one_that_may_leave_goes_to_its_runtime_when_the_loop_or_its_coroutine_ends_or_the_loop_stands_still() {
        let let_go: [fn(&Polled); 3] = [
            |polled| polled.residents.close(),
            |polled| polled.residents.hand_over(),
            |polled| polled.residents.evict(polled.key),
        ];
        for let_go in let_go {
            let polled = Polled::new(Residence::Movable, |_, _| || {});
            let_go(&polled);
            assert_eq!(polled.counts(), [1, 0, 1]);
            assert_eq!((polled.runtime.metrics().tasks_spawned, polled.runtime.metrics().tasks_pending()), (1, 0));
            assert!(!polled.residents.poll_again(polled.key));
        }
        let polled = Polled::new(Residence::Bound, |_, _| || {});
        polled.residents.hand_over();
        assert_eq!(polled.counts(), [0, 0, 0]);
        polled.residents.close();
    }

    #[test]
    fn one_that_closes_its_loop_goes_when_its_poll_is_over() {
        for (residence, offered) in [(Residence::Bound, 0), (Residence::Movable, 1)] {
            let polled = Polled::new(residence, |residents, _| move || residents.close());
            assert_eq!(polled.counts(), [1, 0, offered]);
            assert!(polled.cell.header().is_settled());
        }
    }

    #[test]
    fn one_that_is_woken_while_it_is_polled_is_polled_again() {
        // As by a loop that is run once more from inside the poll.
        let polled = Polled::new(Residence::Bound, |residents, key| move || assert!(!residents.poll_again(key)));
        assert_eq!(polled.counts(), [0, 1, 0]);
        assert!(!polled.residents.poll_again(polled.key));
        assert_eq!(polled.counts(), [0, 2, 0]);
        polled.residents.close();
    }

    #[test]
    fn one_whose_runtime_is_shut_down_is_not_polled_but_dropped() {
        let polled = Polled::new(Residence::Movable, |_, _| || {});
        polled.runtime.inner().close();
        assert!(polled.residents.poll_again(polled.key));
        assert_eq!(polled.counts(), [1, 0, 0]);
        assert!(polled.cell.header().is_settled());
    }

    #[test]
    fn one_that_is_ready_leaves_its_place_and_was_never_spawned() {
        let residents = Residents::new();
        let runtime = Runtime::new(Refusing::default());
        let (task, cell) = Task::new(async { Ok::<_, PyErr>(()) }, Some(runtime.record().clone()));
        let (waker, residence) = (Waker::noop().clone(), Residence::Movable);
        residents.begin(residents.admit(), Resident { task, waker, runtime: runtime.clone(), residence });
        assert!(cell.header().is_settled());
        assert!(residents.places.lock().as_ref().is_some_and(SlotMap::is_empty));
        assert_eq!(runtime.metrics().tasks_spawned, 0);
    }
}
