//! Statics that each process has for itself.
//!
//! A forked child inherits the parent's memory as it was, with locks that threads of the parent may have held just then and
//! will never give back. So what such a static holds is looked up by the process generation: a child makes its own and leaves
//! the inherited one alone, which is leaked.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::generation;

/// A static value that is made when it is first asked for, in each process anew, and never dropped.
pub(crate) struct PerProcess<T: 'static>(AtomicPtr<Place<T>>);

struct Place<T> {
    generation: u32,
    value: T,
}

impl<T: Send + Sync> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// That of this process, if it has been made.
    pub(crate) fn get(&self) -> Option<&'static T> {
        // SAFETY: null, or a leaked box, which is only ever shared. Its contents may be used by any thread, since `T` is both
        // `Send` and `Sync`; acquire sees what the thread that made them wrote.
        let place = unsafe { self.0.load(Ordering::Acquire).as_ref() }?;
        (place.generation == generation()).then_some(&place.value)
    }

    /// That of this process.
    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &'static T {
        let seen = self.0.load(Ordering::Relaxed);
        if let Some(value) = self.get() {
            return value;
        }
        let made: &'static Place<T> = Box::leak(Box::new(Place { generation: generation(), value: make() }));
        // It fails if another thread was first, and then that one's counts. No thread of another process writes here, so
        // what was seen before is null or inherited.
        match self.0.compare_exchange(seen, ptr::from_ref(made).cast_mut(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => &made.value,
            Err(_) => self.get().unwrap_or(&made.value),
        }
    }
}

#[cfg(all(test, unix, not(crossawait_loom), not(miri)))]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::lifecycle::forked::ends_in_a_child;

    #[test]
    fn a_child_has_one_of_its_own() {
        static NUMBERS: PerProcess<Mutex<Vec<u32>>> = PerProcess::new();
        let numbers = || NUMBERS.get_or_init(Mutex::default);
        assert!(NUMBERS.get().is_none());
        numbers().lock().push(1);
        assert!(ptr::eq(numbers(), numbers()));
        let held = numbers().lock();
        assert!(ends_in_a_child(|| {
            assert!(NUMBERS.get().is_none());
            numbers().lock().push(2);
            assert_eq!(*numbers().lock(), [2]);
        }));
        assert_eq!(*held, [1]);
    }

    #[test]
    fn whoever_comes_first_makes_the_one_for_all() {
        static NUMBER: PerProcess<Mutex<u32>> = PerProcess::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| *NUMBER.get_or_init(Mutex::default).lock() += 1);
            }
        });
        assert_eq!(*NUMBER.get_or_init(Mutex::default).lock(), 8);
    }
}
