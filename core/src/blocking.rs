//! Python functions on a runtime's blocking pool: the one place where a runtime's thread attaches to Python.
//!
//! The call settles its cell from the pool thread itself, which saves the hop over a worker that a future would take.

use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::asyncio;
use crate::attach::attach;
use crate::builder::Unstarted;
use crate::coroutine::Coroutine;
use crate::current::Working;
use crate::event_loop::{EventLoop, queue};
use crate::executor::Job;
use crate::panic;
use crate::runtime::Runtime;
use crate::task::{Cell, CellRef, Header, Phase};

impl Runtime {
    /// Returns a coroutine that runs `function(*args)` on the blocking pool, in a copy of the context of whoever
    /// awaits it.
    ///
    /// Cancelling it does not stop a call that has started; its result is dropped. Interpreter exit waits for calls
    /// that have started, as it does for those of `ThreadPoolExecutor`.
    ///
    /// # Errors
    /// `TypeError` if `function` is not callable; `RuntimeClosedError` if the runtime is shut down.
    pub fn call_blocking<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, Coroutine>> {
        let py = function.py();
        if !function.is_callable() {
            return Err(PyTypeError::new_err(format!(
                "run_blocking needs a callable, not {}",
                function.get_type().name()?
            )));
        }
        let runtime = self.admit(py)?;
        let call = Call {
            parts: Some(Parts { function: function.clone().unbind(), args: args.clone().unbind() }),
            context: None,
            cell: Arc::new(CallCell {
                header: Header::new(Some(runtime.record().clone()), None),
                result: Mutex::new(None),
            }),
            runtime: runtime.clone(),
            home: None,
            started: false,
        };
        let cell: CellRef = call.cell.clone();
        Coroutine::over(py, cell, "run_blocking", Unstarted::Call(call))
    }
}

/// A cell that a pool thread settles. The result is Python's already; nothing is left to convert.
struct CallCell {
    header: Header,
    result: Mutex<Option<PyResult<Py<PyAny>>>>,
}

impl Cell for CallCell {
    fn header(&self) -> &Header {
        &self.header
    }

    unsafe fn poll(&self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    unsafe fn clear(&self) {}

    fn convert(&self, _py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        self.header.take()?;
        self.result.lock().take()
    }

    fn discard(&self) {
        if self.header.take().is_some() {
            let result = self.result.lock().take();
            drop(result);
        }
    }
}

struct Parts {
    function: Py<PyAny>,
    args: Py<PyTuple>,
}

/// One call on its way to the pool.
pub(crate) struct Call {
    /// `None` once run.
    parts: Option<Parts>,
    /// That of whoever starts it.
    context: Option<Py<PyAny>>,
    cell: Arc<CallCell>,
    runtime: Runtime,
    /// Where Python objects are sent if the call is dropped unrun by the pool.
    home: Option<Arc<queue::Queue>>,
    /// Given to the pool, where no thread is attached.
    started: bool,
}

impl Call {
    /// Gives the call to the pool, or drops it there if the pool does not take it.
    pub(crate) fn start(mut self, py: Python<'_>) -> Runtime {
        let runtime = self.runtime.clone();
        if let Err(error) = self.settle_in(py) {
            *self.cell.result.lock() = Some(Err(error));
            self.cell.header.settle(Phase::Complete);
            return runtime;
        }
        self.started = true;
        drop(runtime.spawn_blocking(Job::new(move || self.run())));
        runtime
    }

    /// Takes up the context and the loop of whoever starts the call.
    fn settle_in(&mut self, py: Python<'_>) -> PyResult<()> {
        self.context = Some(asyncio::copy_context(py)?.unbind());
        self.home = EventLoop::running(py)?.map(|(_, event_loop)| event_loop.queue().clone());
        Ok(())
    }

    /// Visits Python references for the garbage collector.
    pub(crate) fn traverse(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        if let Some(parts) = &self.parts {
            visit.call(&parts.function)?;
            visit.call(&parts.args)?;
        }
        visit.call(&self.context)
    }

    /// The one exception to the rule that the runtime's threads never attach: this one is there to run Python.
    fn run(self) {
        let runtime = self.runtime.clone();
        if self.cell.header.is_settled() || !runtime.inner().begin_call() {
            // Cancelled before its turn, or too late. Dropping settles it.
            return;
        }
        let working = Working::on(Some(runtime.record()));
        // Not run if the interpreter is finalising: then nobody is left to tell.
        let _ = attach(move |py| self.run_attached(py));
        drop(working);
        runtime.inner().end_call();
    }

    fn run_attached(mut self, py: Python<'_>) {
        let (Some(parts), Some(context)) = (self.parts.take(), self.context.take()) else {
            return;
        };
        let result = match panic::catch(|| parts.call(context.bind(py))) {
            Ok(result) => result,
            Err(report) => Err(report.into_error(py)),
        };
        *self.cell.result.lock() = Some(result);
        // If it was cancelled meanwhile, the result goes with the cell: here at the latest, attached.
        self.cell.header.settle(Phase::Complete);
    }
}

impl Parts {
    fn call(self, context: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let Self { function, args } = self;
        let py = context.py();
        let run = context.getattr(crate::once::intern!(py, "run"))?;
        let mut all = vec![function.into_bound(py)];
        all.extend(args.bind(py).iter());
        Ok(run.call1(PyTuple::new(py, all)?)?.unbind())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let (true, Some(home)) = (self.started, &self.home) {
            // Not on this thread. A closed loop sends it back; then it is left to PyO3, which drops it when somebody
            // attaches next.
            if let Some(parts) = self.parts.take() {
                let _ = home.push(queue::Message::Drop(Box::new((parts, self.context.take()))));
            }
        }
        // Nothing happens if it has run.
        self.cell.header.settle(Phase::Closed);
    }
}
