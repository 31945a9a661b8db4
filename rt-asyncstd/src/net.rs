//! async-std's sockets.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use async_std::net::{TcpListener, TcpStream};
use async_std::os::unix::net::{UnixListener, UnixStream};
use crossawait_core::io::{Accept, BoxFuture, Listening, Network, Socket};

use crate::AsyncStd;

impl Network for AsyncStd {
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
            let listener = UnixListener::bind(on).await?;
            let local = listener.local_addr()?;
            Ok(Listening::shared(listener, local, |listener| async move { unix(listener.accept().await?.0) }))
        })
    }
}

fn tcp(stream: TcpStream) -> io::Result<Socket> {
    let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
    Ok(Socket::new(stream, local, peer))
}

fn unix(stream: UnixStream) -> io::Result<Socket> {
    let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
    Ok(Socket::new(stream, local, peer))
}
