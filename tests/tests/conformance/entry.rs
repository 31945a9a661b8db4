//! Rust programs and tests with a Python loop under them. Not attached: `run` sees to that itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossawait_core::pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyZeroDivisionError};
use crossawait_core::pyo3::prelude::*;
use crossawait_core::{Caller, PythonFuture, entry};
use crossawait_tests::embedded::{self, attached, class_of};
use crossawait_tests::gate::yields;
use crossawait_tests::probe::Probe;

use crate::subject::Subject;

/// Something that Python knows nothing of.
#[derive(Debug, PartialEq, Eq)]
struct Private(i64);

/// Calls the Python function `function(caller)` of a script, and awaits it.
fn python(caller: &Caller, script: &'static std::ffi::CStr) -> PythonFuture<i64> {
    caller.call(move |py| embedded::script(py, script)?.getattr("function")?.call0(), |result| result?.extract())
}

pub(crate) fn main_gives_what_it_gives(subject: &Subject) {
    let output: Result<Private, Private> = subject.runtime().run(|_| async { Err(Private(20)) }).unwrap();
    assert_eq!(output, Err(Private(20)));
}

pub(crate) fn main_is_polled_on_the_runtime(subject: &Subject) {
    let probe = Probe::new();
    let future = probe.watch(yields(2));
    subject.runtime().run(|_| future).unwrap();
    let seen = probe.seen();
    assert_eq!((seen.polls.len(), seen.drops.len()), (3, 1));
    let home = thread::current().id();
    assert!(seen.polls.iter().chain(&seen.drops).all(|place| place.thread != home && !place.attached));
}

pub(crate) fn main_calls_python(subject: &Subject) {
    let script = c"
import asyncio, threading

async def function():
    await asyncio.sleep(0)
    return threading.get_native_id()
";
    let called = move |caller: Caller| async move { (python(&caller, script).await, python(&caller, script).await) };
    let (first, second) = subject.runtime().run(called).unwrap();
    let here =
        attached(|py| py.import("threading").unwrap().call_method0("get_native_id").unwrap().extract::<i64>().unwrap());
    assert_eq!((first.unwrap(), second.unwrap()), (here, here));
}

pub(crate) fn main_hears_of_errors(subject: &Subject) {
    let script = c"
async def function():
    return 1 // 0
";
    let error = subject.runtime().run(move |caller| python(&caller, script)).unwrap().unwrap_err();
    assert!(attached(|py| error.is_instance_of::<PyZeroDivisionError>(py)));
}

pub(crate) fn a_panic_of_main_goes_on(subject: &Subject) {
    let runtime = subject.runtime();
    let main = |_| async {
        if true {
            panic!("an expected panic")
        }
    };
    let panic = catch_unwind(AssertUnwindSafe(|| runtime.run(main))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"an expected panic"));
    // It did no harm, and a closure that panics before there is a future is the same.
    let main = |_| -> std::future::Ready<()> { panic!("another expected panic") };
    let panic = catch_unwind(AssertUnwindSafe(|| runtime.run(main))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"another expected panic"));
    runtime.run(|_| async {}).unwrap();
}

pub(crate) fn main_runs_again_and_in_several_threads(subject: &Subject) {
    let script = c"
import asyncio

async def function():
    return await asyncio.sleep(0.001, 21)
";
    let runtime = subject.runtime();
    let run_twice = || {
        let runtime = runtime.clone();
        thread::spawn(move || [(); 2].map(|()| runtime.run(move |caller| python(&caller, script)).unwrap().unwrap()))
    };
    for thread in [(); 3].map(|()| run_twice()) {
        assert_eq!(thread.join().unwrap(), [21, 21]);
    }
    assert!(!runtime.is_closed());
}

/// The module that the running loop's class is from.
fn loop_of(caller: &Caller) -> PythonFuture<String> {
    let script = c"
async def function():
    import sniffio
    if sniffio.current_async_library() == 'trio':
        return 'trio'
    import asyncio
    return type(asyncio.get_running_loop()).__module__.split('.')[0]
";
    caller.call(move |py| embedded::script(py, script)?.getattr("function")?.call0(), |result| result?.extract())
}

pub(crate) fn main_runs_on_other_loops(subject: &Subject) {
    let runtime = subject.runtime();
    assert_eq!(runtime.run(|caller| loop_of(&caller)).unwrap().unwrap(), "asyncio");
    assert_eq!(runtime.run_with(entry::trio, |caller| loop_of(&caller)).unwrap().unwrap(), "trio");
    if attached(|py| py.import("uvloop").is_ok()) {
        assert_eq!(runtime.run_with(entry::uvloop, |caller| loop_of(&caller)).unwrap().unwrap(), "uvloop");
    }
    let anyio = |main: &Bound<'_, PyAny>| {
        main.py().import("anyio")?.call_method1("run", (main,))?;
        Ok(())
    };
    assert_eq!(runtime.run_with(anyio, |caller| loop_of(&caller)).unwrap().unwrap(), "asyncio");
}

