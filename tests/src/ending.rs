//! Futures that take part in their cancellation, that stay on their thread, and that are waited for without `await`.

use std::rc::Rc;

use crossawait_core::{Awaitable, Caller, CancelToken, Coroutine};
use futures::future::{Either, select};
use pyo3::prelude::*;

use crate::extension::{Gate, Runtime};

/// Waits for `gate`; when cancelled, for `farewell` instead, and ends as that does.
#[pyfunction]
pub fn patient<'py>(
    runtime: &Bound<'py, Runtime>,
    gate: &Bound<'py, Gate>,
    farewell: &Bound<'py, Gate>,
) -> PyResult<Bound<'py, Coroutine>> {
    let token = CancelToken::new();
    let builder = runtime.get().inner().builder().name("patient").cancel_with(token.clone());
    builder.coroutine_into_py(runtime.py(), wait_patiently(token, gate, farewell))
}

/// The same as an awaitable.
#[pyfunction]
#[pyo3(signature = (runtime, gate, farewell, *, lazy = false))]
pub fn patient_awaitable<'py>(
    runtime: &Bound<'py, Runtime>,
    gate: &Bound<'py, Gate>,
    farewell: &Bound<'py, Gate>,
    lazy: bool,
) -> PyResult<Bound<'py, Awaitable>> {
    let token = CancelToken::new();
    let builder = runtime.get().inner().builder().name("patient").cancel_with(token.clone());
    let builder = if lazy { builder.lazy() } else { builder };
    builder.future_into_py(runtime.py(), wait_patiently(token, gate, farewell))
}

fn wait_patiently(
    token: CancelToken,
    gate: &Bound<'_, Gate>,
    farewell: &Bound<'_, Gate>,
) -> impl Future<Output = PyResult<crate::value::Value>> + Send + 'static {
    let (gate, farewell) = (gate.get().future(), farewell.get().future());
    async move {
        match token.run_until_cancelled(gate).await {
            Some(value) => value,
            None => farewell.await,
        }
    }
}

/// Waits for both gates on the loop's thread, with an `Rc` across the waits; gives how often it was shared.
#[pyfunction]
pub fn local<'py>(
    runtime: &Bound<'py, Runtime>,
    first: &Bound<'py, Gate>,
    second: &Bound<'py, Gate>,
) -> PyResult<Bound<'py, Coroutine>> {
    let (first, second) = (first.get().future(), second.get().future());
    runtime.get().inner().local_coroutine_into_py(runtime.py(), async move {
        let shared = Rc::new(());
        let other = shared.clone();
        first.await?;
        second.await?;
        let count = Rc::strong_count(&shared);
        drop(other);
        Ok::<_, PyErr>(count)
    })
}

/// The same as an awaitable, started at once.
#[pyfunction]
pub fn local_awaitable<'py>(runtime: &Bound<'py, Runtime>, gate: &Bound<'py, Gate>) -> PyResult<Bound<'py, Awaitable>> {
    let (future, kept) = (gate.get().future(), Rc::new(()));
    runtime.get().inner().local_future_into_py(runtime.py(), async move {
        let value = future.await;
        drop(kept);
        value
    })
}

/// Waits for the gate without `await`.
#[pyfunction]
pub fn block_on(runtime: &Bound<'_, Runtime>, gate: &Bound<'_, Gate>) -> PyResult<crate::value::Value> {
    runtime.get().inner().block_on(runtime.py(), gate.get().future())?
}

/// Waits without `await` for a Python call, which the loop of this thread would have to make, or for the gate.
#[pyfunction]
pub fn block_on_a_call(
    runtime: &Bound<'_, Runtime>,
    function: Bound<'_, PyAny>,
    gate: &Bound<'_, Gate>,
) -> PyResult<Py<PyAny>> {
    let py = runtime.py();
    let caller = Caller::current(py)?;
    let function = caller.bind(function.unbind());
    let opened = gate.get().future();
    runtime.get().inner().block_on(py, async move {
        let call = caller.call(move |py| function.get(py).bind(py).call0(), |result| result.map(Bound::unbind));
        match select(call, std::pin::pin!(opened)).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Err(pyo3::exceptions::PyAssertionError::new_err("the gate was opened first")),
        }
    })?
}
