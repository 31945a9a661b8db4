//! Timers and byte streams, as small traits: what the wheel's verbs need of a runtime, whichever it is.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use pyo3::prelude::*;

use crate::lifecycle::OwnProcess;

/// A future in a box, as object-safe traits have to return it.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Timers of a runtime.
pub trait Timers: Send + Sync {
    /// Is ready once `duration` has passed since it was first polled. Dropping it is a cancellation.
    fn sleep(&self, duration: Duration) -> BoxFuture<()>;
}

/// Stream sockets of a runtime. Dropping a future gives the attempt up.
pub trait Network: Send + Sync {
    /// Connects over TCP.
    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Socket>>;

    /// Connects to a Unix socket. Refused where there are none: the default.
    fn connect_unix(&self, to: PathBuf) -> BoxFuture<io::Result<Socket>> {
        let _ = to;
        Box::pin(async { Err(no_unix_sockets()) })
    }

    /// Listens for TCP connections; port 0 gets a free one, see [`Accept::local`].
    fn listen_tcp(&self, on: SocketAddr) -> BoxFuture<io::Result<Arc<dyn Accept>>>;

    /// Listens on a Unix socket. Refused where there are none: the default.
    fn listen_unix(&self, on: PathBuf) -> BoxFuture<io::Result<Arc<dyn Accept>>> {
        let _ = on;
        Box::pin(async { Err(no_unix_sockets()) })
    }
}

fn no_unix_sockets() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this runtime has no Unix sockets here")
}

/// A listening socket. Dropping the last reference closes it.
pub trait Accept: Send + Sync {
    /// Waits for the next connection. Dropping the future loses none.
    fn accept(&self) -> BoxFuture<io::Result<Socket>>;

    /// Where it listens.
    fn local(&self) -> &Endpoint;
}

/// A runtime's listener, and the function that accepts from it.
pub struct Listening<L, F> {
    /// A child forgets it: dropping would deregister the parent's socket from an epoll instance that both share.
    listener: OwnProcess<Arc<L>>,
    local: Endpoint,
    accept: F,
}

/// How many connections the kernel keeps for a listener that is busy elsewhere. The standard library asks for 128;
/// with more clients than that at once the rest wait for seconds, until they are told to try again.
#[cfg(unix)]
const BACKLOG: i32 = 1024;

#[cfg(unix)]
impl<L, F, Accepting> Listening<L, F>
where
    L: std::os::fd::AsFd + Send + Sync + 'static,
    F: Fn(Arc<L>) -> Accepting + Send + Sync + 'static,
    Accepting: Future<Output = io::Result<Socket>> + Send + 'static,
{
    /// `accept` is called for each connection to wait for.
    pub fn shared(listener: L, local: impl Into<Endpoint>, accept: F) -> Arc<dyn Accept> {
        // It listens already; saying so again changes the number. A kernel that refuses keeps the old one.
        let _ = rustix::net::listen(&listener, BACKLOG);
        Arc::new(Self { listener: OwnProcess::new(Arc::new(listener)), local: local.into(), accept })
    }
}

impl<L, F, Accepting> Accept for Listening<L, F>
where
    L: Send + Sync,
    F: Fn(Arc<L>) -> Accepting + Send + Sync,
    Accepting: Future<Output = io::Result<Socket>> + Send + 'static,
{
    fn accept(&self) -> BoxFuture<io::Result<Socket>> {
        Box::pin((self.accept)(Arc::clone(&self.listener)))
    }

    fn local(&self) -> &Endpoint {
        &self.local
    }
}

impl<L, F> fmt::Debug for Listening<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").field("local", &self.local).finish_non_exhaustive()
    }
}

/// An address of a stream socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// An IPv4 or IPv6 address and a port.
    Tcp(SocketAddr),
    /// A path in the file system; `None` for an unnamed socket, such as the connecting side usually is.
    Unix(Option<PathBuf>),
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::SocketAddr> for Endpoint {
    fn from(address: std::os::unix::net::SocketAddr) -> Self {
        Self::Unix(address.as_pathname().map(Into::into))
    }
}

