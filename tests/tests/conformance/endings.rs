//! Shutting down: what is unfinished settles, and nothing new is taken.

use std::sync::Mutex;
use std::time::Duration;

use crossawait_core::Runtime;
use crossawait_core::pyo3::prelude::*;
use crossawait_core::pyo3::types::PyTuple;
use crossawait_tests::embedded::{attached, awaited, callable, class_of, run};
use crossawait_tests::gate::Gate;
use crossawait_tests::probe::Probe;

use crate::subject::Subject;

const PATIENCE: Duration = Duration::from_secs(60);

fn pending(probe: &Probe) -> impl Future<Output = Result<(), PyErr>> + Send + 'static {
    probe.watch(std::future::pending())
}

/// A Python function that shuts the runtime down.
fn shutdown<'py>(py: Python<'py>, runtime: &Runtime) -> Bound<'py, PyAny> {
    let runtime = runtime.clone();
    let shutdown = move |arguments: &Bound<'_, PyTuple>| {
        runtime.shutdown(arguments.py(), PATIENCE)?;
        Ok(arguments.py().None())
    };
    callable(py, shutdown).into_any()
}

pub(crate) fn shutdown_settles_what_waits(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, pending(&probe)).unwrap();
        let code = c"
import asyncio

async def wait_for(awaitable):
    await awaitable

async def main(awaitable, shutdown):
    task = asyncio.create_task(wait_for(awaitable))
    await asyncio.sleep(0)
    shutdown()
    await task
";
        let error = run(py, code, (awaitable, shutdown(py, &runtime))).unwrap_err();
        assert_eq!(class_of(py, &error), "RuntimeClosedError");
        assert_eq!(py.detach(|| probe.wait_dropped()).drops.len(), 1);
        assert_eq!(runtime.metrics().tasks_pending(), 0);
    });
}

pub(crate) fn shutdown_settles_before_it_is_awaited(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, pending(&probe)).unwrap();
        py.detach(|| probe.wait_polled(1));
        runtime.shutdown(py, PATIENCE).unwrap();
        assert_eq!(class_of(py, &awaited(&awaitable).unwrap_err()), "RuntimeClosedError");
        // Closed, not cancelled.
        assert!(!awaitable.call_method0("cancelled").unwrap().is_truthy().unwrap());
    });
}

pub(crate) fn shutdown_is_idempotent(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let awaitable = runtime.future_into_py(py, async { Ok::<_, PyErr>(1) }).unwrap();
        awaited(&awaitable).unwrap();
        assert!(!runtime.is_closed());
        for _ in 0..3 {
            runtime.shutdown(py, PATIENCE).unwrap();
            assert!(runtime.is_closed());
        }
    });
}

pub(crate) fn shutdown_from_a_task(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let weak = runtime.downgrade();
        let future = async move {
            let runtime = weak.upgrade().expect("it is held outside");
            // User code may attach.
            attached(|py| runtime.shutdown(py, PATIENCE))
        };
        let error = awaited(&runtime.future_into_py(py, future).unwrap()).unwrap_err();
        assert_eq!(class_of(py, &error), "RuntimeError");
        assert!(!runtime.is_closed());
        let awaitable = runtime.future_into_py(py, async { Ok::<_, PyErr>(2) }).unwrap();
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 2);
    });
}

pub(crate) fn shutdown_from_a_blocking_call(subject: &Subject) {
    if !subject.complete {
        return;
    }
    attached(|py| {
        let runtime = subject.runtime();
        let function = shutdown(py, &runtime);
        let call = runtime.call_blocking(&function, &PyTuple::empty(py)).unwrap();
        assert_eq!(class_of(py, &awaited(&call).unwrap_err()), "RuntimeError");
        assert!(!runtime.is_closed());
    });
}

pub(crate) fn spawn_after_shutdown(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        runtime.shutdown(py, PATIENCE).unwrap();
        let probe = Probe::new();
        let refusals = [
            runtime.future_into_py(py, pending(&probe)).unwrap_err(),
            runtime.coroutine_into_py(py, pending(&probe)).unwrap_err(),
            runtime.builder().lazy().future_into_py(py, pending(&probe)).unwrap_err(),
            runtime.call_blocking(&py.get_type::<PyTuple>(), &PyTuple::empty(py)).unwrap_err(),
        ];
        assert!(refusals.iter().all(|error| class_of(py, error) == "RuntimeClosedError"));
        assert_eq!(probe.seen().drops.len(), 3);
        assert_eq!(runtime.metrics().tasks_spawned, 0);
    });
}

pub(crate) fn coroutine_after_shutdown(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let coroutine = runtime.coroutine_into_py(py, pending(&probe)).unwrap();
        let lazy = runtime.builder().lazy().future_into_py(py, pending(&probe)).unwrap();
        runtime.shutdown(py, PATIENCE).unwrap();
        assert_eq!(class_of(py, &awaited(&coroutine).unwrap_err()), "RuntimeClosedError");
        assert_eq!(class_of(py, &awaited(&lazy).unwrap_err()), "RuntimeClosedError");
        assert_eq!((probe.seen().polls.len(), probe.seen().drops.len()), (0, 2));
    });
}

pub(crate) fn an_awaitable_keeps_its_runtime_open(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let (probe, gate) = (Probe::new(), Gate::new());
        let awaitable = runtime.future_into_py(py, probe.watch(gate.clone())).unwrap();
        let coroutine = runtime.builder().spawn().coroutine_into_py(py, async { Ok::<_, PyErr>(5) }).unwrap();
        py.detach(|| probe.wait_polled(1));
        drop(runtime);
        assert_eq!(awaited(&coroutine).unwrap().extract::<i64>().unwrap(), 5);
        gate.open(Ok::<_, PyErr>(6));
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 6);
    });
}

pub(crate) fn a_detached_future_ends_with_its_runtime(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, pending(&probe)).unwrap();
        awaitable.call_method0("detach").unwrap();
        py.detach(|| probe.wait_polled(1));
        drop(awaitable);
        assert_eq!(probe.seen().drops.len(), 0);
        drop(runtime);
        assert_eq!(py.detach(|| probe.wait_dropped()).drops.len(), 1);
    });
}

pub(crate) fn last_handle_dropped_in_a_task(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let (probe, gate) = (Probe::new(), Gate::new());
        let (inner, last) = (gate.clone(), Mutex::new(Some(runtime.clone())));
        let future = probe.watch(async move {
            inner.await?;
            let last = last.lock().unwrap().take();
            drop(last);
            Ok::<_, PyErr>(4)
        });
        let awaitable = runtime.future_into_py(py, future).unwrap();
        py.detach(|| probe.wait_polled(1));
        drop(runtime);
        gate.open(Ok::<_, PyErr>(()));
        // The task may be taken down with its runtime, or come to its end; it neither panics nor hangs.
        match awaited(&awaitable) {
            Ok(value) => assert_eq!(value.extract::<i64>().unwrap(), 4),
            Err(error) => assert_eq!(class_of(py, &error), "RuntimeClosedError"),
        }
        assert_eq!(py.detach(|| probe.wait_dropped()).drops.len(), 1);
    });
}
