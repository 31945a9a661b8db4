//! Ways to wake a sleeping event loop from a thread that is not attached to Python.

#[cfg(unix)]
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::notifier::Notification;
use crate::metrics::LOOPS;
#[cfg(all(test, crossawait_loom))]
use crate::models::bell::Bell;

/// How a queue wakes its loop. Waking never blocks and never attaches.
#[derive(Debug)]
pub(crate) enum Wake {
    /// The loop polls a file descriptor.
    #[cfg(unix)]
    Fd(WakeFd),
    /// The loop cannot poll one: a thread of ours calls `call_soon_threadsafe` on our behalf.
    Notifier(Arc<Notification>),
    /// The loop of a model.
    #[cfg(all(test, crossawait_loom))]
    Bell(Arc<Bell>),
}

impl Wake {
    pub(crate) fn wake(&self) {
        LOOPS.wake();
        match self {
            #[cfg(unix)]
            Wake::Fd(fd) => fd.wake(),
            Wake::Notifier(notification) => notification.notify(),
            #[cfg(all(test, crossawait_loom))]
            Wake::Bell(bell) => bell.ring(),
        }
    }

    /// Lets go of what is Python's. Called attached.
    pub(crate) fn retire(&self) {
        match self {
            #[cfg(unix)]
            Wake::Fd(_) => {}
            Wake::Notifier(notification) => notification.retire(),
            #[cfg(all(test, crossawait_loom))]
            Wake::Bell(_) => {}
        }
    }

    /// Takes the wake-up back; called when a drain has found nothing more to do.
    pub(crate) fn acknowledge(&self) {
        match self {
            #[cfg(unix)]
            Wake::Fd(fd) => fd.acknowledge(),
            Wake::Notifier(_) => {}
            #[cfg(all(test, crossawait_loom))]
            Wake::Bell(bell) => bell.acknowledge(),
        }
    }
}

/// A descriptor that turns readable when woken: an eventfd, or a pipe where there is none.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct WakeFd {
    read: OwnedFd,
    /// The pipe's other end; an eventfd has none.
    write: Option<OwnedFd>,
}

#[cfg(unix)]
impl WakeFd {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn new() -> std::io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        let read = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { read, write: None })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn new() -> std::io::Result<Self> {
        // `pipe2` does not exist on macOS: set the flags one by one.
        use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
        let (read, write) = rustix::pipe::pipe()?;
        for fd in [&read, &write] {
            fcntl_setfd(fd, FdFlags::CLOEXEC)?;
            ioctl_fionbio(fd, true)?;
        }
        Ok(Self { read, write: Some(write) })
    }

    /// The descriptor for the loop's `add_reader`.
    pub(crate) fn as_raw_fd(&self) -> RawFd {
        self.read.as_raw_fd()
    }

    fn wake(&self) {
        // An eventfd takes eight bytes, a pipe any. `EAGAIN` means that it is readable already, which is all we want;
        // nothing else can happen to a descriptor that we own.
        let _ = rustix::io::write(self.write.as_ref().unwrap_or(&self.read), &1u64.to_ne_bytes());
    }

    fn acknowledge(&self) {
        // One read empties an eventfd. A pipe may hold more than one wake-up; what is left brings a drain too many,
        // never one too few.
        let mut buffer = [0u8; 64];
        let _ = rustix::io::read(&self.read, &mut buffer[..if self.write.is_some() { 64 } else { 8 }]);
    }
}
