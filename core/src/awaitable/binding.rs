//! How an awaitable is made, which loop it is bound to, and when work that waits for the first await is started.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::inner::{Home, Inner};
use super::{Awaitable, Role, dictionary};
use crate::asyncio;
use crate::builder::Unstarted;
use crate::event_loop::EventLoop;
use crate::runtime::Runtime;
use crate::task::CellRef;

impl Awaitable {
    /// Wraps a cell; bound to the loop that runs in this thread, if one does, else to that of the first await.
    pub(crate) fn over<'py>(
        py: Python<'py>,
        cell: CellRef,
        role: Role,
        name: &'static str,
    ) -> PyResult<Bound<'py, Self>> {
        // One that has settled needs a loop only if it is asked for one.
        let home = if cell.header().is_settled() { None } else { Home::running(py)? };
        let made = Bound::new(py, Self::with(cell, role, name, Inner { home, ..Inner::default() }))?;
        dictionary::drop_unused(&made);
        Ok(made)
    }

    pub(super) fn with(cell: CellRef, role: Role, name: &'static str, inner: Inner) -> Self {
        Self { cell, role, blocking: AtomicBool::new(false), name, inner: Mutex::new(inner) }
    }

    /// Binds one made in Python to its loop: the one given, or the current one.
    pub(super) fn initialise(&self, py: Python<'_>, python_loop: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let python_loop = match python_loop {
            Some(given) => given,
            None => asyncio::default_loop(py)?,
        };
        let source_traceback = if asyncio::is_debug(&python_loop)? { Some(asyncio::stack(py)?.unbind()) } else { None };
        // Our side of the loop is looked for when another thread settles this: few do.
        let home = Some(Home { python_loop: python_loop.unbind(), event_loop: None });
        let previous = {
            let mut inner = self.inner.lock();
            let stack = source_traceback.and_then(|stack| inner.rare().source_traceback.replace(stack));
            (mem::replace(&mut inner.home, home), stack)
        };
        drop(previous);
        Ok(())
    }

    /// Leaves the start to the first await, callback or wait.
    pub(crate) fn start_later(&self, unstarted: Unstarted) {
        self.inner.lock().rare().unstarted = Some(unstarted);
    }

    /// Keeps the runtime open for as long as this lives.
    pub(crate) fn keep(&self, runtime: Option<Runtime>) {
        let previous = mem::replace(&mut self.inner.lock().runtime, runtime);
        drop(previous);
    }

    /// Starts a lazy future, and notes that somebody cares.
    pub(super) fn start(&self, py: Python<'_>) {
        let unstarted = {
            let mut inner = self.inner.lock();
            inner.awaited = true;
            inner.take_unstarted()
        };
        if let Some(unstarted) = unstarted {
            self.keep(unstarted.start(py).runtime);
        }
    }

    /// Binds to the running loop unless bound.
    pub(super) fn bind_home(&self, py: Python<'_>) -> PyResult<()> {
        if self.inner.lock().home.is_some() {
            return Ok(());
        }
        let home = Home::running(py)?;
        let mut inner = self.inner.lock();
        if inner.home.is_none() {
            inner.home = home;
        }
        Ok(())
    }

    /// Our side of the loop of an awaitable made in Python, if this library has met that loop.
    pub(super) fn look_for_home(&self, python_loop: &Bound<'_, PyAny>) -> PyResult<Option<Arc<EventLoop>>> {
        let event_loop = EventLoop::known(python_loop)?;
        if let Some(home) = &mut self.inner.lock().home {
            home.event_loop.clone_from(&event_loop);
        }
        Ok(event_loop)
    }

    /// The asyncio loop that this belongs to; `None` as long as it belongs to none, or if it belongs to trio.
    pub(super) fn home_loop<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let inner = self.inner.lock();
        let home = inner.home.as_ref().filter(|home| !home.is_trio())?;
        Some(home.python_loop.bind(py).clone())
    }

    /// As `home_loop`, where one is needed.
    pub(super) fn require_loop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(python_loop) = self.home_loop(py) {
            return Ok(python_loop);
        }
        self.bind_home(py)?;
        self.home_loop(py).ok_or_else(|| {
            if self.belongs_to_trio() {
                PyRuntimeError::new_err(
                    "this awaitable belongs to trio, which has no event loop of asyncio's: await it",
                )
            } else {
                asyncio::no_running_loop()
            }
        })
    }

    pub(super) fn belongs_to_trio(&self) -> bool {
        self.inner.lock().home.as_ref().is_some_and(Home::is_trio)
    }
}
