//! Wakers are the executor's code: none is cloned, woken or dropped with the buffer locked.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use super::{Buffer, Item};

type Numbers = Buffer<u32, Infallible>;

/// Looks, at whatever is done with its waker, whether the buffer is locked.
struct Looking {
    buffer: Arc<Numbers>,
    looks: AtomicUsize,
    locked: AtomicUsize,
}

impl Looking {
    fn look(&self) {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.locked.fetch_add(usize::from(self.buffer.state.try_lock().is_none()), Ordering::Relaxed);
    }

    /// `std::task::Wake` would do but for the clone, which cannot be watched there.
    fn waker(self: &Arc<Self>) -> Waker {
        // SAFETY: the pointer is of an `Arc`, one count of which is the waker's; the functions are those of `VTABLE`, which
        // expect that. What they point to may be used by any thread.
        unsafe { Waker::from_raw(RawWaker::new(Arc::into_raw(self.clone()).cast(), &VTABLE)) }
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

fn clone(waker: *const ()) -> RawWaker {
    wake_by_ref(waker);
    // SAFETY: as in `waker`; the clone has a count of its own.
    unsafe { Arc::increment_strong_count(waker.cast::<Looking>()) };
    RawWaker::new(waker, &VTABLE)
}

fn wake(waker: *const ()) {
    drop_waker(waker);
}

fn wake_by_ref(waker: *const ()) {
    // SAFETY: as in `waker`, whose count keeps it alive.
    unsafe { &*waker.cast::<Looking>() }.look();
}

fn drop_waker(waker: *const ()) {
    // SAFETY: as in `waker`, whose count this takes over.
    unsafe { Arc::from_raw(waker.cast::<Looking>()) }.look();
}

/// Has everything happen that a waker takes part in, and then `end`.
fn happen(end: impl FnOnce(&Numbers)) -> Arc<Looking> {
    let buffer = Arc::new(Numbers::new(2));
    let looking = Arc::new(Looking { buffer: buffer.clone(), looks: AtomicUsize::new(0), locked: AtomicUsize::new(0) });
    let waker = looking.waker();
    let mut context = Context::from_waker(&waker);
    let (mut first, mut second) = (None, None);
    // Two wait, one of them is polled again, and leaves.
    assert!(buffer.poll_reserve(&mut context, &mut first).is_pending());
    assert!(buffer.poll_reserve(&mut context, &mut second).is_pending());
    assert!(buffer.poll_reserve(&mut context, &mut first).is_pending());
    buffer.leave(first.expect("a key, of one that waits"));
    // The other is woken, and so is the producer, once there is room.
    assert!(matches!(buffer.poll_room(&mut context), Poll::Ready(2)));
    buffer.extend(&mut (0..2).map(Item::Value).collect(), false);
    assert!(buffer.poll_room(&mut context).is_pending());
    for _ in 0..2 {
        let Poll::Ready(Some(mut reserved)) = buffer.poll_reserve(&mut context, &mut second) else {
            panic!("there is an item");
        };
        assert!(matches!(reserved.take(), Some(Item::Value(_))));
    }
    assert!(buffer.poll_reserve(&mut context, &mut second).is_pending());
    assert!(matches!(buffer.poll_room(&mut context), Poll::Ready(2)));
    end(&buffer);
    assert!(matches!(buffer.poll_reserve(&mut context, &mut None), Poll::Ready(None)));
    looking
}

#[test]
fn nothing_is_done_with_a_waker_while_the_buffer_is_locked() {
    for looking in [happen(Buffer::close), happen(|buffer| buffer.extend(&mut Vec::new(), true))] {
        assert!(looking.looks.load(Ordering::Relaxed) > 10, "the wakers are looked at");
        assert_eq!(looking.locked.load(Ordering::Relaxed), 0);
        looking.buffer.close();
    }
}
