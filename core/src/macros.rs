//! What the functions that `crossawait-macros` writes are made of. For them alone: nothing here is promised to stay.
//!
//! An `async fn` with arguments is a function that gives a future; what is left to do is to hand that to Python under a
//! name, with the object that a method was called on kept alive meanwhile.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::{PyClass, pyclass::boolean_struct::True};

use crate::event_loop::EventLoop;
use crate::event_loop::queue::{Message, Queue};
use crate::task::into_any;
pub use crate::{Caller, Runtime};
pub use pyo3;

mod returned;

pub use self::returned::{AwaitableOf, CoroutineOf, Nothing, Shown, ValueOf};

/// The object that an async method was called on, kept by its future.
///
/// The future reads it on any thread, unattached: the class is frozen. Its reference is given back where Python is: by the
/// loop that ran where the method was called. Was there none (a call that blocks, a coroutine made before `asyncio.run`),
/// an unattached thread puts it on PyO3's list, which is worked off by the next thread that enters the extension or comes
/// back to Python from it: whoever waits for the future, at the latest when it has ended. Some other loop will not do, as
/// it may never run again.
pub struct Receiver<T: 'static> {
    /// `None` only while it is dropped.
    object: Option<Py<T>>,
    home: Option<Arc<Queue>>,
}

impl<T: PyClass<Frozen = True> + Sync> Receiver<T> {
    /// Keeps the object.
    ///
    /// # Errors
    /// What asking for the running loop raises.
    pub fn new(object: &Bound<'_, T>) -> PyResult<Self> {
        let home = EventLoop::running(object.py())?.map(|(_, event_loop)| event_loop.queue().clone());
        Ok(Self { object: Some(object.clone().unbind()), home })
    }

    /// What is inside of it.
    pub fn get(&self) -> &T {
        match &self.object {
            Some(object) => object.get(),
            None => unreachable!("only `drop` takes the object"),
        }
    }
}

impl<T: 'static> Drop for Receiver<T> {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else {
            return;
        };
        // SAFETY: may be called by any thread at any time. The answer can be a wrong yes (once there have been
        // subinterpreters), never more than a hint here: PyO3 knows by itself whether a reference may be given back.
        if unsafe { ffi::PyGILState_Check() } == 1 {
            drop(object);
            return;
        }
        match &self.home {
            // A closed loop sends it back.
            Some(home) => drop(home.push(Message::Drop(Box::new(object)))),
            None => drop(object),
        }
    }
}

impl<T: 'static> std::fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// What [`only_frozen`] asks of a class, for the sake of its complaint.
#[diagnostic::on_unimplemented(
    message = "a class with async methods has to be frozen",
    label = "its futures share the object",
    note = "write `#[pyclass(frozen)]`, and keep what changes in an atomic or behind a lock"
)]
pub trait IsFrozen {}

impl IsFrozen for True {}

/// Does not compile for other classes.
pub const fn only_frozen<T: PyClass>()
where
    T::Frozen: IsFrozen,
{
}

/// Stands for what an `async fn` returns, so that `Result`s can be told from everything else: `(&Output::<O>::NEW).kind()`
/// finds the method of the first trait if it can, and that of the second at one reference more.
#[derive(Debug)]
pub struct Output<O>(PhantomData<fn() -> O>);

impl<O> Output<O> {
    /// The only one.
    pub const NEW: Self = Self(PhantomData);
}

/// See [`Output`].
pub trait OfResult {
    /// A `Result` it is.
    fn kind(&self) -> ResultKind {
        ResultKind
    }
}

impl<T, E> OfResult for Output<Result<T, E>> {}

/// See [`Output`].
pub trait OfValue {
    /// A plain value.
    fn kind(&self) -> ValueKind {
        ValueKind
    }
}

impl<O> OfValue for &Output<O> {}

/// See [`Output`].
#[derive(Clone, Copy, Debug)]
pub struct ResultKind;

impl ResultKind {
    /// The future as it is.
    pub fn wrap<F: Future>(self, future: F) -> F {
        future
    }
}

/// See [`Output`].
#[derive(Clone, Copy, Debug)]
pub struct ValueKind;

impl ValueKind {
    /// The future with a `Result` around its value.
    pub async fn wrap<F: Future>(self, future: F) -> Result<F::Output, PyErr> {
        Ok(future.await)
    }
}

/// The name of a method with that of its class, as Python knows it.
pub fn qualified_name<T: PyClass>(method: &str) -> String {
    format!("{}.{method}", T::NAME)
}

/// A coroutine over `future`.
///
/// # Errors
/// See [`Runtime::coroutine_into_py`].
pub fn coroutine<'py, O, F, T, E>(
    py: Python<'py>,
    runtime: &Runtime,
    name: &'static str,
    spawn: bool,
    future: F,
) -> PyResult<CoroutineOf<'py, O>>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    E: Into<PyErr> + Send + 'static,
{
    let builder = runtime.builder().name(name);
    let builder = if spawn { builder.spawn() } else { builder };
    builder.coroutine_into_py(py, future).map(CoroutineOf::new)
}

/// An awaitable over `future`, which has started.
///
/// # Errors
/// See [`Runtime::future_into_py`].
pub fn awaitable<'py, O, F, T, E>(
    py: Python<'py>,
    runtime: &Runtime,
    name: &'static str,
    future: F,
) -> PyResult<AwaitableOf<'py, O>>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    E: Into<PyErr> + Send + 'static,
{
    runtime.builder().name(name).future_into_py(py, future).map(AwaitableOf::new)
}

/// The outcome of `future`.
///
/// # Errors
/// Its own, and see [`Runtime::block_on`].
pub fn block_on<'py, O, F, T, E>(py: Python<'py>, runtime: &Runtime, future: F) -> PyResult<ValueOf<'py, O>>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    E: Into<PyErr> + Send + 'static,
{
    let value = runtime.block_on(py, future)?.map_err(Into::into)?;
    into_any(py, value).map(|object| ValueOf::new(object.into_bound(py)))
}
