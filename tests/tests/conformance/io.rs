//! Timers and sockets, through the core's small traits.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossawait_core::Runtime;
use crossawait_core::io::{Accept, Endpoint, Socket};
use crossawait_core::pyo3::exceptions::PyConnectionRefusedError;
use crossawait_core::pyo3::prelude::*;
use crossawait_tests::embedded::{attached, awaited};
use crossawait_tests::probe::Probe;

use crate::subject::Subject;

pub(crate) fn timer(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        if !subject.complete {
            assert!(runtime.executor().timers().is_none());
            return;
        }
        let pause = Duration::from_millis(20);
        let sleep = runtime.executor().timers().unwrap().sleep(pause);
        let probe = Probe::new();
        let begin = Instant::now();
        let future = probe.watch(async move {
            sleep.await;
            Ok::<_, PyErr>(())
        });
        awaited(&runtime.future_into_py(py, future).unwrap()).unwrap();
        assert!(begin.elapsed() >= pause);
        // Pending, then woken by the timer.
        assert!(probe.seen().wakes >= 1);
    });
}

pub(crate) fn timer_dropped(subject: &Subject) {
    if !subject.complete {
        return;
    }
    attached(|py| {
        let runtime = subject.runtime();
        let sleep = runtime.executor().timers().unwrap().sleep(Duration::from_secs(3_600));
        let probe = Probe::new();
        let future = probe.watch(async move {
            sleep.await;
            Ok::<_, PyErr>(())
        });
        let awaitable = runtime.future_into_py(py, future).unwrap();
        py.detach(|| probe.wait_polled(1));
        awaitable.call_method0("cancel").unwrap();
        assert_eq!(py.detach(|| probe.wait_dropped()).drops.len(), 1);
    });
}

async fn write_all(socket: &Socket, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        let written = poll_fn(|context| socket.poll_write(context, data)).await?;
        data = &data[written..];
    }
    Ok(())
}

async fn read_to_end(socket: &Socket) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        match poll_fn(|context| socket.poll_read(context, &mut buffer)).await? {
            0 => return Ok(all),
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
}

/// A client says something long, the server says it back, both see the end.
fn converse(py: Python<'_>, runtime: &Runtime, listener: Arc<dyn Accept>, client: Socket) {
    // More than a socket's buffers take in at once, so that writing has to wait for reading.
    let said: Vec<u8> = (0..4_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let server = async move {
        let socket = listener.accept().await?;
        let (mut count, mut buffer) = (0, [0; 4096]);
        while count < 4_000_000 {
            let read = poll_fn(|context| socket.poll_read(context, &mut buffer)).await?;
            write_all(&socket, &buffer[..read]).await?;
            count += read;
        }
        socket.shutdown()?;
        Ok::<_, io::Error>(count)
    };
    let echo = runtime.future_into_py(py, server).unwrap();
    let (writing, reading) = (client.clone(), client);
    let expected = said.clone();
    let write = runtime.future_into_py(py, async move { write_all(&writing, &said).await }).unwrap();
    let read = runtime.future_into_py(py, async move { Ok::<_, io::Error>(read_to_end(&reading).await? == expected) });
    assert!(awaited(&read.unwrap()).unwrap().is_truthy().unwrap());
    awaited(&write).unwrap();
    assert_eq!(awaited(&echo).unwrap().extract::<usize>().unwrap(), 4_000_000);
}

/// Runs a future on the runtime and gives what it gave.
fn finished<T: Send + 'static>(
    py: Python<'_>,
    runtime: &Runtime,
    future: impl Future<Output = io::Result<T>> + Send + 'static,
) -> PyResult<T> {
    let slot = Arc::new(std::sync::Mutex::new(None));
    let filled = slot.clone();
    let awaitable = runtime.future_into_py(py, async move {
        *filled.lock().unwrap() = Some(future.await?);
        Ok::<_, io::Error>(())
    })?;
    awaited(&awaitable)?;
    Ok(slot.lock().unwrap().take().unwrap())
}

pub(crate) fn tcp(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        if !subject.complete {
            assert!(runtime.executor().network().is_none());
            return;
        }
        let network = runtime.executor().network().unwrap();
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = finished(py, &runtime, network.listen_tcp(any_port)).unwrap();
        let &Endpoint::Tcp(address) = listener.local() else {
            panic!("{:?} is no TCP address", listener.local());
        };
        assert_ne!(address.port(), 0);
        let client = finished(py, &runtime, network.connect_tcp(address)).unwrap();
        assert_eq!(*client.peer(), Endpoint::Tcp(address));
        assert_ne!(client.local(), client.peer());
        converse(py, &runtime, listener, client);
    });
}

pub(crate) fn tcp_refused(subject: &Subject) {
    if !subject.complete {
        return;
    }
    attached(|py| {
        let runtime = subject.runtime();
        // Bound, so that nobody else gets the port, and not listening.
        let bound = py.import("socket").unwrap().call_method0("socket").unwrap();
        bound.call_method1("bind", (("127.0.0.1", 0),)).unwrap();
        let (_, port): (String, u16) = bound.call_method0("getsockname").unwrap().extract().unwrap();
        let network = runtime.executor().network().unwrap();
        let refused = finished(py, &runtime, network.connect_tcp((Ipv4Addr::LOCALHOST, port).into()));
        assert!(refused.err().unwrap().is_instance_of::<PyConnectionRefusedError>(py));
        bound.call_method0("close").unwrap();
    });
}

pub(crate) fn unix(subject: &Subject) {
    if !subject.complete {
        return;
    }
    attached(|py| {
        let runtime = subject.runtime();
        let folder = py.import("tempfile").unwrap().call_method0("TemporaryDirectory").unwrap();
        let path = std::path::PathBuf::from(folder.getattr("name").unwrap().to_string()).join("socket");
        let network = runtime.executor().network().unwrap();
        let listener = finished(py, &runtime, network.listen_unix(path.clone())).unwrap();
        assert_eq!(*listener.local(), Endpoint::Unix(Some(path.clone())));
        let client = finished(py, &runtime, network.connect_unix(path.clone())).unwrap();
        assert_eq!((client.local(), client.peer()), (&Endpoint::Unix(None), &Endpoint::Unix(Some(path))));
        converse(py, &runtime, listener, client);
        folder.call_method0("cleanup").unwrap();
    });
}
