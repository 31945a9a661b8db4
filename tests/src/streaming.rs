//! Streams in both directions.

use crossawait_core::{Caller, Coroutine, StreamIterator};
use futures::{StreamExt, stream};
use pyo3::exceptions::PyLookupError;
use pyo3::prelude::*;

use crate::extension::{Gate, Runtime};

/// The numbers below `end`; then an error or a panic, if either is wished for.
#[pyfunction]
#[pyo3(signature = (runtime, end, *, fails = false, panics = false))]
pub fn numbers<'py>(
    runtime: &Bound<'py, Runtime>,
    end: u64,
    fails: bool,
    panics: bool,
) -> PyResult<Bound<'py, StreamIterator>> {
    let last = stream::iter(fails.then(|| Err(PyLookupError::new_err("no more numbers"))));
    let panic = stream::iter(panics.then_some(())).map(|()| panic!("no more numbers"));
    runtime.get().inner().stream_into_py(runtime.py(), stream::iter(0..end).map(Ok).chain(last).chain(panic))
}

/// What the gates give, one after the other.
#[pyfunction]
pub fn gated<'py>(runtime: &Bound<'py, Runtime>, gates: Vec<Bound<'py, Gate>>) -> PyResult<Bound<'py, StreamIterator>> {
    let futures: Vec<_> = gates.iter().map(|gate| gate.get().future()).collect();
    runtime.get().inner().stream_into_py(runtime.py(), stream::iter(futures).then(|future| future))
}

/// Takes the items of a Python iterable, all or `limit` of them, and gives how many they were and their sum. Before the
/// second item it waits for the gate. An item of `panics_at` panics on its way.
#[pyfunction]
#[pyo3(signature = (runtime, iterable, *, limit = None, gate = None, panics_at = None))]
pub fn add_up<'py>(
    runtime: &Bound<'py, Runtime>,
    iterable: &Bound<'py, PyAny>,
    limit: Option<usize>,
    gate: Option<&Bound<'py, Gate>>,
    panics_at: Option<u64>,
) -> PyResult<Bound<'py, Coroutine>> {
    let py = runtime.py();
    let items = Caller::current(py)?.into_stream(iterable, move |item| {
        let item = item.extract::<u64>()?;
        assert!(Some(item) != panics_at, "no such number");
        Ok(item)
    });
    let mut opened = gate.map(|gate| gate.get().future());
    runtime.get().inner().builder().spawn().name("add_up").coroutine_into_py(py, async move {
        let mut items = items.take(limit.unwrap_or(usize::MAX));
        let (mut count, mut sum) = (0_usize, 0_u64);
        while let Some(item) = items.next().await {
            count += 1;
            sum += item?;
            if let Some(opened) = opened.take() {
                opened.await?;
            }
        }
        Ok::<_, PyErr>((count, sum))
    })
}
