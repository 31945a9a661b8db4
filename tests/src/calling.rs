//! The other direction: Rust futures that call Python and await it.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use crossawait_core::{Caller, Coroutine, PythonFuture};
use pyo3::exceptions::{PyLookupError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::extension::{Gate, Runtime};

/// Where a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    None,
    MakePanics,
    ExtractFails,
    ExtractPanics,
}

impl Trouble {
    fn new(trouble: Option<&str>) -> PyResult<Self> {
        Ok(match trouble {
            None => Trouble::None,
            Some("make panics") => Trouble::MakePanics,
            Some("extract fails") => Trouble::ExtractFails,
            Some("extract panics") => Trouble::ExtractPanics,
            Some(_) => return Err(PyValueError::new_err("there is no such trouble")),
        })
    }

    fn make(self) {
        assert!(self != Trouble::MakePanics, "no awaitable");
    }

    fn extract(self, result: PyResult<Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        match self {
            Trouble::ExtractFails => Err(PyLookupError::new_err("no result")),
            Trouble::ExtractPanics => panic!("no result"),
            Trouble::None | Trouble::MakePanics => result.map(Bound::unbind),
        }
    }
}

/// Awaits `function(*args)`, called by a worker as often as `times` says, one after the other; gives the last result.
/// `trouble` is "make panics", "extract fails" or "extract panics".
#[pyfunction]
#[pyo3(signature = (runtime, function, /, *args, times = 1, trouble = None))]
pub fn call<'py>(
    runtime: &Bound<'py, Runtime>,
    function: Bound<'py, PyAny>,
    args: Bound<'py, PyTuple>,
    times: usize,
    trouble: Option<&str>,
) -> PyResult<Bound<'py, Coroutine>> {
    let py = runtime.py();
    let trouble = Trouble::new(trouble)?;
    let caller = Caller::current(py)?;
    let call = std::sync::Arc::new(caller.bind((function.unbind(), args.unbind())));
    runtime.get().inner().builder().spawn().name("call").coroutine_into_py(py, async move {
        let mut last = None;
        for _ in 0..times {
            let call = call.clone();
            let made = caller.call(
                move |py| {
                    trouble.make();
                    let (function, args) = call.get(py);
                    function.bind(py).call1(args.bind(py))
                },
                move |result| trouble.extract(result),
            );
            last = Some(made.await?);
        }
        Ok::<_, PyErr>(last)
    })
}

/// Panics. PyO3 makes an exception of it, which goes on as a panic where one of this extension's functions meets it.
#[pyfunction]
pub fn panics(message: String) {
    panic!("{message}");
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

/// Awaits an awaitable until the gate opens, whichever comes first: what is still waited for then is dropped. If not
/// `called`, the gate alone is waited for, and the call dropped without having been polled.
#[pyfunction]
#[pyo3(signature = (runtime, function, gate, *, called = true))]
pub fn await_until<'py>(
    runtime: &Bound<'py, Runtime>,
    function: Bound<'py, PyAny>,
    gate: &Bound<'py, Gate>,
    called: bool,
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
            if called {
                if let Poll::Ready(value) = made.as_mut().poll(context) {
                    return Poll::Ready(value.map(Some));
                }
            }
            opened.as_mut().poll(context).map(|opened| opened.map(|_| None))
        })
        .await
    })
}
