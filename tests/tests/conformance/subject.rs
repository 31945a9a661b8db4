//! The executors, and what is known of them.

use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use crossawait_async_std::AsyncStd;
use crossawait_core::pyo3::prelude::*;
use crossawait_core::{Executor, Options, Runtime};
use crossawait_smol::Smol;
use crossawait_tests::custom::Custom;
use crossawait_tokio::Tokio;

pub(crate) const WORKERS: usize = 2;
const THREAD_NAME: &str = "subject";

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// An executor under test.
pub(crate) struct Subject {
    start: fn() -> Arc<dyn Executor>,
    pub(crate) name: &'static str,
    /// How many threads poll.
    pub(crate) workers: usize,
    /// The name of the threads that poll.
    pub(crate) thread_name: &'static str,
    /// Whether the executor knows how many threads poll.
    pub(crate) counts_workers: bool,
    /// Whether there is a blocking pool, timers and sockets.
    pub(crate) complete: bool,
}

impl Subject {
    pub(crate) fn runtime(&self) -> Runtime {
        Runtime::from_arc((self.start)())
    }

    /// Has every worker poll a future that blocks, until the result is dropped. Fails if a worker has died.
    pub(crate) fn occupy(&self, py: Python<'_>, runtime: &Runtime) -> Occupied {
        // One at a time: async-std's workers are the whole process's, and two that had one each would wait for ever.
        static TURN: Flag = Flag::new();
        py.detach(|| TURN.take());
        let occupied = Occupied { release: Arc::new(Flag::raised()), turn: &TURN };
        for _ in 0..self.workers {
            let release = occupied.release.clone();
            let (begin, begun) = channel();
            let block = async move {
                begin.send(()).unwrap();
                release.take();
                release.lower();
                Ok::<_, PyErr>(())
            };
            runtime.future_into_py(py, block).unwrap().call_method0("detach").unwrap();
            py.detach(move || begun.recv_timeout(PATIENCE)).expect("every worker is alive");
        }
        occupied
    }
}

/// Workers that block; see [`Subject::occupy`].
pub(crate) struct Occupied {
    release: Arc<Flag>,
    turn: &'static Flag,
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.release.lower();
        self.turn.lower();
    }
}

/// A flag that one thread at a time raises.
struct Flag(Mutex<bool>, Condvar);

impl Flag {
    const fn new() -> Self {
        Self(Mutex::new(false), Condvar::new())
    }

    const fn raised() -> Self {
        Self(Mutex::new(true), Condvar::new())
    }

    /// Waits until it is down, and raises it.
    fn take(&self) {
        let mut raised = self.0.lock().unwrap();
        while *raised {
            raised = self.1.wait(raised).unwrap();
        }
        *raised = true;
    }

    fn lower(&self) {
        *self.0.lock().unwrap() = false;
        self.1.notify_all();
    }
}

fn options() -> Options {
    Options::new().worker_threads(WORKERS).thread_name(THREAD_NAME)
}

pub(crate) fn tokio() -> Subject {
    Subject {
        start: || Arc::new(Tokio::with_options(&options()).unwrap()),
        name: "tokio",
        workers: WORKERS,
        thread_name: THREAD_NAME,
        counts_workers: true,
        complete: true,
    }
}

pub(crate) fn smol() -> Subject {
    Subject {
        start: || Arc::new(Smol::with_options(&options()).unwrap()),
        name: "smol",
        workers: WORKERS,
        thread_name: THREAD_NAME,
        counts_workers: true,
        complete: true,
    }
}

pub(crate) fn async_std() -> Subject {
    Subject {
        start: || Arc::new(AsyncStd::new().unwrap()),
        name: "async-std",
        // Its number and name of threads come from the environment; these are the defaults.
        workers: thread::available_parallelism().unwrap().get(),
        thread_name: "async-std/runtime",
        counts_workers: true,
        complete: true,
    }
}

pub(crate) fn custom() -> Subject {
    Subject {
        start: || Arc::new(Custom::new(WORKERS, THREAD_NAME)),
        name: "custom",
        workers: WORKERS,
        thread_name: THREAD_NAME,
        counts_workers: true,
        complete: false,
    }
}

/// A runtime that belongs to the tests.
pub(crate) fn tokio_owner() -> ::tokio::runtime::Runtime {
    let mut builder = ::tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().thread_name(THREAD_NAME).build().unwrap()
}

pub(crate) fn adopted_tokio() -> Subject {
    static OWNER: OnceLock<::tokio::runtime::Runtime> = OnceLock::new();
    Subject {
        start: || Arc::new(Tokio::from_handle(OWNER.get_or_init(tokio_owner).handle().clone())),
        name: "tokio",
        workers: 1,
        thread_name: THREAD_NAME,
        counts_workers: true,
        complete: true,
    }
}

/// An executor that belongs to the tests, with a thread that runs it as long as it exists.
pub(crate) fn smol_owner() -> Arc<::smol::Executor<'static>> {
    let executor = Arc::new(::smol::Executor::new());
    let running = executor.clone();
    let run = move || ::smol::block_on(running.run(std::future::pending::<()>()));
    thread::Builder::new().name(THREAD_NAME.into()).spawn(run).unwrap();
    executor
}

pub(crate) fn adopted_smol() -> Subject {
    static OWNER: OnceLock<Arc<::smol::Executor<'static>>> = OnceLock::new();
    Subject {
        start: || Arc::new(Smol::from_executor(OWNER.get_or_init(smol_owner).clone())),
        name: "smol",
        workers: 1,
        thread_name: THREAD_NAME,
        counts_workers: false,
        complete: true,
    }
}
