//! Rule 1: runtime threads never attach to Python. Alone in its process, since it watches all of it.
//!
//! Attaching a thread that Python does not know makes a thread state, and each has a number that counts up. Two of our
//! own, one before the work and one after it, tell whether anybody else made any in between.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossawait_async_std::AsyncStd;
use crossawait_core::pyo3::exceptions::PyValueError;
use crossawait_core::pyo3::ffi;
use crossawait_core::pyo3::prelude::*;
use crossawait_core::{Caller, Options, Runtime};
use crossawait_smol::Smol;
use crossawait_tests::custom::Custom;
use crossawait_tests::embedded::{attached, callable, class_of, run};
use crossawait_tests::extension;
use crossawait_tests::gate::{Gate, yields};
use crossawait_tests::macros::Client;
use crossawait_tests::probe::Probe;
use crossawait_tests::value::Value;
use crossawait_tokio::Tokio;
use futures::io::{AsyncWriteExt, Cursor, copy_buf};

const PATIENCE: Duration = Duration::from_secs(60);

/// One test at a time: `cargo test` runs them in one process.
static ALONE: Mutex<()> = Mutex::new(());

fn runtimes() -> Vec<Runtime> {
    let options = Options::new().worker_threads(2);
    vec![
        Runtime::new(Tokio::with_options(&options).unwrap()),
        Runtime::new(AsyncStd::new().unwrap()),
        Runtime::new(Smol::with_options(&options).unwrap()),
        Runtime::new(Custom::new(2, "custom")),
    ]
}

/// The number of the thread state that a fresh thread gets when it attaches.
fn next_thread_state() -> i64 {
    let number = || {
        attached(|_| {
            // SAFETY: this thread is attached, so it has a thread state.
            unsafe { ffi::PyThreadState_GetID(ffi::PyThreadState_Get()) }
        })
    };
    thread::spawn(number).join().unwrap()
}

/// Has the runtime read from Python's byte streams and write to them, also in vain, and Python from those of the runtime.
fn carry_bytes(py: Python<'_>, runtime: &Runtime) {
    let code = c"
import asyncio

class Source:
    def __init__(self, count, error=None):
        self.left, self.error = count, error

    async def read(self, n):
        await asyncio.sleep(0)
        if self.left == 0 and self.error is not None:
            raise self.error
        self.left -= 1
        return b'x' * 1000 if self.left >= 0 else b''

class Sink:
    count = 0

    async def write_all(self, data):
        await asyncio.sleep(0)
        self.count += len(data)

    async def close(self):
        await asyncio.sleep(0)

async def main(copy, stream):
    sink = Sink()
    await copy(Source(100), sink)
    assert sink.count == 100_000
    error = ConnectionResetError('as told')
    failures = await asyncio.gather(copy(Source(3, error), sink), copy(Source(0, error), sink), return_exceptions=True)
    assert all(failure is error for failure in failures), failures
    async with stream:
        await copy(stream, sink)
    return sink.count
";
    let handle = runtime.clone();
    let copy = callable(py, move |arguments| {
        let py = arguments.py();
        let caller = Caller::current(py)?;
        let (reader, mut writer) = (caller.reader(&arguments.get_item(0)?)?, caller.writer(&arguments.get_item(1)?)?);
        let copying = handle.builder().spawn().coroutine_into_py(py, async move {
            copy_buf(reader, &mut writer).await?;
            writer.close().await
        });
        Ok(copying?.into_any().unbind())
    });
    let stream = runtime.byte_stream_into_py(py, Cursor::new(vec![1; 1000])).unwrap();
    let count = run(py, code, (copy, stream)).unwrap();
    assert!(count.extract::<usize>().unwrap() > 100_000);
}

