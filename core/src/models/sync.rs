//! Stand-ins for what `crate::sync` has, made of loom's primitives.
//!
//! Not modelled but trusted: `Arc`, and what is inside `parking_lot`, `atomic-waker` and `event-listener`. The last two are
//! a lock here, which orders what they promise to order.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, MutexGuard};

/// An atomic of loom's, of which loom tries every order of all accesses.
///
/// By itself (0.7) it does not: of several loads it remembers the last, and a store is tried before that one alone. So each
/// access begins with one that is no load, of a companion; relaxed, it orders nothing.
macro_rules! atomic {
    ($name:ident, $value:ty) => {
        pub(crate) struct $name {
            value: loom::sync::atomic::$name,
            turn: AtomicBool,
        }

        #[allow(dead_code, clippy::allow_attributes, reason = "not every one needs every method")]
        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self { value: loom::sync::atomic::$name::new(value), turn: AtomicBool::new(false) }
            }

            fn in_turn(&self) -> &loom::sync::atomic::$name {
                self.turn.swap(false, Ordering::Relaxed);
                &self.value
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.in_turn().load(order)
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.in_turn().store(value, order);
            }

            pub(crate) fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                self.in_turn().fetch_or(value, order)
            }

            pub(crate) fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.in_turn().compare_exchange_weak(current, new, success, failure)
            }
        }
    };
}

atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);

/// As that of `parking_lot`: without poisoning.
#[derive(Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}

/// A cell in which loom sees two accesses at once, or one that nothing orders after the last.
pub(crate) struct UnsafeCell<T> {
    value: std::cell::UnsafeCell<T>,
    access: loom::cell::UnsafeCell<()>,
}

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: std::cell::UnsafeCell::new(value), access: loom::cell::UnsafeCell::new(()) }
    }

    pub(crate) fn with_mut<R>(&self, body: impl FnOnce(*mut T) -> R) -> R {
        self.access.with_mut(|_| body(self.value.get()))
    }

    /// Not seen by loom: that it is exclusive is the promise of `Arc`, whose counters loom does not see either.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// A value that is set once; whoever does not see that it is set finds nothing.
pub(crate) struct OnceLock<T> {
    is_set: AtomicBool,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self { is_set: AtomicBool::new(false), value: std::sync::OnceLock::new() }
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        let result = self.value.set(value);
        self.is_set.store(true, Ordering::Release);
        result
    }

    pub(crate) fn get(&self) -> Option<&T> {
        if self.is_set.load(Ordering::Acquire) { self.value.get() } else { None }
    }
}

/// As that of `atomic-waker`.
pub(crate) struct AtomicWaker(Mutex<Option<Waker>>);

impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn register(&self, waker: &Waker) {
        let previous = self.0.lock().replace(waker.clone());
        drop(previous);
    }

    pub(crate) fn take(&self) -> Option<Waker> {
        self.0.lock().take()
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }
}

/// As that of `event-listener`, to notify all of; without deadlines, since there is no time in a model.
pub(crate) struct Event(Arc<Notified>);

struct Notified {
    times: loom::sync::Mutex<usize>,
    changed: Condvar,
}

impl Event {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Notified { times: loom::sync::Mutex::new(0), changed: Condvar::new() }))
    }

    pub(crate) fn notify(&self, _count: usize) {
        *self.0.times.lock().unwrap() += 1;
        self.0.changed.notify_all();
    }

    pub(crate) fn listen(&self) -> EventListener {
        EventListener { since: *self.0.times.lock().unwrap(), notified: self.0.clone() }
    }
}

pub(crate) struct EventListener {
    since: usize,
    notified: Arc<Notified>,
}

/// What has the methods of a listener.
pub(crate) trait Listener {
    fn wait_deadline(self, deadline: Instant) -> Option<()>;
}

impl Listener for EventListener {
    fn wait_deadline(self, _deadline: Instant) -> Option<()> {
        let mut times = self.notified.times.lock().unwrap();
        while *times == self.since {
            times = self.notified.changed.wait(times).unwrap();
        }
        Some(())
    }
}
