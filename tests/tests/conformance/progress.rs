//! How futures get on: polls, wakes and drops, counted.

use std::thread;

use crossawait_core::pyo3::prelude::*;
use crossawait_core::pyo3::types::PyList;
use crossawait_tests::embedded::{attached, awaited, callable, run};
use crossawait_tests::gate::{Gate, yields};
use crossawait_tests::probe::Probe;

use crate::subject::Subject;

pub(crate) fn ready_at_first_poll(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, probe.watch(async { Ok::<_, PyErr>(1) })).unwrap();
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 1);
        let seen = probe.seen();
        assert_eq!((seen.polls.len(), seen.drops.len(), seen.wakes), (1, 1, 0));
    });
}

pub(crate) fn woken_from_another_thread(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let (probe, gate) = (Probe::new(), Gate::new());
        let awaitable = runtime.future_into_py(py, probe.watch(gate.clone())).unwrap();
        py.detach(|| probe.wait_polled(1));
        thread::spawn(move || gate.open(Ok::<_, PyErr>(2)));
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 2);
        let seen = probe.seen();
        assert_eq!((seen.polls.len(), seen.drops.len(), seen.wakes), (2, 1, 1));
    });
}

pub(crate) fn several_yields(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let future = probe.watch(async {
            yields(9).await;
            Ok::<_, PyErr>(3)
        });
        let awaitable = runtime.future_into_py(py, future).unwrap();
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 3);
        let seen = probe.seen();
        assert_eq!((seen.polls.len(), seen.drops.len(), seen.wakes), (10, 1, 9));
    });
}

pub(crate) fn woken_by_its_own_poll(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let (probe, gate) = (Probe::new(), Gate::new());
        let inner = gate.clone();
        let future = probe.watch(async move {
            // Woken once by its own poll, and pending for another reason after that.
            yields(1).await;
            inner.await
        });
        let awaitable = runtime.future_into_py(py, future).unwrap();
        py.detach(|| probe.wait_polled(2));
        gate.open(Ok::<_, PyErr>(4));
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 4);
        assert_eq!(probe.seen().wakes, 2);
    });
}

pub(crate) fn dropped_before_anybody_is_told(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        for _ in 0..50 {
            let (probe, gate) = (Probe::new(), Gate::new());
            let awaitable = runtime.future_into_py(py, probe.watch(gate.clone())).unwrap();
            gate.open(Ok::<_, PyErr>(()));
            while !awaitable.call_method0("done").unwrap().is_truthy().unwrap() {
                py.detach(thread::yield_now);
            }
            assert_eq!(probe.seen().drops.len(), 1);
            assert_ne!(probe.seen().drops[0].thread, thread::current().id());
        }
    });
}

pub(crate) fn many_at_once(subject: &Subject) {
    const MANY: usize = 1_000;
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let (spawner, watched) = (runtime.clone(), probe.clone());
        let make = callable(py, move |arguments| {
            let py = arguments.py();
            let awaitables = (0..MANY).map(|number| {
                let future = watched.watch(async move {
                    yields(number % 3).await;
                    Ok::<_, PyErr>(number)
                });
                spawner.future_into_py(py, future)
            });
            Ok(PyList::new(py, awaitables.collect::<PyResult<Vec<_>>>()?)?.into_any().unbind())
        });
        let code = c"
import asyncio

async def main(make):
    return await asyncio.gather(*make())
";
        let results: Vec<usize> = run(py, code, (make,)).unwrap().extract().unwrap();
        assert_eq!(results, (0..MANY).collect::<Vec<_>>());
        assert_eq!(probe.seen().drops.len(), MANY);
        let metrics = runtime.metrics();
        assert_eq!((metrics.tasks_spawned, metrics.tasks_settled), (MANY as u64, MANY as u64));
    });
}
