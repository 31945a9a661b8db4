//! Executors that refuse or lose work: whoever waits for it hears of that.

use std::sync::{Arc, Mutex};

use crossawait_core::pyo3::prelude::*;
use crossawait_core::pyo3::types::{PyDict, PyTuple};
use crossawait_core::{Executor, Runtime, Task};
use crossawait_tests::embedded::{attached, awaited, callable, class_of, run};
use crossawait_tests::losing::{Dropping, Rejecting};
use crossawait_tests::probe::Probe;

fn settles_as_closed(executor: impl Executor) {
    attached(|py| {
        let runtime = Runtime::new(executor);
        let probe = Probe::new();
        let future = || probe.watch(std::future::pending::<PyResult<()>>());
        let lost = [
            runtime.future_into_py(py, future()).unwrap().into_any(),
            runtime.builder().poll_first().future_into_py(py, future()).unwrap().into_any(),
            runtime.builder().lazy().future_into_py(py, future()).unwrap().into_any(),
            runtime.coroutine_into_py(py, future()).unwrap().into_any(),
            runtime.builder().spawn().coroutine_into_py(py, future()).unwrap().into_any(),
            runtime.call_blocking(&py.get_type::<PyDict>(), &PyTuple::empty(py)).unwrap().into_any(),
        ];
        for awaitable in lost {
            assert_eq!(class_of(py, &awaited(&awaitable).unwrap_err()), "RuntimeClosedError");
        }
        let seen = py.detach(|| probe.wait_until("dropped five times", |seen| seen.drops.len() == 5));
        // The two that poll first were polled here, and then went the way of the others.
        assert_eq!(seen.polls.len(), 2);
        let metrics = runtime.metrics();
        assert_eq!((metrics.tasks_spawned, metrics.tasks_settled), (5, 5));
    });
}

#[test]
fn rejected_work_settles() {
    settles_as_closed(Rejecting);
}

#[test]
fn dropped_work_settles() {
    settles_as_closed(Dropping);
}

/// Keeps tasks without running them.
struct Keeping(Arc<Mutex<Vec<Task>>>);

impl Executor for Keeping {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        self.0.lock().unwrap().push(task);
        Ok(())
    }
}

#[test]
fn tasks_are_dropped_where_the_executor_drops_them_and_settle_then() {
    let tasks = Arc::new(Mutex::new(Vec::new()));
    attached(|py| {
        let runtime = Runtime::new(Keeping(tasks.clone()));
        let probe = Probe::new();
        let future = probe.watch(std::future::pending::<PyResult<()>>());
        let awaitable = runtime.future_into_py(py, future).unwrap();
        let done = |awaitable: &Bound<'_, PyAny>| awaitable.call_method0("done").unwrap().is_truthy().unwrap();
        assert!(!done(&awaitable));
        tasks.lock().unwrap().clear();
        assert!(done(&awaitable));
        assert_eq!((probe.seen().polls.len(), probe.seen().drops.len()), (0, 1));
    });
}

#[test]
fn a_cancelled_task_that_the_executor_keeps_stays_cancelled() {
    let tasks = Arc::new(Mutex::new(Vec::new()));
    attached(|py| {
        let runtime = Runtime::new(Keeping(tasks.clone()));
        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, probe.watch(std::future::pending::<PyResult<()>>())).unwrap();
        assert!(awaitable.call_method0("cancel").unwrap().is_truthy().unwrap());
        // The executor has not looked yet: the future is still there, the waiters are not kept waiting.
        assert_eq!(class_of(py, &awaited(&awaitable).unwrap_err()), "CancelledError");
        assert_eq!(probe.seen().drops.len(), 0);
        tasks.lock().unwrap().clear();
        assert_eq!(probe.seen().drops.len(), 1);
        assert!(awaitable.call_method0("cancelled").unwrap().is_truthy().unwrap());
        assert_eq!(runtime.metrics().tasks_settled, 1);
    });
}

/// Rule 7: what a lost blocking call has captured is Python's, and goes where Python runs.
#[test]
fn python_objects_of_a_lost_call_are_dropped_on_the_thread_of_the_loop() {
    let code = c"
import asyncio
import threading

class Function:
    def __init__(self, gone):
        self.gone = gone
        self.call_soon_threadsafe = asyncio.get_running_loop().call_soon_threadsafe

    def __call__(self):
        raise AssertionError('it is never called')

    def __del__(self):
        self.call_soon_threadsafe(self.gone.set_result, threading.get_ident())

async def main(call):
    gone = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(call(Function(gone)))
    await asyncio.wait([task])
    assert type(task.exception()).__name__ == 'RuntimeClosedError'
    assert await gone == threading.get_ident()
";
    attached(|py| {
        let runtime = Runtime::new(Dropping);
        let call = callable(py, move |arguments| {
            let function = arguments.get_item(0)?;
            Ok(runtime.call_blocking(&function, &PyTuple::empty(arguments.py()))?.into_any().unbind())
        });
        run(py, code, (call,)).unwrap();
    });
}
