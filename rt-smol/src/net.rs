//! smol's sockets: any std socket, registered with the reactor.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;

use crossawait_core::io::{Accept, BoxFuture, Listening, Network, Socket};
use smol::Async;

use crate::Smol;

impl Network for Smol {
    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Socket>> {
        Box::pin(async move { tcp(Async::<TcpStream>::connect(to).await?) })
    }

    fn connect_unix(&self, to: PathBuf) -> BoxFuture<io::Result<Socket>> {
        Box::pin(async move { unix(Async::<UnixStream>::connect(to).await?) })
    }

    fn listen_tcp(&self, on: SocketAddr) -> BoxFuture<io::Result<Arc<dyn Accept>>> {
        Box::pin(async move {
            let listener = Async::<TcpListener>::bind(on)?;
            let local = listener.get_ref().local_addr()?;
            Ok(Listening::shared(listener, local, |listener| async move { tcp(listener.accept().await?.0) }))
        })
    }

    fn listen_unix(&self, on: PathBuf) -> BoxFuture<io::Result<Arc<dyn Accept>>> {
        Box::pin(async move {
            let listener = Async::<UnixListener>::bind(on)?;
            let local = listener.get_ref().local_addr()?;
            Ok(Listening::shared(listener, local, |listener| async move { unix(listener.accept().await?.0) }))
        })
    }
}

fn tcp(stream: Async<TcpStream>) -> io::Result<Socket> {
    let (local, peer) = (stream.get_ref().local_addr()?, stream.get_ref().peer_addr()?);
    Ok(Socket::new(stream, local, peer))
}

fn unix(stream: Async<UnixStream>) -> io::Result<Socket> {
    let (local, peer) = (stream.get_ref().local_addr()?, stream.get_ref().peer_addr()?);
    Ok(Socket::new(stream, local, peer))
}
