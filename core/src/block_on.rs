//! Waiting for a Rust future from synchronous Python.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::ptr;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::current;
use crate::event_loop::EventLoop;
use crate::event_loop::queue::Queue;
use crate::fresh_thread::SIGNAL_CHECK;
use crate::runtime::Runtime;
use crate::task::{CellRef, Task, take_outcome};

impl Runtime {
    /// Runs `future` on the runtime and waits for it: for Python functions that are not `async`.
    ///
    /// Other Python threads run meanwhile and signal handlers do; what one raises (Ctrl-C: `KeyboardInterrupt`) ends the
    /// waiting and drops the future on its runtime. It may be called where an event loop runs, in Jupyter for instance: the
    /// loop stands still, and what a future wants of it ([`Caller::call`](crate::Caller::call), a new `local` future)
    /// fails instead of waiting for ever.
    ///
    /// # Errors
    /// `RuntimeClosedError` if the runtime is shut down; `RustPanic` if the future panics; `RuntimeError` on a thread that
    /// does the runtime's own work, which it would wait for; what a signal handler raises.
    pub fn block_on<F>(&self, py: Python<'_>, future: F) -> PyResult<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let runtime = self.admit(py)?;
        if current::works_on(runtime.record()) {
            return Err(PyRuntimeError::new_err("block_on was called from one of the runtime's own tasks or calls"));
        }
        // Before the future runs: what it wants of the loop has to fail from the beginning.
        let blocked = EventLoop::block_running(py)?;
        let queue = blocked.as_ref().map(|blocked| blocked.queue().clone());
        let output = Arc::new(Mutex::new(None));
        let place = output.clone();
        let (task, cell) = Task::new(
            async move {
                let mut future = pin!(future);
                let output = poll_fn(|context| {
                    let _awaited = Awaited::by(queue.as_ref());
                    future.as_mut().poll(context)
                });
                *place.lock() = Some(output.await);
                Ok::<_, PyErr>(())
            },
            Some(runtime.record().clone()),
        );
        runtime.spawn(task);
        if let Err(error) = wait_for(py, &cell) {
            cell.header().cancel_at_once();
            return Err(error);
        }
        let output = output.lock().take();
        output.ok_or_else(|| match take_outcome(&cell, py) {
            Some(Err(panic)) => panic,
            _ => crate::error::runtime_closed(py, "the runtime was shut down before the future had finished"),
        })
    }
}

thread_local! {
    /// The loops that stand still for the futures that are polled in this thread. Compared, never followed.
    static AWAITED_BY: RefCell<Vec<*const Queue>> = const { RefCell::new(Vec::new()) };
}

/// Marks the thread as polling what a blocked loop waits for, until dropped.
struct Awaited;

impl Awaited {
    fn by(queue: Option<&Arc<Queue>>) -> Self {
        AWAITED_BY.with_borrow_mut(|queues| queues.push(queue.map_or(ptr::null(), Arc::as_ptr)));
        Self
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        AWAITED_BY.with_borrow_mut(Vec::pop);
    }
}

/// Whether the loop of this queue stands still until what this thread polls is ready.
pub(crate) fn is_awaited_by(queue: &Arc<Queue>) -> bool {
    AWAITED_BY.with_borrow(|queues| queues.contains(&Arc::as_ptr(queue)))
}

/// Waits, detached and with an eye on signals, until the cell has settled.
fn wait_for(py: Python<'_>, cell: &CellRef) -> PyResult<()> {
    while !py.detach(|| cell.header().block_until(Instant::now() + SIGNAL_CHECK)) {
        py.check_signals()?;
        if cell.header().record().is_some_and(|record| record.is_stopped()) {
            cell.header().close();
        }
    }
    Ok(())
}
