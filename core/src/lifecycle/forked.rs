//! Forked children, for tests.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `body` in a forked child, and says whether it came to its end there within ten seconds.
pub(crate) fn ends_in_a_child(body: impl FnOnce()) -> bool {
    // SAFETY: the child runs on with this thread alone. It does what children of this library have to be able to do, and
    // leaves by `_exit`, without destructors of the harness's.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "this process can be forked");
    if child == 0 {
        // SAFETY: these take numbers. The alarm ends a child that waits for a lock.
        unsafe {
            libc::alarm(10);
            let panicked = catch_unwind(AssertUnwindSafe(body)).is_err();
            libc::_exit(i32::from(panicked));
        }
    }
    let mut status = 0;
    // SAFETY: a child of this process, waited for once; the status is this function's.
    let ended = unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(ended, child);
    status == 0
}
