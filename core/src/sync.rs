//! What the task cell and the queues synchronize with, in one place: `make loom` puts models of it there.
//!
//! Other parts of the library take their locks and atomics straight from where they come from.

#[cfg(all(test, crossawait_loom))]
pub(crate) use crate::models::sync::{
    AtomicU32, AtomicU64, AtomicWaker, Event, EventListener, Listener, Mutex, OnceLock, UnsafeCell,
};
#[cfg(not(all(test, crossawait_loom)))]
pub(crate) use {
    atomic_waker::AtomicWaker,
    event_listener::{Event, EventListener, Listener},
    parking_lot::Mutex,
    real::UnsafeCell,
    std::sync::OnceLock,
    std::sync::atomic::{AtomicU32, AtomicU64},
};

#[cfg(not(all(test, crossawait_loom)))]
mod real {
    /// A cell whose accesses have a beginning and an end, so that a model can see two at once.
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Calls `body` with the address of the value, which it may follow if nobody else does meanwhile.
        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, body: impl FnOnce(*mut T) -> R) -> R {
            body(self.0.get())
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut()
        }
    }
}
