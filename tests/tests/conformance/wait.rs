//! Blocking on an awaitable, where no event loop runs.

use std::thread;

use crossawait_core::pyo3::exceptions::{PyTimeoutError, PyValueError};
use crossawait_core::pyo3::prelude::*;
use crossawait_tests::embedded::{attached, class_of};
use crossawait_tests::gate::Gate;
use crossawait_tests::probe::Probe;

use crate::subject::Subject;

pub(crate) fn wait_for_value(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let (probe, gate) = (Probe::new(), Gate::new());
        let awaitable = runtime.future_into_py(py, probe.watch(gate.clone())).unwrap();
        thread::spawn(move || {
            probe.wait_polled(1);
            gate.open(Ok::<_, PyErr>(9));
        });
        // Without a limit: it is told.
        assert_eq!(awaitable.call_method0("wait").unwrap().extract::<i64>().unwrap(), 9);
        assert_eq!(awaitable.call_method1("wait", (0,)).unwrap().extract::<i64>().unwrap(), 9);
    });
}

pub(crate) fn wait_for_error(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let future = async { Err::<(), _>(PyValueError::new_err("no")) };
        let awaitable = runtime.future_into_py(py, future).unwrap();
        assert!(awaitable.call_method0("wait").unwrap_err().is_instance_of::<PyValueError>(py));
    });
}

pub(crate) fn wait_times_out(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let gate = Gate::new();
        let awaitable = runtime.future_into_py(py, gate.clone()).unwrap();
        let error = awaitable.call_method1("wait", (0.01,)).unwrap_err();
        assert!(error.is_instance_of::<PyTimeoutError>(py));
        // The future goes on.
        gate.open(Ok::<_, PyErr>(10));
        assert_eq!(awaitable.call_method1("wait", (60,)).unwrap().extract::<i64>().unwrap(), 10);
    });
}

pub(crate) fn wait_cancelled(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let probe = Probe::new();
        let future = probe.watch(std::future::pending::<Result<(), PyErr>>());
        let awaitable = runtime.future_into_py(py, future).unwrap();
        let cancelled = awaitable.clone().unbind();
        let canceller = thread::spawn(move || {
            probe.wait_polled(1);
            attached(|py| cancelled.call_method0(py, "cancel").map(drop)).unwrap();
        });
        let error = awaitable.call_method0("wait").unwrap_err();
        assert_eq!(class_of(py, &error), "CancelledError");
        py.detach(|| canceller.join()).unwrap();
    });
}

pub(crate) fn wait_in_several_threads(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let gate = Gate::new();
        let awaitable = runtime.future_into_py(py, gate.clone()).unwrap();
        let waiters = [(); 4].map(|()| {
            let awaitable = awaitable.clone().unbind();
            thread::spawn(move || {
                attached(|py| awaitable.call_method0(py, "wait").unwrap().extract::<i64>(py).unwrap())
            })
        });
        gate.open(Ok::<_, PyErr>(11));
        for waiter in waiters {
            assert_eq!(py.detach(|| waiter.join()).unwrap(), 11);
        }
    });
}
