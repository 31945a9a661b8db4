//! Cancelling from Python: settled at once, and the future dropped once, on the runtime.

use std::sync::mpsc::channel;
use std::thread;

use crossawait_core::pyo3::exceptions::PyValueError;
use crossawait_core::pyo3::prelude::*;
use crossawait_tests::embedded::{attached, awaited, class_of, run};
use crossawait_tests::gate::Gate;
use crossawait_tests::probe::{Probe, Seen};

use crate::subject::Subject;

fn truth(object: &Bound<'_, PyAny>, method: &str) -> bool {
    object.call_method0(method).unwrap().is_truthy().unwrap()
}

/// A future that is pending for ever, and its record.
fn pending(probe: &Probe) -> impl Future<Output = Result<i64, PyErr>> + Send + 'static {
    probe.watch(std::future::pending())
}

/// Dropped once, elsewhere, by a thread that is not attached.
fn assert_dropped_on_the_runtime(seen: &Seen) {
    assert_eq!(seen.drops.len(), 1);
    assert_ne!(seen.drops[0].thread, thread::current().id());
    assert!(!seen.drops[0].attached);
}

pub(crate) fn before_the_first_poll(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let occupied = subject.occupy(py, &runtime);
        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, pending(&probe)).unwrap();
        assert!(truth(&awaitable, "cancel"));
        assert!(truth(&awaitable, "cancelled"));
        drop(occupied);
        let seen = py.detach(|| probe.wait_dropped());
        assert_eq!(seen.polls.len(), 0);
        assert_dropped_on_the_runtime(&seen);
        assert_eq!(class_of(py, &awaited(&awaitable).unwrap_err()), "CancelledError");
    });
}

pub(crate) fn while_pending(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, pending(&probe)).unwrap();
        py.detach(|| probe.wait_polled(1));
        assert!(truth(&awaitable, "cancel"));
        assert!(truth(&awaitable, "done"));
        assert!(!truth(&awaitable, "cancel"));
        let seen = py.detach(|| probe.wait_dropped());
        assert_eq!(seen.polls.len(), 1);
        assert_dropped_on_the_runtime(&seen);
        assert_eq!(class_of(py, &awaited(&awaitable).unwrap_err()), "CancelledError");
    });
}

pub(crate) fn after_completion(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let awaitable = runtime.future_into_py(py, async { Ok::<_, PyErr>(5) }).unwrap();
        awaitable.call_method1("wait", (60,)).unwrap();
        assert!(!truth(&awaitable, "cancel"));
        assert!(!truth(&awaitable, "cancelled"));
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 5);
    });
}

pub(crate) fn raced_against_completion(subject: &Subject) {
    const ROUNDS: usize = 500;
    attached(|py| {
        let runtime = subject.runtime();
        let (open, gates) = channel::<Gate<Result<i64, PyErr>>>();
        let opener = thread::spawn(move || gates.iter().for_each(|gate| gate.open(Ok(6))));
        for _ in 0..ROUNDS {
            let (probe, gate) = (Probe::new(), Gate::new());
            let awaitable = runtime.future_into_py(py, probe.watch(gate.clone())).unwrap();
            open.send(gate).unwrap();
            let cancelled = truth(&awaitable, "cancel");
            match awaitable.call_method1("wait", (60,)) {
                Ok(value) => assert!(!cancelled && value.extract::<i64>().unwrap() == 6),
                Err(error) => assert!(cancelled && class_of(py, &error) == "CancelledError"),
            }
            assert_eq!(truth(&awaitable, "cancelled"), cancelled);
            let seen = py.detach(|| probe.wait_dropped());
            assert_eq!(seen.drops.len(), 1);
        }
        drop(open);
        py.detach(|| opener.join()).unwrap();
        // Settling twice would count twice.
        let metrics = runtime.metrics();
        assert_eq!((metrics.tasks_spawned, metrics.tasks_settled), (ROUNDS as u64, ROUNDS as u64));
    });
}

pub(crate) fn by_closing(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let coroutine = runtime.coroutine_into_py(py, pending(&probe)).unwrap();
        coroutine.call_method1("send", (py.None(),)).unwrap();
        // Inline, then by a worker.
        py.detach(|| probe.wait_polled(2));
        coroutine.call_method0("close").unwrap();
        assert_dropped_on_the_runtime(&py.detach(|| probe.wait_dropped()));
    });
}

pub(crate) fn by_throwing(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let coroutine = runtime.coroutine_into_py(py, pending(&probe)).unwrap();
        coroutine.call_method1("send", (py.None(),)).unwrap();
        py.detach(|| probe.wait_polled(2));
        let thrown = PyValueError::new_err("thrown").into_value(py);
        let raised = coroutine.call_method1("throw", (&thrown,)).unwrap_err();
        assert!(raised.value(py).is(&thrown));
        assert_dropped_on_the_runtime(&py.detach(|| probe.wait_dropped()));
    });
}

pub(crate) fn by_dropping_the_last_reference(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, pending(&probe)).unwrap();
        py.detach(|| probe.wait_polled(1));
        drop(awaitable);
        assert_dropped_on_the_runtime(&py.detach(|| probe.wait_dropped()));
    });
}

pub(crate) fn not_when_detached(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let (probe, gate) = (Probe::new(), Gate::new());
        let awaitable = runtime.future_into_py(py, probe.watch(gate.clone())).unwrap();
        let same = awaitable.call_method0("detach").unwrap();
        assert!(same.is(&awaitable));
        py.detach(|| probe.wait_polled(1));
        drop((same, awaitable));
        gate.open(Ok::<_, PyErr>(()));
        let seen = py.detach(|| probe.wait_dropped());
        // Polled to its end, not just dropped.
        assert_eq!((seen.polls.len(), seen.wakes), (2, 1));
    });
}

pub(crate) fn not_when_awaited_once(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let (probe, gate) = (Probe::new(), Gate::new());
        let awaitable = runtime.future_into_py(py, probe.watch(gate.clone())).unwrap();
        py.detach(|| probe.wait_polled(1));
        // What `shield` does: the outer future goes, the inner one has had a callback and goes on.
        let code = c"
import asyncio

async def main(awaitable):
    outer = asyncio.shield(awaitable)
    outer.cancel()
    await asyncio.wait([outer])
";
        run(py, code, (awaitable,)).unwrap();
        gate.open(Ok::<_, PyErr>(()));
        let seen = py.detach(|| probe.wait_dropped());
        assert_eq!((seen.polls.len(), seen.wakes), (2, 1));
    });
}
