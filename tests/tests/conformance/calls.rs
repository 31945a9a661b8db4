//! What a `Caller` does for a future that has no Python object in its hands.

use std::sync::mpsc::channel;

use crossawait_core::Caller;
use crossawait_core::pyo3::exceptions::{PyLookupError, PyZeroDivisionError};
use crossawait_core::pyo3::prelude::*;
use crossawait_tests::embedded::{self, attached, class_of};
use futures::{StreamExt, poll};

use crate::subject::Subject;

/// A module, so that closures have something to count with.
fn counter() -> Py<PyModule> {
    let script = c"
import contextvars, threading

count = 0
variable = contextvars.ContextVar('variable', default='outside')

def work():
    global count
    count += 1
    return threading.get_native_id(), variable.get()

async def numbers(end):
    for number in range(end):
        yield number
    raise LookupError('no more')
";
    attached(|py| embedded::script(py, script).unwrap().unbind())
}

pub(crate) fn work_on_the_loop(subject: &Subject) {
    let module = counter();
    let worked = module_work(&module);
    let ((thread, variable), here) = attached(|py| {
        // The context that is set here goes when the thread detaches for good.
        module.getattr(py, "variable").unwrap().call_method1(py, "set", ("inside",)).unwrap();
        let here = py.import("threading").unwrap().call_method0("get_native_id").unwrap().extract::<i64>().unwrap();
        (subject.runtime().run(|caller| caller.on_loop(worked)).unwrap().unwrap(), here)
    });
    assert_eq!((thread, variable.as_str()), (here, "inside"));
}

fn module_work(module: &Py<PyModule>) -> impl for<'py> FnOnce(Python<'py>) -> PyResult<(i64, String)> + Send + 'static {
    let module = attached(|py| module.clone_ref(py));
    move |py| module.bind(py).call_method0("work")?.extract()
}

pub(crate) fn work_that_fails(subject: &Subject) {
    let main = |caller: Caller| async move {
        let failed = caller.on_loop(|_| Err::<(), _>(PyZeroDivisionError::new_err("no"))).await.unwrap_err();
        let panicked = caller.on_loop(|_| -> PyResult<()> { panic!("an expected panic") }).await.unwrap_err();
        let after = caller.on_loop(|_| Ok(5)).await;
        (failed, panicked, after)
    };
    let (failed, panicked, after) = subject.runtime().run(main).unwrap();
    attached(|py| {
        assert_eq!(class_of(py, &failed), "ZeroDivisionError");
        assert_eq!(class_of(py, &panicked), "RustPanic");
    });
    assert_eq!(after.unwrap(), 5);
}

pub(crate) fn work_that_is_dropped_first(subject: &Subject) {
    let module = counter();
    let (unpolled, unreached) = (module_work(&module), module_work(&module));
    let main = |caller: Caller| async move {
        drop(caller.on_loop(unpolled));
        let (begin, begun) = channel();
        let (release, released) = channel();
        let mut busy = caller.on_loop(move |_| {
            begin.send(()).unwrap();
            released.recv().map_err(|_| PyLookupError::new_err("nobody came"))
        });
        assert!(poll!(&mut busy).is_pending());
        // The loop stands still: what is sent now it cannot have come to.
        begun.recv().unwrap();
        let mut work = caller.on_loop(unreached);
        assert!(poll!(&mut work).is_pending());
        drop(work);
        release.send(()).unwrap();
        busy.await?;
        // By now it has come by.
        caller.on_loop(|_| Ok(())).await
    };
    subject.runtime().run(main).unwrap().unwrap();
    attached(|py| assert_eq!(module.getattr(py, "count").unwrap().extract::<i64>(py).unwrap(), 0));
}

pub(crate) fn work_of_a_loop_that_is_closed(subject: &Subject) {
    let runtime = subject.runtime();
    let caller = runtime.run(|caller| async { caller }).unwrap();
    let error = runtime.run(move |_| caller.on_loop(|_| Ok(()))).unwrap().unwrap_err();
    assert!(error.to_string().contains("closed"), "{error}");
}

pub(crate) fn a_stream_of_a_call(subject: &Subject) {
    let module = counter();
    let main = |caller: Caller| async move {
        let numbers = caller
            .stream(move |py| module.bind(py).getattr("numbers")?.call1((5_000,)), |number| number.extract::<u64>());
        let items: Vec<_> = numbers.collect().await;
        let failing = caller.stream(|_| Err(PyZeroDivisionError::new_err("no")), |number| number.extract::<u64>());
        (items, failing.collect::<Vec<_>>().await)
    };
    let (mut items, failed) = subject.runtime().run(main).unwrap();
    let last = items.pop().unwrap().unwrap_err();
    assert!(attached(|py| last.is_instance_of::<PyLookupError>(py)));
    assert!(items.into_iter().map(Result::unwrap).eq(0..5_000));
    let [failed] = &failed[..] else { panic!("one item, the error") };
    assert!(attached(|py| failed.as_ref().unwrap_err().is_instance_of::<PyZeroDivisionError>(py)));
}

/// What has begun before the loop is blocked, and is waited for by what blocks it, cannot end.
pub(crate) fn a_blocked_loop_is_not_waited_for(subject: &Subject) {
    let runtime = subject.runtime();
    let same = runtime.clone();
    let main = |caller: Caller| async move {
        let inner = caller.clone();
        let block = move |py: Python<'_>| {
            let sleep = py.import("asyncio")?.call_method1("sleep", (3600,))?;
            let begun = inner.into_future(&sleep, |result| result.map(drop))?;
            same.block_on(py, begun)?
        };
        let refused = caller.on_loop(block).await.unwrap_err();
        // And is as it was afterwards.
        let call = caller.call(|py| py.import("asyncio")?.call_method1("sleep", (0, 6)), |result| result?.extract());
        (refused, call.await)
    };
    let (refused, after): (_, PyResult<i64>) = runtime.run(main).unwrap();
    assert!(refused.to_string().contains("the event loop is blocked"), "{refused}");
    assert_eq!(after.unwrap(), 6);
}
