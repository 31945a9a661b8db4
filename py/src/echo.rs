//! `Echo`: both ends of a connection, talking to each other in Rust alone.
//!
//! No part of what the package promises: `crossawait bench` has it show what a runtime's sockets can do when no Python
//! is in the way, as the limit for those that are used from Python.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use crossawait_core::io::{Endpoint, Socket};
use crossawait_core::{Coroutine, Runtime, WeakRuntime};
use futures::future::try_join;
use pyo3::prelude::*;

use crate::error::SocketError;
use crate::runtime::with_network;

/// As many bytes as the benchmarks' servers ask for at a time.
const CHUNK: usize = 64 * 1024;

/// A connection with both its ends. One `talk` at a time.
#[pyclass(frozen, module = "crossawait")]
pub(crate) struct Echo {
    runtime: Runtime,
    ends: Ends,
}

#[derive(Clone)]
struct Ends {
    asking: Socket,
    answering: Socket,
}

#[pymethods]
impl Echo {
    /// Send `requests` messages of `size` bytes, each after the echo of the one before it; return the seconds of each.
    fn talk<'py>(&self, py: Python<'py>, size: usize, requests: usize) -> PyResult<Bound<'py, Coroutine>> {
        self.runtime.check_process(py, "echo")?;
        let Ends { asking, answering } = self.ends.clone();
        // One task for both ends: the runtime spreads the connections over its threads, not their ends.
        self.runtime.builder().spawn().name("Echo.talk").coroutine_into_py(py, async move {
            let (seconds, ()) = try_join(ask(&asking, size, requests), answer(&answering, size * requests)).await?;
            Ok::<_, SocketError>(seconds)
        })
    }
}

/// An [`Echo`] on its way to Python.
pub(crate) struct Connected {
    runtime: WeakRuntime,
    ends: Ends,
}

impl<'py> IntoPyObject<'py> for Connected {
    type Target = Echo;
    type Output = Bound<'py, Echo>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let runtime = self.runtime.upgrade().ok_or(SocketError::RuntimeClosed)?;
        Bound::new(py, Echo { runtime, ends: self.ends })
    }
}

/// Connects two sockets of the runtime's over the loopback.
pub(crate) async fn connect(runtime: WeakRuntime) -> Result<Connected, SocketError> {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = with_network(&runtime, |network| network.listen_tcp(loopback))?.await?;
    let Endpoint::Tcp(address) = *listener.local() else {
        return Err(io::Error::from(io::ErrorKind::Unsupported).into());
    };
    let asking = with_network(&runtime, |network| network.connect_tcp(address))?;
    let (asking, answering) = try_join(asking, listener.accept()).await?;
    Ok(Connected { runtime, ends: Ends { asking, answering } })
}

async fn ask(socket: &Socket, size: usize, requests: usize) -> io::Result<Vec<f64>> {
    let message = vec![b'x'; size];
    let mut reply = vec![0; size];
    let mut seconds = Vec::with_capacity(requests);
    for _ in 0..requests {
        let start = Instant::now();
        write_all(socket, &message).await?;
        let mut come = 0;
        while come < size {
            come += read_some(socket, &mut reply[come..]).await?;
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(seconds)
}

async fn answer(socket: &Socket, bytes: usize) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let come = read_some(socket, &mut buffer).await?;
        write_all(socket, &buffer[..come]).await?;
        left -= come;
    }
    Ok(())
}

/// At least one byte.
async fn read_some(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    match poll_fn(|context| socket.poll_read(context, buffer)).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        come => Ok(come),
    }
}

async fn write_all(socket: &Socket, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        match poll_fn(|context| socket.poll_write(context, data)).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => data = &data[written..],
        }
    }
    Ok(())
}
