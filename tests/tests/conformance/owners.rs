//! Executors that somebody else owns: shutting the runtime down lets go of them, and no more.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use crossawait_core::pyo3::prelude::*;
use crossawait_core::{Executor, Runtime};
use crossawait_smol::Smol;
use crossawait_tests::embedded::{attached, awaited, class_of};
use crossawait_tests::gate::Gate;
use crossawait_tests::probe::Probe;
use crossawait_tokio::Tokio;

use crate::subject::{smol_owner, tokio_owner};

const PATIENCE: Duration = Duration::from_secs(60);

/// Shuts the runtime down: it takes no more, whoever waits is told, and what nobody waits for goes on on its owner's
/// threads.
fn lets_go(py: Python<'_>, adopted: impl Executor) {
    let runtime = Runtime::new(adopted);
    let (awaited_one, detached, gate) = (Probe::new(), Probe::new(), Gate::new());
    let pending = awaited_one.watch(std::future::pending::<PyResult<()>>());
    let awaitable = runtime.future_into_py(py, pending).unwrap();
    runtime.future_into_py(py, detached.watch(gate.clone())).unwrap().call_method0("detach").unwrap();
    py.detach(|| (awaited_one.wait_polled(1), detached.wait_polled(1)));
    runtime.shutdown(py, PATIENCE).unwrap();

    let refused = runtime.future_into_py(py, async { Ok::<_, PyErr>(()) }).unwrap_err();
    assert_eq!(class_of(py, &refused), "RuntimeClosedError");
    assert_eq!(class_of(py, &awaited(&awaitable).unwrap_err()), "RuntimeClosedError");
    assert_eq!(py.detach(|| awaited_one.wait_dropped()).drops.len(), 1);

    gate.open(Ok::<_, PyErr>(12));
    let seen = py.detach(|| detached.wait_dropped());
    assert_eq!((seen.polls.len(), seen.wakes), (2, 1));
}

#[test]
fn tokio_goes_on_after_shutdown() {
    let owner = tokio_owner();
    attached(|py| lets_go(py, Tokio::from_handle(owner.handle().clone())));
    assert_eq!(owner.block_on(async { tokio::spawn(async { 13 }).await }).unwrap(), 13);
}

#[test]
fn smol_goes_on_after_shutdown() {
    let owner = smol_owner();
    attached(|py| lets_go(py, Smol::from_executor(owner.clone())));
    assert_eq!(smol::block_on(owner.spawn(async { 13 })), 13);
}

#[test]
fn tasks_settle_when_the_owner_of_tokio_shuts_it_down() {
    let owner = tokio_owner();
    attached(|py| {
        let runtime = Runtime::new(Tokio::from_handle(owner.handle().clone()));
        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, probe.watch(std::future::pending::<PyResult<()>>())).unwrap();
        py.detach(|| probe.wait_polled(1));
        py.detach(|| owner.shutdown_timeout(PATIENCE));
        assert_eq!(class_of(py, &awaited(&awaitable).unwrap_err()), "RuntimeClosedError");
        // The runtime does not know that its executor has gone; a task finds out.
        let late = runtime.future_into_py(py, async { Ok::<_, PyErr>(()) }).unwrap();
        assert_eq!(class_of(py, &awaited(&late).unwrap_err()), "RuntimeClosedError");
    });
}

#[test]
fn tasks_settle_when_the_owner_of_smol_drops_it() {
    attached(|py| {
        let owner = Arc::new(smol::Executor::new());
        let runtime = Runtime::new(Smol::from_executor(owner.clone()));
        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, probe.watch(std::future::pending::<PyResult<()>>())).unwrap();
        // Let go of first: the owner's is the last reference then.
        runtime.shutdown(py, PATIENCE).unwrap();
        drop(owner);
        assert_eq!(probe.seen().drops.len(), 1);
        assert_eq!(class_of(py, &awaited(&awaitable).unwrap_err()), "RuntimeClosedError");
    });
}

#[test]
fn tokio_finds_its_context_at_an_inline_poll() {
    let owner = tokio_owner();
    attached(|py| {
        let runtime = Runtime::new(Tokio::from_handle(owner.handle().clone()));
        let future = async {
            // Panics outside a runtime's context.
            let handle = tokio::runtime::Handle::current();
            Ok::<_, PyErr>(handle.metrics().num_workers())
        };
        let awaitable = runtime.builder().poll_first().future_into_py(py, future).unwrap();
        assert_eq!(runtime.metrics().tasks_spawned, 0);
        assert_eq!(awaited(&awaitable).unwrap().extract::<usize>().unwrap(), 1);
        assert!(tokio::runtime::Handle::try_current().is_err());
    });
}

#[test]
fn an_adopted_single_thread_runtime_works_while_its_owner_runs_it() {
    let (send, receive) = channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let owner = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        send.send(runtime.handle().clone()).unwrap();
        runtime.block_on(stopped).unwrap();
    });
    attached(|py| {
        let runtime = Runtime::new(Tokio::from_handle(receive.recv().unwrap()));
        let sleep = runtime.executor().timers().unwrap().sleep(Duration::from_millis(1));
        let future = async move {
            sleep.await;
            Ok::<_, PyErr>(14)
        };
        assert_eq!(awaited(&runtime.future_into_py(py, future).unwrap()).unwrap().extract::<i64>().unwrap(), 14);
    });
    stop.send(()).unwrap();
    owner.join().unwrap();
}
