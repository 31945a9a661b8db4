//! An executor of threads and a channel: the proof that the trait is enough for a runtime of one's own.

use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use crossawait_core::{Executor, Task};

/// Some threads that poll tasks. It has no timers, no sockets and no blocking pool.
#[derive(Debug)]
pub struct Custom {
    shared: Arc<Shared>,
    worker_threads: usize,
    /// Each thread owns a sender for this, and never sends: it is disconnected once they have all ended.
    ended: Mutex<Receiver<()>>,
}

#[derive(Debug)]
struct Shared {
    /// `None` once shut down.
    ready: Mutex<Option<Sender<Arc<Running>>>>,
    /// To be dropped at shutdown, wherever their wakers are.
    live: Mutex<Vec<Weak<Running>>>,
}

#[derive(Debug)]
struct Running {
    task: Mutex<Option<Task>>,
    shared: Arc<Shared>,
}

impl Custom {
    /// Starts `worker_threads` threads of that name.
    pub fn new(worker_threads: usize, name: &str) -> Self {
        let (ready, work) = channel::<Arc<Running>>();
        let (running, ended) = channel();
        let work = Arc::new(Mutex::new(work));
        for _ in 0..worker_threads {
            let (work, running) = (work.clone(), running.clone());
            let poll_until_shutdown = move || {
                while let Some(next) = { work.lock().unwrap().recv().ok() } {
                    next.poll();
                }
                drop(running);
            };
            thread::Builder::new().name(name.into()).spawn(poll_until_shutdown).expect("one more thread");
        }
        let shared = Shared { ready: Mutex::new(Some(ready)), live: Mutex::default() };
        Self { shared: Arc::new(shared), worker_threads, ended: Mutex::new(ended) }
    }
}

impl Executor for Custom {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        let ready = self.shared.ready.lock().unwrap();
        let Some(sender) = &*ready else {
            return Err(task);
        };
        let running = Arc::new(Running { task: Mutex::new(Some(task)), shared: self.shared.clone() });
        let mut live = self.shared.live.lock().unwrap();
        live.retain(|task| task.strong_count() > 0);
        live.push(Arc::downgrade(&running));
        sender.send(running).expect("the receiver lives as long as a worker");
        Ok(())
    }

    fn shutdown(&self, timeout: Duration) {
        let admission = self.shared.ready.lock().unwrap().take();
        drop(admission);
        let live = std::mem::take(&mut *self.shared.live.lock().unwrap());
        for running in live.iter().filter_map(Weak::upgrade) {
            // A task that is being polled is left to the thread that polls it, which may be this one.
            let task = running.task.try_lock().ok().and_then(|mut slot| slot.take());
            drop(task);
        }
        // An error is what is waited for: all threads have ended, or time is up.
        let _ = self.ended.lock().unwrap().recv_timeout(timeout);
    }

    fn worker_threads(&self) -> usize {
        self.worker_threads
    }
}

impl Drop for Custom {
    fn drop(&mut self) {
        self.shutdown(Duration::ZERO);
    }
}

impl Running {
    fn poll(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut slot = self.task.lock().unwrap();
        if let Some(task) = &mut *slot {
            if Pin::new(task).poll(&mut Context::from_waker(&waker)).is_ready() {
                *slot = None;
            }
        }
        drop(slot);
        if self.shared.ready.lock().unwrap().is_none() {
            let task = self.task.lock().unwrap().take();
            drop(task);
        }
    }
}

impl Wake for Running {
    fn wake(self: Arc<Self>) {
        if let Some(ready) = &*self.shared.ready.lock().unwrap() {
            // Refused once the threads have ended.
            let _ = ready.send(self.clone());
        }
    }
}
