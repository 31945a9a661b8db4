//! What may be sent to and shared with other threads: the table of docs/soundness.md, as the compiler sees it.

use std::marker::PhantomData;

use crossawait_core::io::Socket;
use crossawait_core::pyo3::prelude::*;
use crossawait_core::{
    Awaitable, Builder, ByteStream, Caller, CancelToken, Coroutine, ForkGuard, Job, LoopBound, LoopMetrics, Metrics,
    Options, PythonFuture, PythonReader, PythonStream, PythonWriter, Runtime, StreamIterator, Task, TaskCloser,
    WeakRuntime,
};

/// What is said of a type that has no constant of its own.
trait No {
    #[expect(dead_code, reason = "so far, everything may be sent")]
    const SEND: bool = false;
    const SYNC: bool = false;
}

impl<T: ?Sized> No for T {}

struct OfType<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized + Send> OfType<T> {
    const SEND: bool = true;
}

impl<T: ?Sized + Sync> OfType<T> {
    const SYNC: bool = true;
}

/// Whether a type is `Send`, and whether it is `Sync`. A type's own constant, where it has one, comes before a trait's.
macro_rules! auto_traits {
    ($type:ty) => {
        (OfType::<$type>::SEND, OfType::<$type>::SYNC)
    };
}

const BOTH: (bool, bool) = (true, true);
const SEND_ONLY: (bool, bool) = (true, false);

#[test]
fn handles_may_be_shared() {
    assert_eq!(auto_traits!(Task), BOTH);
    assert_eq!(auto_traits!(TaskCloser), BOTH);
    assert_eq!(auto_traits!(Awaitable), BOTH);
    assert_eq!(auto_traits!(Coroutine), BOTH);
    assert_eq!(auto_traits!(StreamIterator), BOTH);
    assert_eq!(auto_traits!(ByteStream), BOTH);
    assert_eq!(auto_traits!(Runtime), BOTH);
    assert_eq!(auto_traits!(WeakRuntime), BOTH);
    assert_eq!(auto_traits!(Builder<'static>), BOTH);
    assert_eq!(auto_traits!(Caller), BOTH);
    assert_eq!(auto_traits!(CancelToken), BOTH);
    assert_eq!(auto_traits!(ForkGuard), BOTH);
    assert_eq!(auto_traits!(Socket), BOTH);
}

#[test]
fn plain_data_may_be_shared() {
    assert_eq!(auto_traits!(Options), BOTH);
    assert_eq!(auto_traits!(Metrics), BOTH);
    assert_eq!(auto_traits!(LoopMetrics), BOTH);
}

#[test]
fn what_is_used_up_is_sent_and_not_shared() {
    assert_eq!(auto_traits!(Job), SEND_ONLY);
    assert_eq!(auto_traits!(PythonReader), SEND_ONLY);
    assert_eq!(auto_traits!(PythonWriter), SEND_ONLY);
    assert_eq!(auto_traits!(PythonFuture<Py<PyAny>>), SEND_ONLY);
    assert_eq!(auto_traits!(PythonStream<Py<PyAny>>), SEND_ONLY);
}

#[test]
fn a_bound_value_may_be_shared_if_it_may_itself() {
    assert_eq!(auto_traits!(LoopBound<Py<PyAny>>), BOTH);
    assert_eq!(auto_traits!(LoopBound<std::cell::Cell<u32>>), SEND_ONLY);
}
