//! A Rust program on tokio that uses asynchronous Python: `cargo run --example program -- [WHAT] [LOOP] [elsewhere]`.
//!
//! WHAT: `count` takes numbers from an asynchronous generator of Python's and prints their sum; `serve` goes on until Ctrl-C
//! ends it, and `listen` until it hears of Ctrl-C itself. LOOP: `asyncio`, `uvloop` or `trio`. With `elsewhere` the loop runs
//! in another thread than the main one.

use std::process::ExitCode;
use std::{env, thread};

use crossawait_core::pyo3::exceptions::PyKeyboardInterrupt;
use crossawait_core::pyo3::prelude::*;
use crossawait_core::{Caller, Runtime, entry};
use crossawait_tokio::Tokio;
use futures::TryStreamExt;

/// Runs on asyncio and on trio alike.
const NUMBERS: &std::ffi::CStr = c"
import anyio

async def below(end):
    for number in range(end):
        await anyio.sleep(0)
        yield number
";

async fn count(caller: Caller) -> PyResult<u64> {
    let numbers = caller.stream(
        |py| PyModule::from_code(py, NUMBERS, c"numbers.py", c"numbers")?.getattr("below")?.call1((100,)),
        |number| number.extract::<u64>(),
    );
    numbers.try_fold(0, |sum, number| async move { Ok(sum + number) }).await
}

/// Something that has to be left in order.
struct Connection;

impl Drop for Connection {
    fn drop(&mut self) {
        println!("closed");
    }
}

async fn serve(_caller: Caller) -> PyResult<u64> {
    let _connection = Connection;
    println!("open");
    std::future::pending().await
}

/// Ends by itself when Ctrl-C is pressed.
async fn listen(_caller: Caller) -> PyResult<u64> {
    let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    println!("open");
    interrupts.recv().await;
    tokio::task::yield_now().await;
    println!("goodbye");
    Ok(0)
}

type Runner = fn(&Bound<'_, PyAny>) -> PyResult<()>;

fn start(what: &str, runner: Runner) -> PyResult<u64> {
    let runtime = Runtime::new(Tokio::new()?);
    match what {
        "serve" => runtime.run_with(runner, serve)?,
        "listen" => runtime.run_with(entry::uninterrupted(runner), listen)?,
        _ => runtime.run_with(runner, count)?,
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).cloned().unwrap_or_default();
    let (what, is_elsewhere) = (argument(0), argument(2) == "elsewhere");
    let runner: Runner = match argument(1).as_str() {
        "uvloop" => entry::uvloop,
        "trio" => entry::trio,
        _ => entry::asyncio,
    };
    let ran = if is_elsewhere {
        entry::initialize();
        thread::spawn(move || start(&what, runner)).join().expect("no panic")
    } else {
        start(&what, runner)
    };
    match ran {
        Ok(sum) => {
            println!("{sum}");
            ExitCode::SUCCESS
        }
        Err(error) => ended_by(error),
    }
}

/// Says what went wrong; Ctrl-C is nothing to talk about.
#[expect(clippy::disallowed_methods, reason = "the program's own thread, which has been that of the event loop")]
fn ended_by(error: PyErr) -> ExitCode {
    Python::attach(|py| {
        if error.is_instance_of::<PyKeyboardInterrupt>(py) {
            println!("interrupted");
            return ExitCode::from(130);
        }
        error.print(py);
        ExitCode::FAILURE
    })
}
