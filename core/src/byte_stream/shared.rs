//! A stream that only its owner can poll, polled by a reader and a writer at the same time.
//!
//! Whoever polls takes the stream out and puts it back: no lock is held while its code runs. One that finds it taken, which
//! takes two threads and lasts for one poll, is woken when it is put back. And the stream is always polled with one and
//! the same waker, which wakes whoever waits: however many wakers it can remember, and even if its reads write (as those of
//! TLS may), no side's waker ever takes the place of another's. The price is a poll in vain now and then.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use atomic_waker::AtomicWaker;
use futures_io::{AsyncRead, AsyncWrite};
use parking_lot::Mutex;
use pyo3::PyErr;

use crate::current;
use crate::io::{BoxFuture, Transport};
use crate::runtime::{Runtime, WeakRuntime};
use crate::task::Task;

/// Who may wait for the stream: one task each.
#[derive(Clone, Copy)]
enum Side {
    Read,
    Write,
    Close,
}

/// The wakers of the sides; waking them all is the stream's own waker.
#[derive(Default)]
struct Sides([AtomicWaker; 3]);

impl Wake for Sides {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.iter().for_each(AtomicWaker::wake);
    }
}

/// A stream for two.
pub(super) struct Shared<S: Send + 'static> {
    state: Mutex<State<S>>,
    sides: Arc<Sides>,
    /// Made of `sides`.
    waker: Waker,
    /// Where the stream is dropped.
    runtime: WeakRuntime,
}

struct State<S> {
    /// `None` while it is polled, and once it is closed.
    stream: Option<Pin<Box<S>>>,
    /// Somebody has found it taken.
    sought: bool,
    closed: bool,
}

impl<S: Send + 'static> Shared<S> {
    pub(super) fn new(stream: S, runtime: &Runtime) -> Self {
        let state = State { stream: Some(Box::pin(stream)), sought: false, closed: false };
        let sides = Arc::<Sides>::default();
        let waker = sides.clone().into();
        Self { state: Mutex::new(state), sides, waker, runtime: runtime.downgrade() }
    }

    /// Takes the stream out, as soon as nobody has it. Fails once it is closed, but for the side that closes it.
    fn poll_take(&self, side: Side, context: &mut Context<'_>) -> Poll<io::Result<Pin<Box<S>>>> {
        // Before looking: whoever puts it back or closes it wakes those that are registered by then.
        self.sides.0[side as usize].register(context.waker());
        let mut state = self.state.lock();
        if state.closed && !matches!(side, Side::Close) {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        let stream = state.stream.take();
        state.sought |= stream.is_none();
        stream.map_or(Poll::Pending, |stream| Poll::Ready(Ok(stream)))
    }

    fn put_back(&self, stream: Pin<Box<S>>) {
        let mut state = self.state.lock();
        state.stream = Some(stream);
        let sought = std::mem::take(&mut state.sought);
        drop(state);
        if sought {
            self.sides.wake_by_ref();
        }
    }

    fn poll<T>(
        &self,
        side: Side,
        context: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut taken = Taken { stream: Some(ready!(self.poll_take(side, context))?), shared: self };
        let Some(stream) = &mut taken.stream else {
            unreachable!("it has just been taken");
        };
        poll(stream.as_mut(), &mut Context::from_waker(&self.waker))
    }
}

/// The stream, to be put back also by a poll that panics.
struct Taken<'a, S: Send + 'static> {
    /// `None` only while it is dropped.
    stream: Option<Pin<Box<S>>>,
    shared: &'a Shared<S>,
}

impl<S: Send + 'static> Drop for Taken<'_, S> {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.shared.put_back(stream);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + 'static> Transport for Shared<S> {
    fn poll_read(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll(Side::Read, context, |stream, context| stream.poll_read(context, buffer))
    }

    fn poll_write(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(Side::Write, context, |stream, context| stream.poll_write(context, data))
    }

    fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(Side::Write, context, |stream, context| stream.poll_flush(context))
    }

    fn shutdown(&self) -> io::Result<()> {
        self.state.lock().closed = true;
        // What is in flight hears of it.
        self.sides.wake_by_ref();
        Ok(())
    }

    fn ends_by_shutdown(&self) -> bool {
        false
    }

    fn close(self: Arc<Self>) -> Option<BoxFuture<io::Result<()>>> {
        Some(Box::pin(async move {
            let mut stream = poll_fn(|context| self.poll_take(Side::Close, context)).await?;
            poll_fn(|context| stream.as_mut().poll_close(context)).await
        }))
    }
}

impl<S: Send + 'static> Drop for Shared<S> {
    fn drop(&mut self) {
        let stream = self.state.get_mut().stream.take();
        let runtime = self.runtime.upgrade().filter(|runtime| !current::works_on(runtime.record()));
        if let (Some(stream), Some(runtime)) = (stream, runtime) {
            // Its destructor may want the runtime around it, and it may take its time.
            let (task, _) = Task::new(
                async move {
                    drop(stream);
                    Ok::<_, PyErr>(())
                },
                Some(runtime.record().clone()),
            );
            runtime.spawn(task);
        }
    }
}