pub(crate) fn a_runner_has_to_run_main_once(subject: &Subject) {
    let runtime = subject.runtime();
    let error = runtime.run_with(|_| Ok(()), |_| async {}).unwrap_err();
    assert!(error.to_string().contains("without having run"), "{error}");
    let twice = |main: &Bound<'_, PyAny>| entry::asyncio(main).and_then(|()| entry::asyncio(main));
    let error = runtime.run_with(twice, |_| async {}).unwrap_err();
    assert!(error.to_string().contains("argument once"), "{error}");
    let error = runtime.run_with(|_| Err(PyZeroDivisionError::new_err("no loop")), |_| async {}).unwrap_err();
    assert!(attached(|py| error.is_instance_of::<PyZeroDivisionError>(py)));
}

pub(crate) fn main_is_dropped_when_it_is_interrupted(subject: &Subject) {
    let script = c"
import asyncio

async def function():
    asyncio.get_running_loop().call_soon(interrupt)
    await asyncio.sleep(3600)

def interrupt():
    raise KeyboardInterrupt
";
    let probe = Probe::new();
    let watching = probe.clone();
    let error = subject.runtime().run(move |caller| watching.watch(python(&caller, script))).unwrap_err();
    assert!(attached(|py| error.is_instance_of::<PyKeyboardInterrupt>(py)));
    // And not merely some time later.
    assert_eq!(probe.seen().drops.len(), 1);
}

pub(crate) fn python_tasks_that_main_leaves_are_cancelled(subject: &Subject) {
    let script = c"
import asyncio

ended = []

async def function():
    async def wait():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.append(1)
            raise

    global task
    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return 0
";
    let module = attached(|py| embedded::script(py, script).unwrap().unbind());
    let function = attached(|py| module.getattr(py, "function").unwrap());
    let left = |caller: Caller| caller.call(move |py| function.bind(py).call0(), |result| result.map(drop));
    subject.runtime().run(left).unwrap().unwrap();
    attached(|py| assert_eq!(module.getattr(py, "ended").unwrap().extract::<Vec<i64>>(py).unwrap(), [1]));
}

pub(crate) fn main_does_not_run_inside_a_loop(subject: &Subject) {
    let (runtime, inner) = (subject.runtime(), subject.runtime());
    let main = move |caller: Caller| {
        caller.call(move |py| inner.run(|_| async {}).map(|()| py.None().into_bound(py)), |result| result.map(drop))
    };
    let error = runtime.run(main).unwrap().unwrap_err();
    assert!(attached(|py| error.is_instance_of::<PyRuntimeError>(py)), "{error}");
    assert!(error.to_string().contains("running event loop"), "{error}");
}

pub(crate) fn main_does_not_run_inside_a_task(subject: &Subject) {
    let runtime = subject.runtime();
    let same = runtime.clone();
    let error = runtime.run(|_| async move { same.run(|_| async {}) }).unwrap().unwrap_err();
    assert!(error.to_string().contains("one of the runtime's own tasks"), "{error}");
}

pub(crate) fn main_does_not_run_on_a_closed_runtime(subject: &Subject) {
    let runtime = subject.runtime();
    attached(|py| runtime.shutdown(py, std::time::Duration::from_secs(60))).unwrap();
    let probe = Probe::new();
    let watched = probe.watch(std::future::pending::<()>());
    let error = runtime.run(|_| watched).unwrap_err();
    assert_eq!(attached(|py| class_of(py, &error)), "RuntimeClosedError");
    assert_eq!((probe.seen().polls.len(), probe.seen().drops.len()), (0, 1));
}

pub(crate) fn main_ends_with_its_runtime(subject: &Subject) {
    let runtime = subject.runtime();
    let probe = Probe::new();
    let (watched, seen) = (probe.watch(std::future::pending::<()>()), probe.clone());
    let closing = runtime.clone();
    let closer = thread::spawn(move || {
        seen.wait_polled(1);
        attached(|py| closing.shutdown(py, std::time::Duration::from_secs(60)))
    });
    let error = runtime.run(|_| watched).unwrap_err();
    assert_eq!(attached(|py| class_of(py, &error)), "RuntimeClosedError");
    closer.join().unwrap().unwrap();
    assert_eq!(probe.seen().drops.len(), 1);
}
