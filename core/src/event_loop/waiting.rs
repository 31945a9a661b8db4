//! Python tasks that Rust waits for.

use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use slotmap::{DefaultKey, Key, KeyData};

use super::EventLoop;
use crate::once::intern;
use crate::python_future::Finish;
use crate::{asyncio, trio};

/// A task, or under trio the scope around it, and what is called at its end.
pub(crate) type Waiting = (Py<PyAny>, Py<End>);

/// What could not be waited for, with what was to be done at the end.
pub(crate) struct Refused {
    pub(crate) error: PyErr,
    pub(crate) finish: Option<Box<dyn Finish>>,
}

/// Starts `awaitable` on its loop, in this thread and in the current context, and has `finish` called at its end. Gives
/// the key to cancel it with, or `None` if it has ended already.
pub(crate) fn wait_for(
    event_loop: &Arc<EventLoop>,
    python_loop: &Bound<'_, PyAny>,
    awaitable: &Bound<'_, PyAny>,
    finish: Box<dyn Finish>,
) -> Result<Option<u64>, Refused> {
    let py = python_loop.py();
    let end = End { finish: Mutex::new(Some(finish)), event_loop: Arc::downgrade(event_loop), key: OnceLock::new() };
    let end = Bound::new(py, end).map_err(|error| Refused { error, finish: None })?;
    begin(event_loop, python_loop, awaitable, &end).map_err(|error| Refused { error, finish: end.get().take() })
}

fn begin<'py>(
    event_loop: &Arc<EventLoop>,
    python_loop: &Bound<'py, PyAny>,
    awaitable: &Bound<'py, PyAny>,
    end: &Bound<'py, End>,
) -> PyResult<Option<u64>> {
    let py = python_loop.py();
    if event_loop.is_trio() {
        return Ok(event_loop.keep_task(trio::run(awaitable, end.as_any())?, end));
    }
    let task = asyncio::ensure_future(python_loop, awaitable)?;
    if task.call_method0(intern!(py, "done"))?.is_truthy()? {
        end.get().__call__(&task);
        return Ok(None);
    }
    let key = event_loop.keep_task(task.clone(), end);
    if let Err(error) = task.call_method1(intern!(py, "add_done_callback"), (end,)) {
        // Nobody will tell of its end, which would take it out.
        drop(end.get().release());
        return Err(error);
    }
    Ok(key)
}

impl EventLoop {
    /// Keeps what is waited for: asyncio itself holds its tasks weakly. `None` if the loop is closed.
    fn keep_task(&self, task: Bound<'_, PyAny>, end: &Bound<'_, End>) -> Option<u64> {
        let task = task.unbind();
        let mut tasks = self.tasks.lock();
        let Some(table) = &mut *tasks else {
            drop(tasks);
            drop(task);
            return None;
        };
        let key = table.insert((task, end.clone().unbind())).data().as_ffi();
        // Nobody has called `end` yet.
        let _ = end.get().key.set(key);
        Some(key)
    }

    fn release_task(&self, key: u64) -> Option<Waiting> {
        self.tasks.lock().as_mut()?.remove(DefaultKey::from(KeyData::from_ffi(key)))
    }

    /// Cancels what is waited for under this key, if it has not ended.
    pub(crate) fn cancel_task(&self, py: Python<'_>, key: u64) {
        let task = {
            let tasks = self.tasks.lock();
            let task = tasks.as_ref().and_then(|tasks| tasks.get(DefaultKey::from(KeyData::from_ffi(key))));
            task.map(|(task, _)| task.clone_ref(py))
        };
        if let Some(task) = task {
            if let Err(error) = task.call_method0(py, intern!(py, "cancel")) {
                error.write_unraisable(py, Some(task.bind(py)));
            }
        }
    }
}

/// Ends what the loop will not come to any more: the Rust futures hear of it, and the tasks, which nobody else knows of,
/// go without a word. Called attached.
pub(super) fn abandon(waiting: impl IntoIterator<Item = Waiting>) {
    // SAFETY: a loop is closed by an attached thread.
    let py = unsafe { Python::assume_attached() };
    for (task, end) in waiting {
        drop(end.get().take());
        // Of asyncio's tasks; trio ends its own.
        let silenced = task.setattr(py, intern!(py, "_log_destroy_pending"), false);
        let coroutine = silenced.and_then(|()| task.call_method0(py, intern!(py, "get_coro")));
        // What it raises on its way out has nobody to be told.
        let _ = coroutine.and_then(|coroutine| coroutine.call_method0(py, intern!(py, "close")));
    }
}

/// The callback at the end of what is waited for. Dropped uncalled, it closes the Rust future.
#[pyclass(frozen, name = "RustCaller")]
pub(crate) struct End {
    finish: Mutex<Option<Box<dyn Finish>>>,
    event_loop: Weak<EventLoop>,
    key: OnceLock<u64>,
}

/// The result of a task or future that has ended. Its exception is asked for and not raised: a panic that another
/// extension has made an exception of would go on as a panic here.
fn outcome_of<'py>(task: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = task.py();
    if !task.call_method0(intern!(py, "cancelled"))?.is_truthy()? {
        let exception = task.call_method0(intern!(py, "exception"))?;
        if !exception.is_none() {
            return Err(PyErr::from_value(exception));
        }
    }
    task.call_method0(intern!(py, "result"))
}

impl End {
    fn finish(&self, py: Python<'_>, result: PyResult<Bound<'_, PyAny>>) {
        let task = self.release();
        if let Some(finish) = self.take() {
            finish.finish(py, result);
        }
        drop(task);
    }

    fn take(&self) -> Option<Box<dyn Finish>> {
        self.finish.lock().take()
    }

    fn release(&self) -> Option<Waiting> {
        self.key.get().and_then(|key| self.event_loop.upgrade()?.release_task(*key))
    }
}

#[pymethods]
impl End {
    /// Of asyncio: the task or future has ended.
    fn __call__(&self, task: &Bound<'_, PyAny>) {
        self.finish(task.py(), outcome_of(task));
    }

    /// Of trio: this is the result.
    fn give(&self, value: Bound<'_, PyAny>) {
        self.finish(value.py(), Ok(value));
    }

    /// Of trio: the run ends, and this with it. The Rust future is closed.
    fn abandon(&self) {
        let task = self.release();
        drop(self.take());
        drop(task);
    }

    /// Of trio: this was raised.
    fn fail(&self, error: Bound<'_, PyBaseException>) {
        self.finish(error.py(), Err(PyErr::from_value(error.into_any())));
    }
}
