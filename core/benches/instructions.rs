//! What callgrind counts: each workload in a window of so many operations, and in one of twice as many.
//!
//! `tests/instructions` runs this under callgrind, which collects inside of [`crossawait_window`] only and writes a profile at each
//! end of it. This says on its output which window was which.

mod embedded;

use std::ffi::c_int;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crossawait_core::Task;
use crossawait_core::bench::{Loop, Reader};
use crossawait_core::pyo3::prelude::*;

/// Operations in a workload's first window.
const OPERATIONS: usize = 200;

/// A clock that stands nearly still, for this program and what it has linked: a drain ends after 5 ms, and how often it
/// looks depends on how quickly it gets on. No two runs would do the same.
///
/// # Safety
/// As for the system's function of this name: `time` points to where the time goes.
// SAFETY: the name and the types are those of the system's function, which has no other purpose.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(_clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    use std::sync::atomic::{AtomicI64, Ordering};
    static MICROSECONDS: AtomicI64 = AtomicI64::new(0);
    let now = MICROSECONDS.fetch_add(1, Ordering::Relaxed);
    let now = libc::timespec { tv_sec: now / 1_000_000, tv_nsec: now % 1_000_000 * 1000 };
    // SAFETY: the caller's promise.
    unsafe { time.write(now) };
    0
}

/// What happens in here is counted.
// SAFETY: nothing else has this name, which callgrind is told however the compiler mangles names.
#[unsafe(no_mangle)]
#[inline(never)]
fn crossawait_window(body: &mut dyn FnMut()) {
    body();
    // Behind the call, so that it is none that jumps away.
    black_box(());
}

/// Counts `body`, which does so many operations, with one number of them and with twice as many.
fn count(name: &str, mut body: impl FnMut(usize)) {
    // Memory is there, caches are filled, what is done once is done.
    body(2 * OPERATIONS);
    // Now and then a table grows, or memory is fetched: the middle one of three has seen none of that.
    for _ in 0..3 {
        for operations in [OPERATIONS, 2 * OPERATIONS] {
            crossawait_window(&mut || body(operations));
            println!("window {operations} {name}");
        }
    }
}

fn poll(task: &mut Task) -> Poll<()> {
    use std::future::Future;
    Pin::new(task).poll(&mut Context::from_waker(Waker::noop()))
}

fn cells() {
    count("cell: settle", |operations| {
        for _ in 0..operations {
            let (mut task, reader) = Reader::of_ready();
            let _ = black_box(poll(&mut task));
            drop(black_box(reader));
        }
    });
    count("cell: cancel", |operations| {
        for _ in 0..operations {
            let (mut task, reader) = Reader::of_pending();
            let _ = black_box(poll(&mut task));
            black_box(reader.cancel());
            let _ = black_box(poll(&mut task));
        }
    });
}

fn queues() -> std::io::Result<()> {
    let own = Loop::new()?;
    count("cell: settle and tell", |operations| {
        for key in 0..operations {
            let (mut task, reader) = Reader::of_ready();
            black_box(reader.watch(&own, key as u64));
            let _ = black_box(poll(&mut task));
        }
        black_box(own.drain());
    });
    count("queue: push and drain", |operations| {
        (0..operations).for_each(|key| own.push(key as u64));
        black_box(own.drain());
    });
    count("queue: push, wake and drain", |operations| {
        for key in 0..operations {
            own.push(key as u64);
            black_box(own.drain());
        }
    });
    Ok(())
}

fn python(py: Python<'_>) -> PyResult<()> {
    let module = embedded::workloads(py)?;
    let run = module.getattr("run")?;
    for name in module.getattr("WORKLOADS")?.try_iter()? {
        let name: String = name?.extract()?;
        let mut failure = None;
        count(&name, |operations| {
            if let Err(error) = run.call1((&name, operations)) {
                failure = Some(error);
            }
        });
        failure.map_or(Ok(()), Err)?;
    }
    Ok(())
}

fn main() {
    cells();
    queues().expect("the system has a descriptor");
    embedded::with_python(|py| {
        println!("python {}", py.import("sys")?.getattr("version")?.str()?.to_str()?.replace('\n', " "));
        python(py)
    });
}