/// Makes the runtime do everything that it does on threads of its own, some of it on an event loop.
fn work(py: Python<'_>, runtime: &Runtime) {
    carry_bytes(py, runtime);
    let spawn = |future: Gate<Result<Value, PyErr>>| runtime.future_into_py(py, future).unwrap();
    let gate = |outcome| {
        let gate = Gate::new();
        gate.open(outcome);
        gate
    };
    let (probe, waiting) = (Probe::new(), Gate::new());
    let pending = || probe.watch(std::future::pending::<Result<(), PyErr>>());
    let panicking = async { if true { panic!("an expected panic") } else { Ok::<(), PyErr>(()) } };
    let (cancelled, abandoned, left) = (pending(), pending(), pending());

    let outcomes = [
        spawn(gate(Ok(Value::Pair(1, 2)))),
        spawn(gate(Ok(Value::Fails))),
        spawn(gate(Ok(Value::Panics))),
        spawn(gate(Err(PyValueError::new_err("an expected error")))),
        runtime.future_into_py(py, panicking).unwrap(),
        spawn(waiting.clone()),
    ];
    let yielding = runtime.coroutine_into_py(py, async {
        yields(3).await;
        Ok::<_, PyErr>(())
    });
    let cancelled = runtime.future_into_py(py, cancelled).unwrap();
    let abandoned = runtime.future_into_py(py, abandoned).unwrap();
    let left = runtime.future_into_py(py, left).unwrap();
    let opener = thread::spawn(move || waiting.open(Ok(Value::Big(3))));

    let code = c"
import asyncio

async def main(outcomes, yielding, cancelled):
    asyncio.get_running_loop().call_soon(cancelled.cancel)
    return await asyncio.gather(*outcomes, yielding, cancelled, return_exceptions=True)
";
    let arguments = (outcomes.to_vec(), yielding.unwrap(), cancelled);
    let gathered = crossawait_tests::embedded::run(py, code, arguments).unwrap();
    assert_eq!(gathered.len().unwrap(), 8);
    py.detach(|| opener.join()).unwrap();
    drop(abandoned);
    py.detach(|| probe.wait_until("dropped twice", |seen| seen.drops.len() == 2));

    call_methods(py, runtime);

    runtime.shutdown(py, PATIENCE).unwrap();
    let seen = py.detach(|| probe.wait_until("dropped three times", |seen| seen.drops.len() == 3));
    assert_eq!(class_of(py, &left.call_method1("wait", (60,)).unwrap_err()), "RuntimeClosedError");
    assert!(seen.polls.iter().all(|place| !place.attached));
}

/// Two futures of methods, which keep the object they were called on; one ends, the other is cancelled.
fn call_methods(py: Python<'_>, runtime: &Runtime) {
    let code = c"
import asyncio
import weakref

async def main(client, gate, never):
    gone = asyncio.Event()
    reference = weakref.ref(client, lambda _: gone.set())
    first, second = asyncio.ensure_future(client.wait(gate)), asyncio.ensure_future(client.wait(never))
    del client
    await asyncio.sleep(0)
    never.wait_polled()
    gate.give(1, elsewhere=True)
    assert await first == 1
    second.cancel()
    await asyncio.wait([second])
    never.wait_dropped()
    del first, second
    await gone.wait()
";
    let client = Py::new(py, Client::over(runtime.clone())).unwrap();
    let gate = || py.get_type::<extension::Gate>().call0().unwrap();
    crossawait_tests::embedded::run(py, code, (client, gate(), gate())).unwrap();
}

#[test]
fn no_runtime_thread_makes_a_thread_state() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Whatever is made once is made now.
    attached(|py| runtimes().iter().for_each(|runtime| work(py, runtime)));
    attached(|py| {
        for runtime in runtimes() {
            let before = py.detach(next_thread_state);
            work(py, &runtime);
            let after = py.detach(next_thread_state);
            assert_eq!(after, before + 1, "a thread of {} attached", runtime.executor().name());
        }
    });
}

#[test]
fn counting_thread_states_notices_a_thread_that_attaches() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = Runtime::new(Custom::new(1, "custom"));
    attached(|py| {
        let before = py.detach(next_thread_state);
        let future = async { Ok::<_, PyErr>(attached(|py| py.None())) };
        runtime.future_into_py(py, future).unwrap().call_method1("wait", (60,)).unwrap();
        assert_eq!(py.detach(next_thread_state), before + 2);
    });
}

/// The same from the other side: work gets done while somebody else holds the interpreter throughout.
#[test]
fn tasks_settle_while_the_interpreter_is_held() {
    const EACH: u64 = 50;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    attached(|py| {
        for runtime in runtimes() {
            let mut awaitables = Vec::new();
            for _ in 0..EACH {
                let (probe, gate) = (Probe::new(), Gate::opened(Ok::<_, PyErr>(1)));
                awaitables.push(runtime.future_into_py(py, probe.watch(gate)).unwrap());
                let failing = async { Err::<(), _>(std::io::Error::from_raw_os_error(2)) };
                awaitables.push(runtime.future_into_py(py, failing).unwrap());
                let panicking = async { if true { panic!("an expected panic") } else { Ok::<(), PyErr>(()) } };
                awaitables.push(runtime.future_into_py(py, panicking).unwrap());
                let pending = probe.watch(std::future::pending::<Result<(), PyErr>>());
                let cancelled = runtime.future_into_py(py, pending).unwrap();
                cancelled.call_method0("cancel").unwrap();
                // Attached, on purpose: nobody else can be.
                probe.wait_until("dropped twice", |seen| seen.drops.len() == 2);
                drop(cancelled);
            }
            let deadline = Instant::now() + PATIENCE;
            while runtime.metrics().tasks_settled < 4 * EACH {
                assert!(Instant::now() < deadline, "{} waits for the interpreter", runtime.executor().name());
                thread::yield_now();
            }
            for awaitable in awaitables {
                // Retrieved, so that nobody reports it.
                let _ = awaitable.call_method0("exception");
            }
        }
    });
}
