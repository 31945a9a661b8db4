//! Values, errors and panics, each of which reaches the awaiter.

use std::panic::panic_any;

use crossawait_core::Runtime;
use crossawait_core::pyo3::exceptions::{PyOSError, PyValueError};
use crossawait_core::pyo3::prelude::*;
use crossawait_tests::embedded::{attached, awaited, class_of};
use crossawait_tests::gate::Gate;
use crossawait_tests::probe::Probe;
use crossawait_tests::value::Value;

use crate::subject::Subject;

pub(crate) fn value(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let awaitable = runtime.future_into_py(py, async { Ok::<_, PyErr>(42) }).unwrap();
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 42);
    });
}

pub(crate) fn nothing(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let awaitable = runtime.future_into_py(py, async { Ok::<_, PyErr>(()) }).unwrap();
        assert!(awaited(&awaitable).unwrap().is_none());
    });
}

pub(crate) fn error(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let future = async { Err::<(), _>(PyValueError::new_err("no such luck")) };
        let awaitable = runtime.future_into_py(py, future).unwrap();
        let error = awaited(&awaitable).unwrap_err();
        assert!(error.is_instance_of::<PyValueError>(py));
        assert_eq!(error.value(py).to_string(), "no such luck");
        // The same object for whoever asks.
        assert!(awaitable.call_method0("exception").unwrap().is(error.value(py)));
    });
}

pub(crate) fn error_of_another_type(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let future = async { Err::<(), _>(std::io::Error::from_raw_os_error(2)) };
        let error = awaited(&runtime.future_into_py(py, future).unwrap()).unwrap_err();
        assert!(error.is_instance_of::<PyOSError>(py));
    });
}

/// Awaits what panics, more often than there are workers, and looks whether these have lived through it.
fn panics(subject: &Subject, message: &str, make: impl for<'py> Fn(Python<'py>, &Runtime) -> Bound<'py, PyAny>) {
    attached(|py| {
        let runtime = subject.runtime();
        for _ in 0..2 * subject.workers {
            let awaitable = make(py, &runtime);
            let error = awaited(&awaitable).unwrap_err();
            assert_eq!(class_of(py, &error), "RustPanic");
            let exception = error.value(py);
            assert_eq!(exception.getattr("message").unwrap().to_string(), message);
            let location = exception.getattr("location").unwrap().to_string();
            let [file, line, column] = location.split(':').collect::<Vec<_>>()[..] else {
                panic!("the location is {location:?}");
            };
            assert!(file.ends_with(".rs") && line.parse::<u32>().unwrap() > 0 && column.parse::<u32>().unwrap() > 0);
            assert!(awaitable.call_method0("exception").unwrap().is(exception));
        }
        drop(subject.occupy(py, &runtime));
    });
}

pub(crate) fn panic_in_poll(subject: &Subject) {
    panics(subject, "7 is not prime enough", |py, runtime| {
        let number = 7;
        let probe = Probe::new();
        let future =
            probe.watch(async move { if true { panic!("{number} is not prime enough") } else { Ok::<(), PyErr>(()) } });
        let awaitable = runtime.future_into_py(py, future).unwrap().into_any();
        let seen = py.detach(|| probe.wait_dropped());
        assert_eq!((seen.polls.len(), seen.drops.len()), (1, 1));
        awaitable
    });
}

/// Panics when it is dropped.
struct Sore;

impl Drop for Sore {
    fn drop(&mut self) {
        panic!("dropped, and sore about it");
    }
}

pub(crate) fn panic_in_drop(subject: &Subject) {
    panics(subject, "dropped, and sore about it", |py, runtime| {
        // A hand-written future: what an `async` block owns is dropped by its last poll.
        struct Owner(Sore);

        impl Future for Owner {
            type Output = Result<i64, PyErr>;

            fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
                std::task::Poll::Ready(Ok(1))
            }
        }

        runtime.future_into_py(py, Owner(Sore)).unwrap().into_any()
    });
}

pub(crate) fn panic_in_drop_after_cancel(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        for _ in 0..2 * subject.workers {
            let probe = Probe::new();
            let sore = Sore;
            let future = probe.watch(async move {
                let _sore = sore;
                std::future::pending::<()>().await;
                Ok::<_, PyErr>(())
            });
            let awaitable = runtime.future_into_py(py, future).unwrap();
            py.detach(|| probe.wait_polled(1));
            assert!(awaitable.call_method0("cancel").unwrap().is_truthy().unwrap());
            let seen = py.detach(|| probe.wait_dropped());
            assert_eq!(seen.drops.len(), 1);
            assert_eq!(class_of(py, &awaited(&awaitable).unwrap_err()), "CancelledError");
        }
        drop(subject.occupy(py, &runtime));
    });
}

pub(crate) fn panic_in_conversion(subject: &Subject) {
    panics(subject, "this value panics on its way to Python", |py, runtime| {
        runtime.future_into_py(py, async { Ok::<_, PyErr>(Value::Panics) }).unwrap().into_any()
    });
}

pub(crate) fn panic_with_a_strange_payload(subject: &Subject) {
    panics(subject, "panicked with a value that is not a string", |py, runtime| {
        // A payload whose own destructor panics.
        let future = async { if true { panic_any(Sore) } else { Ok::<(), PyErr>(()) } };
        runtime.future_into_py(py, future).unwrap().into_any()
    });
}

pub(crate) fn error_in_conversion(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        let gate = Gate::new();
        let awaitable = runtime.future_into_py(py, gate.clone()).unwrap();
        gate.open(Ok::<_, PyErr>(Value::Fails));
        let error = awaited(&awaitable).unwrap_err();
        assert!(error.is_instance_of::<PyValueError>(py));
        assert_eq!(error.value(py).to_string(), "this value has no Python form");
    });
}
