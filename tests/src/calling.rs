//! The other direction: Rust futures that call Python and await it.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use crossawait_core::{Caller, Coroutine, PythonFuture};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::extension::{Gate, Runtime};

/// Awaits `function(*args)`, called by a worker as often as `times` says, one after the other; gives the last result.
#[pyfunction]
#[pyo3(signature = (runtime, function, /, *args, times = 1))]
pub fn call<'py>(
    runtime: &Bound<'py, Runtime>,
    function: Bound<'py, PyAny>,
    args: Bound<'py, PyTuple>,
    times: usize,
) -> PyResult<Bound<'py, Coroutine>> {
    let py = runtime.py();
    let caller = Caller::current(py)?;
    let call = std::sync::Arc::new(caller.bind((function.unbind(), args.unbind())));
    runtime.get().inner().builder().spawn().name("call").coroutine_into_py(py, async move {
        let mut last = None;
        for _ in 0..times {
            let call = call.clone();
            let made = caller.call(
                move |py| {
                    let (function, args) = call.get(py);
                    function.bind(py).call1(args.bind(py))
                },
                |result| result.map(Bound::unbind),
            );
            last = Some(made.await?);
        }
        Ok::<_, PyErr>(last)
    })
}

/// Awaits an awaitable that is handed over as it is.
#[pyfunction]
pub fn await_from_rust<'py>(
    runtime: &Bound<'py, Runtime>,
    awaitable: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, Coroutine>> {
    let py = runtime.py();
    let future = Caller::current(py)?.into_future(awaitable, |result| result.map(Bound::unbind))?;
    runtime.get().inner().builder().spawn().name("await_from_rust").coroutine_into_py(py, future)
}

/// Awaits an awaitable until the gate opens, whichever comes first: what is still waited for then is dropped.
#[pyfunction]
pub fn await_until<'py>(
    runtime: &Bound<'py, Runtime>,
    function: Bound<'py, PyAny>,
    gate: &Bound<'py, Gate>,
) -> PyResult<Bound<'py, Coroutine>> {
    let py = runtime.py();
    let caller = Caller::current(py)?;
    let function = caller.bind(function.unbind());
    let opened = gate.get().future();
    runtime.get().inner().builder().spawn().name("await_until").coroutine_into_py(py, async move {
        let made: PythonFuture<Py<PyAny>> =
            caller.call(move |py| function.get(py).bind(py).call0(), |result| result.map(Bound::unbind));
        let mut made = pin!(made);
        let mut opened = pin!(opened);
        std::future::poll_fn(|context| {
            if let Poll::Ready(value) = made.as_mut().poll(context) {
                return Poll::Ready(value.map(Some));
            }
            opened.as_mut().poll(context).map(|opened| opened.map(|_| None))
        })
        .await
    })
}
