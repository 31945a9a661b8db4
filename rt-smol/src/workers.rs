//! The threads that run an executor, and how they end.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use smol::Executor;
use smol::channel::{Receiver, Sender, bounded};

/// Running threads. Dropping this tells them to end and does not wait.
pub(crate) struct Workers {
    /// Never used to send: its end is the signal.
    stop: Sender<()>,
    running: Arc<Running>,
}

/// Counts threads that have not ended.
struct Running {
    count: Mutex<usize>,
    one_less: Condvar,
}

impl Workers {
    pub(crate) fn start(executor: &Arc<Executor<'static>>, count: usize, name: &str) -> io::Result<Self> {
        let (stop, stopped) = bounded(1);
        let workers = Self { stop, running: Arc::new(Running { count: Mutex::new(0), one_less: Condvar::new() }) };
        for _ in 0..count {
            workers.start_one(executor.clone(), stopped.clone(), name)?;
        }
        Ok(workers)
    }

    fn start_one(&self, executor: Arc<Executor<'static>>, stopped: Receiver<()>, name: &str) -> io::Result<()> {
        let running = RunningThread::count(self.running.clone());
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            smol::block_on(executor.run(async {
                // An error is the signal; there is no message.
                let _ = stopped.recv().await;
            }));
            // Before the count: whoever sees it at zero finds the executor's last reference gone from here.
            drop(executor);
            drop(running);
        })?;
        Ok(())
    }

    /// Tells the threads to end and waits for them, up to `timeout`.
    pub(crate) fn stop(self, timeout: Duration) {
        let Self { stop, running } = self;
        drop(stop);
        let deadline = Instant::now().checked_add(timeout);
        let mut count = running.count.lock();
        while *count > 0 {
            match deadline {
                None => running.one_less.wait(&mut count),
                Some(deadline) => {
                    if running.one_less.wait_until(&mut count, deadline).timed_out() {
                        return;
                    }
                }
            }
        }
    }
}

/// One counted thread, also if it panics.
struct RunningThread(Arc<Running>);

impl RunningThread {
    fn count(running: Arc<Running>) -> Self {
        *running.count.lock() += 1;
        Self(running)
    }
}

impl Drop for RunningThread {
    fn drop(&mut self) {
        *self.0.count.lock() -= 1;
        self.0.one_less.notify_all();
    }
}
