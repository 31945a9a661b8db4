//! How long the parts take by themselves: the cell, the queue, the executor behind a pointer, and all of it with Python.
//!
//! `make bench-rust` runs it; `BENCH_OPTIONS="queue --sample-count 500"` goes to divan. Where times are too coarse, or the
//! machine too busy, `make instructions` counts.

mod embedded;

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use crossawait_core::Task;
use crossawait_core::bench::{Loop, Reader};
use crossawait_core::pyo3::prelude::*;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

/// Messages, or awaitables, in a batch.
const BATCH: usize = 1000;

fn main() {
    divan::main();
}

fn poll(task: &mut Task, waker: &Waker) -> Poll<()> {
    use std::future::Future;
    Pin::new(task).poll(&mut Context::from_waker(waker))
}

/// Counts how often an executor is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

mod cell {
    use super::*;

    #[divan::bench]
    fn make() -> (Task, Reader) {
        Reader::of_ready()
    }

    /// Nobody has asked to be told.
    #[divan::bench]
    fn settle(bencher: Bencher<'_, '_>) {
        bencher.with_inputs(Reader::of_ready).bench_local_refs(|(task, _)| poll(task, Waker::noop()));
    }

    /// A loop is told that is awake.
    #[divan::bench]
    fn settle_and_tell(bencher: Bencher<'_, '_>) {
        let own = Loop::new().expect("the system has a descriptor");
        own.push(0);
        bencher
            .with_inputs(|| {
                own.drain();
                own.push(0);
                let (task, reader) = Reader::of_ready();
                assert!(reader.watch(&own, 1));
                (task, reader)
            })
            .bench_local_refs(|(task, _)| poll(task, Waker::noop()));
    }

    /// Before anybody has polled it.
    #[divan::bench]
    fn cancel(bencher: Bencher<'_, '_>) {
        bencher.with_inputs(Reader::of_pending).bench_local_refs(|(_, reader)| reader.cancel());
    }

    /// The executor is woken, to drop the future.
    #[divan::bench]
    fn cancel_and_wake(bencher: Bencher<'_, '_>) {
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(woken.clone());
        bencher
            .with_inputs(|| {
                let (mut task, reader) = Reader::of_pending();
                assert!(poll(&mut task, &waker).is_pending());
                (task, reader)
            })
            .bench_local_refs(|(_, reader)| reader.cancel());
        assert!(woken.0.load(Ordering::Relaxed) > 0);
    }
}

mod queue {
    use super::*;

    /// A batch from so many threads, into a queue that nobody drains meanwhile. The threads start together; starting them
    /// is part of the time.
    #[divan::bench(args = [1, 2, 4, 8, 16], sample_size = 1)]
    fn push(bencher: Bencher<'_, '_>, producers: usize) {
        let each = 16 * BATCH / producers;
        bencher.counter(ItemsCount::new(16 * BATCH)).with_inputs(Loop::new).bench_local_refs(|own| {
            let Ok(own) = own else { panic!("the system has no descriptor left") };
            let together = Barrier::new(producers);
            thread::scope(|scope| {
                for _ in 0..producers {
                    scope.spawn(|| {
                        together.wait();
                        (0..each).for_each(|key| own.push(key as u64));
                    });
                }
            });
        });
    }

    /// Takes a batch.
    #[divan::bench]
    fn drain(bencher: Bencher<'_, '_>) {
        let own = Loop::new().expect("the system has a descriptor");
        bencher
            .counter(ItemsCount::new(BATCH))
            .with_inputs(|| (0..BATCH).for_each(|key| own.push(key as u64)))
            .bench_local_values(|()| assert_eq!(own.drain(), BATCH));
    }

    /// One message that finds the loop asleep: a write to the descriptor, and a read.
    #[divan::bench]
    fn push_wake_and_drain(bencher: Bencher<'_, '_>) {
        let own = Loop::new().expect("the system has a descriptor");
        bencher.bench_local(|| {
            own.push(black_box(1));
            own.drain()
        });
    }
}

/// Of an awaitable: made, spawned, polled, settled, drained, and its task stepped; a batch at a time.
mod awaitable {
    use super::*;

    #[divan::bench(args = [
        "gather", "gather of coroutines", "gather, made in Python", "callback", "in turn", "ready at once", "settled",
        "spawn, static", "spawn, dyn", "asyncio: gather", "asyncio: gather of nothing", "asyncio: in turn",
    ])]
    fn batch(bencher: Bencher<'_, '_>, name: &str) {
        embedded::with_python(|py| {
            let run = embedded::workloads(py)?.getattr("run")?;
            bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
                run.call1((name, BATCH)).map(drop).expect("the workload runs");
            });
            Ok(())
        });
    }
}