/// As Python's `socket` module writes it.
impl<'py> IntoPyObject<'py> for &Endpoint {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Endpoint::Tcp(SocketAddr::V4(address)) => {
                Ok((address.ip().to_string(), address.port()).into_pyobject(py)?.into_any())
            }
            Endpoint::Tcp(SocketAddr::V6(address)) => {
                let parts = (address.ip().to_string(), address.port(), address.flowinfo(), address.scope_id());
                Ok(parts.into_pyobject(py)?.into_any())
            }
            Endpoint::Unix(path) => {
                let path = path.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
                Ok(path.into_pyobject(py)?.into_any())
            }
        }
    }
}

/// A connected byte stream. Clones share the connection; it closes with the last of them.
///
/// One task at a time may read and one may write: each direction remembers one waker.
#[derive(Clone)]
pub struct Socket {
    /// As in `Listening`.
    transport: OwnProcess<Arc<dyn Transport>>,
    local: Endpoint,
    peer: Endpoint,
    /// See `polled_by_loops`.
    on_loop: bool,
}

impl Socket {
    /// Wraps a stream whose shared references can be read from and written to, as those of smol and async-std are.
    #[cfg(unix)]
    pub fn new<S>(stream: S, local: impl Into<Endpoint>, peer: impl Into<Endpoint>) -> Self
    where
        S: std::os::fd::AsFd + Send + Sync + 'static,
        for<'a> &'a S: AsyncRead + AsyncWrite + Unpin,
    {
        let (local, peer) = (local.into(), peer.into());
        if matches!(local, Endpoint::Tcp(_)) {
            // As asyncio does: a small write goes out at once. A socket that refuses still works.
            let _ = rustix::net::sockopt::set_tcp_nodelay(&stream, true);
        }
        Self { transport: OwnProcess::new(Arc::new(stream)), local, peer, on_loop: false }
    }

    /// Has the event loops of Python poll short reads themselves, see
    /// [`Runtime::socket_into_py`](crate::Runtime::socket_into_py). For a reactor that goes on waiting for events at once,
    /// whatever thread it has woken. That of smol and async-std pauses when it has woken none of its own.
    pub fn polled_by_loops(self) -> Self {
        Self { on_loop: true, ..self }
    }

    /// This end's address.
    pub fn local(&self) -> &Endpoint {
        &self.local
    }

    /// The other end's address.
    pub fn peer(&self) -> &Endpoint {
        &self.peer
    }

    /// Reads some bytes into `buffer`; 0 at the end of the stream.
    pub fn poll_read(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.transport.poll_read(context, buffer)
    }

    /// Writes some of `data`.
    pub fn poll_write(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.transport.poll_write(context, data)
    }

    /// Ends both directions at once: a read or write in flight returns, and the peer sees the end of the stream.
    pub fn shutdown(&self) -> io::Result<()> {
        self.transport.shutdown()
    }

    /// The transport, this end's address and the other's, and whether loops poll it.
    pub(crate) fn into_parts(self) -> (OwnProcess<Arc<dyn Transport>>, Endpoint, Endpoint, bool) {
        (self.transport, self.local, self.peer, self.on_loop)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("local", &self.local).field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// What carries a stream's bytes. One task at a time may read, one may write and flush.
pub(crate) trait Transport: Send + Sync {
    fn poll_read(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;
    fn poll_write(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>>;
    fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Ends what is in flight, at once.
    fn shutdown(&self) -> io::Result<()>;
    /// Whether that is all there is to closing it.
    fn ends_by_shutdown(&self) -> bool;
    /// What else there is to closing it, after `shutdown`.
    fn close(self: Arc<Self>) -> Option<BoxFuture<io::Result<()>>>;
}

#[cfg(unix)]
impl<S> Transport for S
where
    S: std::os::fd::AsFd + Send + Sync + 'static,
    for<'a> &'a S: AsyncRead + AsyncWrite + Unpin,
{
    fn poll_read(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(context, buffer)
    }

    fn poll_write(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(context, data)
    }

    fn poll_flush(&self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The kernel has it.
        Poll::Ready(Ok(()))
    }

    fn shutdown(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(self, rustix::net::Shutdown::Both)?)
    }

    fn ends_by_shutdown(&self) -> bool {
        true
    }

    fn close(self: Arc<Self>) -> Option<BoxFuture<io::Result<()>>> {
        None
    }
}
