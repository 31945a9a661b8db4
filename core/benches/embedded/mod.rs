//! Python with an event loop inside the benchmark, and an executor without threads: what happens, and in what order, is
//! the same in every run.

use std::collections::VecDeque;
use std::ffi::CString;
use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crossawait_core::bench::future_into_py_by;
use crossawait_core::pyo3::prelude::*;
use crossawait_core::pyo3::types::PyModule;
use crossawait_core::{Awaitable, Coroutine, Executor, Runtime, Task};
use parking_lot::Mutex;

/// Keeps its tasks until they are asked for.
#[derive(Default)]
pub(crate) struct Kept(Mutex<VecDeque<Task>>);

impl Kept {
    /// Polls every task to its end, in order, on this thread.
    fn run(&self) {
        let mut context = Context::from_waker(Waker::noop());
        while let Some(mut task) = self.next() {
            while Pin::new(&mut task).poll(&mut context).is_pending() {}
        }
    }

    fn next(&self) -> Option<Task> {
        self.0.lock().pop_front()
    }
}

impl Executor for Kept {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        self.0.lock().push_back(task);
        Ok(())
    }
}

/// What the workloads are made of.
#[pyclass(frozen)]
pub(crate) struct Kit {
    executor: Arc<Kept>,
    runtime: Runtime,
}

impl Kit {
    fn new() -> Self {
        let executor = Arc::<Kept>::default();
        Self { runtime: Runtime::from_arc(executor.clone()), executor }
    }
}

async fn nothing() -> PyResult<()> {
    Ok(())
}

#[pymethods]
impl Kit {
    /// An awaitable that `run_tasks` settles.
    fn awaitable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Awaitable>> {
        self.runtime.future_into_py(py, nothing())
    }

    /// A coroutine that is pending at its first poll, and that `run_tasks` settles.
    fn coroutine<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let mut polls = 0;
        let once = poll_fn(move |_| {
            polls += 1;
            if polls > 1 { Poll::Ready(Ok::<_, PyErr>(())) } else { Poll::Pending }
        });
        self.runtime.coroutine_into_py(py, once)
    }

    /// A coroutine that is ready at its first poll.
    fn ready<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        self.runtime.coroutine_into_py(py, ready(Ok::<_, PyErr>(())))
    }

    /// An awaitable whose task went to an executor whose type the compiler knows.
    fn spawned_static<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Awaitable>> {
        let executor: &Kept = &self.executor;
        future_into_py_by(py, &self.runtime, nothing(), |task| executor.spawn(task))
    }

    /// An awaitable whose task went to an executor behind a pointer, as a runtime has it.
    fn spawned_dyn<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Awaitable>> {
        let executor: &dyn Executor = &**self.runtime.executor();
        future_into_py_by(py, &self.runtime, nothing(), |task| executor.spawn(task))
    }

    fn run_tasks(&self) {
        self.executor.run();
    }
}

/// `workloads.py`, with a kit.
pub(crate) fn workloads(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    let kit = PyModule::new(py, "crossawait_kit")?;
    kit.setattr("kit", Kit::new())?;
    kit.setattr("Awaitable", py.get_type::<Awaitable>())?;
    py.import("sys")?.getattr("modules")?.set_item(kit.name()?, &kit)?;
    let source = CString::new(include_str!("workloads.py"))?;
    PyModule::from_code(py, &source, c"workloads.py", c"workloads")
}

/// Starts the interpreter, and lends it to `body`.
pub(crate) fn with_python<R>(body: impl FnOnce(Python<'_>) -> PyResult<R>) -> R {
    Python::initialize();
    #[expect(clippy::disallowed_methods, reason = "this program's only thread, and Python's own")]
    Python::attach(|py| body(py).inspect_err(|error| error.print(py)).expect("the workloads run"))
}
