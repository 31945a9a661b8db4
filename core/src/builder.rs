//! Where a future is polled first, and what it is called: the options for handing one future to Python.

use std::future::Future;
use std::mem;

use pyo3::prelude::*;

use crate::awaitable::{Awaitable, Role};
use crate::blocking::Call;
use crate::cancel_token::CancelToken;
use crate::coroutine::Coroutine;
use crate::event_loop::EventLoop;
use crate::event_loop::residents::{Lodging, Residence};
use crate::local::Local;
use crate::runtime::Runtime;
use crate::task::Task;

/// Where a future is polled first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placement {
    Spawn,
    PollFirst,
    Lazy,
    OnLoop,
}

/// Options for handing one future to Python; see [`Runtime::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder<'r> {
    runtime: &'r Runtime,
    placement: Option<Placement>,
    name: &'static str,
    token: Option<CancelToken>,
}

impl<'r> Builder<'r> {
    pub(crate) fn new(runtime: &'r Runtime) -> Self {
        Self { runtime, placement: None, name: "", token: None }
    }

    /// Polls on the runtime only. The default for awaitables; a coroutine spawns at its first `send`.
    pub fn spawn(mut self) -> Self {
        self.placement = Some(Placement::Spawn);
        self
    }

    /// Polls once on the calling thread, inside [`enter`](crate::Executor::enter), attached to Python: a future that is ready by then
    /// never leaves the thread; another is polled again on the runtime. The default for coroutines.
    ///
    /// Not for futures that take a lock whose holder may be waiting for the interpreter: that deadlocks.
    pub fn poll_first(mut self) -> Self {
        self.placement = Some(Placement::PollFirst);
        self
    }

    /// Starts an awaitable only when it is first awaited, given a callback, or waited for. (Coroutines always do.)
    pub fn lazy(mut self) -> Self {
        self.placement = Some(Placement::Lazy);
        self
    }

    /// Has the event loop that awaits a coroutine poll its future, from the first time to the last; where no loop can, it is as
    /// with [`poll_first`](Self::poll_first). For what does so little that a message to another thread costs more.
    pub(crate) fn on_loop(mut self) -> Self {
        self.placement = Some(Placement::OnLoop);
        self
    }

    /// The name that `repr`, tracebacks and warnings show. A dotted name is a qualified one.
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Has the future take part in its cancellation: it is told by `token`, and whoever cancels waits until it has ended.
    /// See [`CancelToken`].
    pub fn cancel_with(mut self, token: CancelToken) -> Self {
        self.token = Some(token);
        self
    }

    /// See [`Runtime::future_into_py`].
    ///
    /// # Errors
    /// As there.
    pub fn future_into_py<'py, F, T, E>(self, py: Python<'py>, future: F) -> PyResult<Bound<'py, Awaitable>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let runtime = self.runtime.admit(py)?;
        let (task, cell) = Task::with_token(future, Some(runtime.record().clone()), self.token);
        let mut unstarted = Unstarted::Task {
            runtime: runtime.clone(),
            task,
            poll_first: self.placement == Some(Placement::PollFirst),
        };
        unstarted.poll_first();
        // The object comes before the start: if it cannot be made, nothing runs that nobody owns.
        let awaitable = Awaitable::over(py, cell, Role::Future, self.name)?;
        if self.placement == Some(Placement::Lazy) {
            awaitable.get().start_later(unstarted);
        } else if !awaitable.get().is_settled() {
            awaitable.get().keep(unstarted.start(py).runtime);
        }
        Ok(awaitable)
    }

    /// See [`Runtime::coroutine_into_py`].
    ///
    /// # Errors
    /// As there.
    pub fn coroutine_into_py<'py, F, T, E>(self, py: Python<'py>, future: F) -> PyResult<Bound<'py, Coroutine>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: for<'a> IntoPyObject<'a> + Send + 'static,
        E: Into<PyErr> + Send + 'static,
    {
        let runtime = self.runtime.admit(py)?;
        let (task, cell) = Task::with_token(future, Some(runtime.record().clone()), self.token);
        let runtime = runtime.clone();
        let unstarted = match self.placement {
            Some(Placement::OnLoop) => Unstarted::OnLoop { runtime, task },
            placement => Unstarted::Task { runtime, task, poll_first: placement != Some(Placement::Spawn) },
        };
        Coroutine::over(py, cell, self.name, unstarted)
    }
}

/// What whoever waits for started work has to keep meanwhile.
#[derive(Default)]
pub(crate) struct Started {
    /// None if it needs none.
    pub(crate) runtime: Option<Runtime>,
    /// If an event loop polls it.
    pub(crate) lodging: Option<Lodging>,
}

impl From<Runtime> for Started {
    fn from(runtime: Runtime) -> Self {
        Self { runtime: Some(runtime), lodging: None }
    }
}

/// Work that has not been handed to the executor yet.
pub(crate) enum Unstarted {
    Task {
        runtime: Runtime,
        task: Task,
        poll_first: bool,
    },
    /// For the event loop that runs where it is started, if one does.
    OnLoop {
        runtime: Runtime,
        task: Task,
    },
    /// Ready at its first poll, on any thread: it needs no runtime.
    Inline(Task),
    Call(Call),
    Local(Local),
}

impl Unstarted {
    /// Polls once on this thread, if that is wished for.
    fn poll_first(&mut self) {
        if let Unstarted::Task { runtime, task, poll_first } = self {
            if mem::take(poll_first) && !runtime.is_closed() {
                runtime.executor().enter(&mut || {
                    let _ = task.poll_inline();
                });
            }
        }
    }

    /// Starts it. Work that the executor does not take is dropped, which settles its cell.
    pub(crate) fn start(mut self, py: Python<'_>) -> Started {
        self.poll_first();
        match self {
            Unstarted::Task { runtime, task, .. } => {
                if !task.is_finished() {
                    runtime.spawn(task);
                }
                runtime.into()
            }
            Unstarted::OnLoop { runtime, task } => {
                let Some(event_loop) = EventLoop::polling(py) else {
                    return Unstarted::Task { runtime, task, poll_first: true }.start(py);
                };
                let residents = event_loop.residents();
                let key = residents.start(event_loop.queue(), task, runtime.clone(), Residence::Movable);
                Started { runtime: Some(runtime), lodging: Some(Lodging::new(event_loop, key)) }
            }
            Unstarted::Inline(mut task) => {
                let _ = task.poll_inline();
                Started::default()
            }
            Unstarted::Call(call) => call.start(py).into(),
            Unstarted::Local(local) => local.start().into(),
        }
    }

    /// Visits Python references for the garbage collector.
    pub(crate) fn traverse(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        match self {
            Unstarted::Task { .. } | Unstarted::OnLoop { .. } | Unstarted::Inline(_) | Unstarted::Local(_) => Ok(()),
            Unstarted::Call(call) => call.traverse(visit),
        }
    }
}
