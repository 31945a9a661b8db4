//! What the metrics say of wakes. Alone in its process: event loops are counted for all of it.

use std::sync::{Mutex, PoisonError};

use crossawait_core::pyo3::prelude::*;
use crossawait_core::pyo3::types::{PyList, PyTuple};
use crossawait_core::{LoopMetrics, Runtime};
use crossawait_tests::custom::Custom;
use crossawait_tests::embedded::{attached, callable, run};
use crossawait_tests::gate::Gate;
use crossawait_tests::probe::Probe;

/// One test at a time: `cargo test` runs them in one process.
static ALONE: Mutex<()> = Mutex::new(());

fn runtime() -> Runtime {
    Runtime::new(Custom::new(2, "custom"))
}

/// What happened to event loops during `body`.
fn during(runtime: &Runtime, body: impl FnOnce()) -> LoopMetrics {
    let before = runtime.metrics().event_loops;
    body();
    let mut difference = runtime.metrics().event_loops;
    difference.wakes -= before.wakes;
    difference.batches -= before.batches;
    difference.completions -= before.completions;
    difference
}

fn ready(probe: &Probe) -> impl Future<Output = Result<i64, PyErr>> + Send + 'static {
    probe.watch(async { Ok(1) })
}

#[test]
fn tasks_are_counted_where_they_are_spawned_and_where_they_settle() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    attached(|py| {
        let runtime = runtime();
        assert_eq!(runtime.metrics().worker_threads, 2);
        let gate = Gate::new();
        let counts = || {
            let metrics = runtime.metrics();
            (metrics.tasks_spawned, metrics.tasks_settled, metrics.tasks_pending())
        };
        let awaitable = runtime.future_into_py(py, gate.clone()).unwrap();
        let inline = runtime.builder().poll_first().future_into_py(py, ready(&Probe::new())).unwrap();
        let unstarted = runtime.builder().lazy().future_into_py(py, ready(&Probe::new())).unwrap();
        assert_eq!(counts(), (1, 0, 1));
        gate.open(Ok::<_, PyErr>(()));
        awaitable.call_method1("wait", (60,)).unwrap();
        assert_eq!(counts(), (1, 1, 0));
        unstarted.call_method0("cancel").unwrap();
        assert_eq!(counts(), (1, 1, 0));
        drop(inline);
    });
}

/// Rule 3.
#[test]
fn a_completion_that_nobody_waits_for_wakes_nobody() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    attached(|py| {
        let runtime = runtime();
        let (probe, spawner) = (Probe::new(), runtime.clone());
        let settled = probe.clone();
        let make = callable(py, move |arguments| {
            let py = arguments.py();
            let awaitable = spawner.future_into_py(py, ready(&probe))?;
            while !awaitable.call_method0("done")?.is_truthy()? {
                py.detach(std::thread::yield_now);
            }
            Ok(awaitable.into_any().unbind())
        });
        let code = c"
async def main(make):
    awaitables = [make() for _ in range(100)]
    return sum([await awaitable for awaitable in awaitables])
";
        let counted = during(&runtime, || {
            assert_eq!(run(py, code, (make,)).unwrap().extract::<i64>().unwrap(), 100);
        });
        assert_eq!(settled.seen().drops.len(), 100);
        assert_eq!((counted.wakes, counted.batches, counted.completions), (0, 0, 0));
    });
}

/// Rule 2.
#[test]
fn completions_that_come_together_wake_once() {
    const MANY: usize = 500;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    attached(|py| {
        let runtime = runtime();
        let gates: Vec<Gate<Result<i64, PyErr>>> = (0..MANY).map(|_| Gate::new()).collect();
        let futures: Vec<_> =
            gates.iter().map(|gate| runtime.future_into_py(py, gate.clone()).unwrap().into_any()).collect();
        let opened = runtime.clone();
        let open = callable(py, move |arguments: &Bound<'_, PyTuple>| {
            gates.iter().for_each(|gate| gate.open(Ok(1)));
            // Not before all have settled does the loop get to drain.
            while opened.metrics().tasks_pending() > 0 {
                arguments.py().detach(std::thread::yield_now);
            }
            Ok(arguments.py().None())
        });
        let code = c"
import asyncio

async def main(futures, open):
    gathered = asyncio.gather(*futures)
    open()
    return sum(await gathered)
";
        let counted = during(&runtime, || {
            let futures = PyList::new(py, futures).unwrap();
            assert_eq!(run(py, code, (futures, open)).unwrap().extract::<usize>().unwrap(), MANY);
        });
        // More than one of each only if a drain ran out of its time and woke the loop for the rest.
        assert_eq!(counted.wakes, counted.batches, "{counted:?}");
        assert_eq!(counted.completions, MANY as u64);
    });
}

#[test]
fn wakes_never_exceed_batches_by_more_than_one() {
    const ROUNDS: usize = 300;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    attached(|py| {
        let runtime = runtime();
        let spawner = runtime.clone();
        let make = callable(py, move |arguments| {
            let futures = (0..7).map(|_| spawner.future_into_py(arguments.py(), ready(&Probe::new())));
            let futures = PyList::new(arguments.py(), futures.collect::<PyResult<Vec<_>>>()?)?;
            Ok(futures.into_any().unbind())
        });
        let code = c"
import asyncio

async def main(make, rounds):
    for _ in range(rounds):
        await asyncio.gather(*make())
";
        let counted = during(&runtime, || {
            run(py, code, (make, ROUNDS)).unwrap();
        });
        assert!(counted.wakes <= counted.batches + 1, "{counted:?}");
        assert!(counted.completions <= 7 * ROUNDS as u64, "{counted:?}");
    });
}
