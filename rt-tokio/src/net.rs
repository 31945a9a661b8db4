//! tokio's sockets as the core wants them: readable and writable through shared references.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crossawait_core::io::{Accept, BoxFuture, Endpoint, Listening, Network, Socket};
use futures_io::{AsyncRead, AsyncWrite};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::Tokio;

impl Network for Tokio {
    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Socket>> {
        Box::pin(async move { tcp(TcpStream::connect(to).await?) })
    }

    fn connect_unix(&self, to: PathBuf) -> BoxFuture<io::Result<Socket>> {
        Box::pin(async move { unix(UnixStream::connect(to).await?) })
    }

    fn listen_tcp(&self, on: SocketAddr) -> BoxFuture<io::Result<Arc<dyn Accept>>> {
        Box::pin(async move {
            let listener = TcpListener::bind(on).await?;
            let local = listener.local_addr()?;
            Ok(Listening::shared(listener, local, |listener| async move { tcp(listener.accept().await?.0) }))
        })
    }

    fn listen_unix(&self, on: PathBuf) -> BoxFuture<io::Result<Arc<dyn Accept>>> {
        Box::pin(async move {
            let listener = UnixListener::bind(on)?;
            let local = unix_endpoint(listener.local_addr()?);
            Ok(Listening::shared(listener, local, |listener| async move { unix(listener.accept().await?.0) }))
        })
    }
}

fn tcp(stream: TcpStream) -> io::Result<Socket> {
    let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
    Ok(Socket::new(Ready(stream), local, peer).polled_by_loops())
}

fn unix(stream: UnixStream) -> io::Result<Socket> {
    let (local, peer) = (unix_endpoint(stream.local_addr()?), unix_endpoint(stream.peer_addr()?));
    Ok(Socket::new(Ready(stream), local, peer).polled_by_loops())
}

fn unix_endpoint(address: tokio::net::unix::SocketAddr) -> Endpoint {
    Endpoint::Unix(address.as_pathname().map(Into::into))
}

/// A stream that says when it is ready and is then tried, which needs no exclusive access.
struct Ready<S>(S);

/// What tokio's stream types share without a trait of tokio's.
trait TryStream {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn try_reading(&self, read: impl FnMut() -> io::Result<()>) -> io::Result<()>;
    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn try_write(&self, data: &[u8]) -> io::Result<usize>;
}

macro_rules! try_stream {
    ($stream:ty) => {
        impl TryStream for $stream {
            fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_read_ready(context)
            }

            fn try_reading(&self, read: impl FnMut() -> io::Result<()>) -> io::Result<()> {
                self.try_io(Interest::READABLE, read)
            }

            fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_write_ready(context)
            }

            fn try_write(&self, data: &[u8]) -> io::Result<usize> {
                self.try_write(data)
            }
        }
    };
}

try_stream!(TcpStream);
try_stream!(UnixStream);

/// Tries until the attempt does not say "would block"; readiness may be stale.
fn attempt<T>(
    mut poll_ready: impl FnMut() -> Poll<io::Result<()>>,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        ready!(poll_ready())?;
        match attempt() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
    }
}

/// Reads what there is. If that is less than there was room for there is no more, and the next read waits to be told of it
/// instead of asking the kernel. tokio's own `AsyncRead` does the same, and its `try_read` does not: only an attempt that
/// says "would block" ends the readiness, so this one does.
fn receive(stream: &(impl TryStream + AsFd), buffer: &mut [u8]) -> io::Result<usize> {
    let mut received = 0;
    let tried = stream.try_reading(|| {
        received = rustix::io::read(stream, &mut *buffer)?;
        // Nothing at all is the end, which stays.
        if 0 < received && received < buffer.len() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    if received > 0 { Ok(received) } else { tried.map(|()| 0) }
}

impl<S: TryStream + AsFd> AsyncRead for &Ready<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        attempt(|| self.0.poll_read_ready(context), || receive(&self.0, buffer))
    }
}

impl<S: TryStream> AsyncWrite for &Ready<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        attempt(|| self.0.poll_write_ready(context), || self.0.try_write(data))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is buffered on this side of the kernel.
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl<S: AsFd> AsFd for Ready<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
