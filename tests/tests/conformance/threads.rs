//! The threads of an executor, and several executors beside each other.

use std::time::Duration;

use crossawait_core::pyo3::prelude::*;
use crossawait_tests::embedded::{attached, awaited, class_of};
use crossawait_tests::probe::Probe;

use crate::subject::Subject;

pub(crate) fn counted_and_named(subject: &Subject) {
    attached(|py| {
        let runtime = subject.runtime();
        assert_eq!(runtime.executor().name(), subject.name);
        let counted = if subject.counts_workers { subject.workers } else { 0 };
        assert_eq!(runtime.executor().worker_threads(), counted);
        assert_eq!(runtime.metrics().worker_threads, counted);

        let probe = Probe::new();
        let awaitable = runtime.future_into_py(py, probe.watch(async { Ok::<_, PyErr>(()) })).unwrap();
        awaited(&awaitable).unwrap();
        assert_eq!(probe.seen().polls[0].name.as_deref(), Some(subject.thread_name));
        assert!(!probe.seen().polls[0].attached);
    });
}

pub(crate) fn several_instances(subject: &Subject) {
    attached(|py| {
        let [first, second] = [subject.runtime(), subject.runtime()];
        for (runtime, number) in [(&first, 1), (&second, 2)] {
            let awaitable = runtime.future_into_py(py, async move { Ok::<_, PyErr>(number) }).unwrap();
            assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), number);
        }
        first.shutdown(py, Duration::from_secs(60)).unwrap();
        let refused = first.future_into_py(py, async { Ok::<_, PyErr>(1) }).unwrap_err();
        assert_eq!(class_of(py, &refused), "RuntimeClosedError");
        let awaitable = second.future_into_py(py, async { Ok::<_, PyErr>(3) }).unwrap();
        assert_eq!(awaited(&awaitable).unwrap().extract::<i64>().unwrap(), 3);
        assert_eq!((first.metrics().tasks_spawned, second.metrics().tasks_spawned), (1, 2));
    });
}
