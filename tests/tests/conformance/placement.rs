//! Where a future is polled first, and when.

use std::thread;

use crossawait_core::pyo3::exceptions::PyStopIteration;
use crossawait_core::pyo3::prelude::*;
use crossawait_tests::embedded::{attached, awaited};
use crossawait_tests::gate::Gate;
use crossawait_tests::probe::{Probe, Seen};

use crate::subject::Subject;

/// For each poll, whether it was on this thread.
fn polled_here(seen: &Seen) -> Vec<bool> {
    let here = thread::current().id();
    // On this thread means attached, and on the runtime's means not.
    assert!(seen.polls.iter().all(|place| place.attached == (place.thread == here)));
    seen.polls.iter().map(|place| place.thread == here).collect()
}

fn ready(probe: &Probe) -> impl Future<Output = Result<i64, PyErr>> + Send + 'static {
    probe.watch(async { Ok(8) })
}

pub(crate) fn spawned_at_once(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let awaitable = runtime.builder().spawn().future_into_py(py, ready(&probe)).unwrap();
        // Nobody awaits it.
        py.detach(|| probe.wait_dropped());
        assert_eq!(polled_here(&probe.seen()), [false]);
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 8);
    });
}

pub(crate) fn polled_first_and_ready(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let awaitable = runtime.builder().poll_first().future_into_py(py, ready(&probe)).unwrap();
        let seen = probe.seen();
        assert_eq!((polled_here(&seen), seen.drops.len()), (vec![true], 1));
        assert_eq!(runtime.metrics().tasks_spawned, 0);
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 8);
    });
}

pub(crate) fn polled_first_and_pending(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let (probe, gate) = (Probe::new(), Gate::new());
        let future = probe.watch(gate.clone());
        let awaitable = runtime.builder().poll_first().future_into_py(py, future).unwrap();
        // It goes to the runtime by itself, without a wake.
        let seen = py.detach(|| probe.wait_polled(2));
        assert_eq!((polled_here(&seen), seen.wakes), (vec![true, false], 0));
        assert_eq!(runtime.metrics().tasks_spawned, 1);
        gate.open(Ok::<_, PyErr>(8));
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 8);
    });
}

pub(crate) fn lazy_until_awaited(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let awaitable = runtime.builder().lazy().future_into_py(py, ready(&probe)).unwrap();
        assert_eq!(runtime.metrics().tasks_spawned, 0);
        assert!(!awaitable.call_method0("done").unwrap().is_truthy().unwrap());
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 8);
        assert_eq!(polled_here(&probe.seen()), [false]);
        assert_eq!(runtime.metrics().tasks_spawned, 1);
    });
}

pub(crate) fn lazy_until_waited_for(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let awaitable = runtime.builder().lazy().future_into_py(py, ready(&probe)).unwrap();
        assert_eq!(probe.seen().polls.len(), 0);
        assert_eq!(awaitable.call_method1("wait", (60,)).unwrap().extract::<i64>().unwrap(), 8);
        assert_eq!(polled_here(&probe.seen()), [false]);
    });
}

pub(crate) fn lazy_and_dropped(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        drop(runtime.builder().lazy().future_into_py(py, ready(&probe)).unwrap());
        let seen = probe.seen();
        assert_eq!((seen.polls.len(), seen.drops.len()), (0, 1));
        assert_eq!(runtime.metrics().tasks_spawned, 0);
    });
}

pub(crate) fn coroutine_polls_first(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let coroutine = runtime.coroutine_into_py(py, ready(&probe)).unwrap();
        assert_eq!(probe.seen().polls.len(), 0);
        let stop = coroutine.call_method1("send", (py.None(),)).unwrap_err();
        assert!(stop.is_instance_of::<PyStopIteration>(py));
        assert_eq!(stop.value(py).getattr("value").unwrap().extract::<i64>().unwrap(), 8);
        assert_eq!(polled_here(&probe.seen()), [true]);
        assert_eq!(runtime.metrics().tasks_spawned, 0);
    });
}

pub(crate) fn coroutine_spawned(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let coroutine = runtime.builder().spawn().coroutine_into_py(py, ready(&probe)).unwrap();
        assert_eq!((probe.seen().polls.len(), runtime.metrics().tasks_spawned), (0, 0));
        assert_eq!(awaited(&coroutine).unwrap().extract::<i64>().unwrap(), 8);
        assert_eq!(polled_here(&probe.seen()), [false]);
        assert_eq!(runtime.metrics().tasks_spawned, 1);
    });
}
