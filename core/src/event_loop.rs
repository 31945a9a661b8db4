//! An event loop as this library sees it: a queue that anybody may push to, and a table of awaitables that wait.
//!
//! There is one [`EventLoop`] for each Python loop (a loop of asyncio's kind, or a run of trio, known by its token), made
//! when the loop is first met on its own thread. Runtime threads know only its [`Queue`](queue::Queue). The table holds
//! the strong references to awaitables that have waiters, so messages need carry nothing but a key, and no runtime
//! thread ever owns a Python object.

mod backlog;
mod drain;
pub(crate) mod notifier;
pub(crate) mod patience;
pub(crate) mod queue;
pub(crate) mod residents;
pub(crate) mod step;
pub(crate) mod waiting;
pub(crate) mod wake;

use std::cell::RefCell;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use slotmap::{DefaultKey, Key, KeyData, SlotMap};

use crate::awaitable::Awaitable;
use crate::once::once;
use crate::running_loop::running_loop;
use crate::sync::Mutex;
use crate::trio;
use backlog::Backlog;
use drain::Drain;
use queue::{Blocked, Message, Queue};
use residents::Residents;
use step::Manner;
use waiting::Waiting;

/// The library's side of one Python event loop. Except for the queue it is touched only by attached threads.
pub(crate) struct EventLoop {
    queue: Arc<Queue>,
    /// Awaitables with waiters that a message will come for; `None` once closed.
    waiting: Mutex<Option<SlotMap<DefaultKey, Py<Awaitable>>>>,
    /// Python tasks that Rust waits for; `None` once closed.
    tasks: Mutex<Option<SlotMap<DefaultKey, Waiting>>>,
    /// Rust tasks that are polled here.
    residents: Residents,
    /// Messages that a bounded drain has taken but not got to. Only the loop's thread adds or removes.
    backlog: Mutex<Backlog>,
    manner: Manner,
    /// The run of trio is about to end, as soon as nothing is waited for.
    leaving: AtomicBool,
}

/// What kind of Python loop it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Asyncio,
    /// A run of trio. Its object is the `TrioToken`, and waiters are trio's tasks.
    Trio,
}

impl Kind {
    /// How its waiters are woken.
    fn manner(self) -> Manner {
        match self {
            Kind::Trio => Manner::Trio,
            // For differential tests.
            Kind::Asyncio if std::env::var_os("CROSSAWAIT_STRICT").is_some_and(|value| value == "1") => {
                Manner::Scheduled
            }
            Kind::Asyncio => Manner::Direct,
        }
    }
}

/// A `WeakKeyDictionary` from loops to handles: identity and eviction as the standard library does them.
fn known_loops(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static LOOPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let loops = once(py, &LOOPS, || py.import("weakref")?.call_method0("WeakKeyDictionary").map(Bound::unbind))?;
    Ok(loops.bind(py))
}

/// The loop of either kind that runs in this thread: that of trio in front, which may be a guest of asyncio's.
fn running_here(py: Python<'_>) -> PyResult<Option<(Bound<'_, PyAny>, Kind)>> {
    if trio::is_running(py)? {
        return Ok(Some((trio::current_token(py)?, Kind::Trio)));
    }
    Ok(running_loop(py)?.map(|python_loop| (python_loop, Kind::Asyncio)))
}

/// Where a thread stands to a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The loop runs in this thread.
    Inside,
    /// Another loop does.
    InsideAnother,
    /// No loop does.
    Outside,
}

/// The loop that was last seen running in a thread.
struct LastSeen {
    /// Identifies the loop for as long as the queue is open: a loop that is closed or freed drops the drain first,
    /// which closes the queue.
    address: usize,
    event_loop: Arc<EventLoop>,
}

thread_local! {
    static LAST_SEEN: RefCell<Option<LastSeen>> = const { RefCell::new(None) };
}

impl EventLoop {
    /// The loop that runs in this thread, with its Python object; `None` if none does.
    pub(crate) fn running(py: Python<'_>) -> PyResult<Option<(Bound<'_, PyAny>, Arc<EventLoop>)>> {
        let (python_loop, kind) = match running_here(py)? {
            Some(found) => found,
            None => return Ok(None),
        };
        let address = python_loop.as_ptr() as usize;
        if let Some(event_loop) = Self::seen(address) {
            return Ok(Some((python_loop, event_loop)));
        }
        let event_loop = Self::find_or_make(&python_loop, kind)?;
        let previous = LAST_SEEN.replace(Some(LastSeen { address, event_loop: event_loop.clone() }));
        // Dropped outside the borrow: its destructors may come back here.
        drop(previous);
        Ok(Some((python_loop, event_loop)))
    }

    /// Says that the loop of this thread stands still, if one runs here, until the guard is dropped. What is waited for may
    /// be one of the tasks that the loop polls, or wait for one: their runtimes go on with them.
    pub(crate) fn block_running(py: Python<'_>) -> PyResult<Option<Blocked>> {
        let Some((_, event_loop)) = Self::running(py)? else {
            return Ok(None);
        };
        let blocked = Blocked::new(event_loop.queue.clone());
        event_loop.residents.hand_over();
        Ok(Some(blocked))
    }

    /// The loop that runs in this thread, if it can poll a task: if it is not blocked.
    pub(crate) fn polling(py: Python<'_>) -> Option<Arc<EventLoop>> {
        let (_, event_loop) = Self::running(py).ok()??;
        event_loop.queue.check_unblocked().is_ok().then_some(event_loop)
    }

    /// Where this thread stands to `python_loop`.
    pub(crate) fn standing(python_loop: &Bound<'_, PyAny>) -> PyResult<Standing> {
        Ok(match running_here(python_loop.py())? {
            None => Standing::Outside,
            Some((running, _)) if running.is(python_loop) => Standing::Inside,
            Some(_) => Standing::InsideAnother,
        })
    }

    /// The loop last seen in this thread, if it is that at `address` and still open.
    fn seen(address: usize) -> Option<Arc<EventLoop>> {
        LAST_SEEN.with_borrow(|seen| match seen {
            Some(seen) if seen.address == address && !seen.event_loop.queue.is_closed() => {
                Some(seen.event_loop.clone())
            }
            _ => None,
        })
    }

    /// That of `python_loop`, wherever it runs, if this library has met it.
    pub(crate) fn known(python_loop: &Bound<'_, PyAny>) -> PyResult<Option<Arc<EventLoop>>> {
        let handle = known_loops(python_loop.py())?.call_method1("get", (python_loop,))?;
        let event_loop = handle.cast::<Handle>().ok().map(|handle| handle.get().event_loop.clone());
        Ok(event_loop.filter(|event_loop| !event_loop.queue.is_closed()))
    }

    fn find_or_make(python_loop: &Bound<'_, PyAny>, kind: Kind) -> PyResult<Arc<EventLoop>> {
        if let Some(event_loop) = Self::known(python_loop)? {
            return Ok(event_loop);
        }
        let py = python_loop.py();
        let (event_loop, drain) = drain::install(python_loop, kind)?;
        known_loops(py)?
            .set_item(python_loop, Bound::new(py, Handle { event_loop: event_loop.clone(), _drain: drain })?)?;
        Ok(event_loop)
    }

    pub(crate) fn new(queue: Arc<Queue>, kind: Kind) -> Arc<Self> {
        Arc::new(Self {
            queue,
            waiting: Mutex::new(Some(SlotMap::new())),
            tasks: Mutex::new(Some(SlotMap::new())),
            residents: Residents::new(),
            backlog: Mutex::default(),
            manner: kind.manner(),
            leaving: AtomicBool::new(false),
        })
    }

    pub(crate) fn is_trio(&self) -> bool {
        self.manner == Manner::Trio
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    pub(crate) fn residents(&self) -> &Residents {
        &self.residents
    }

    /// Keeps `awaitable` alive until [`release`](Self::release), and gives it a key for messages. `None` if the loop is
    /// closed: no message will ever be read.
    pub(crate) fn retain(&self, awaitable: Bound<'_, Awaitable>) -> Option<u64> {
        let awaitable = awaitable.unbind();
        let mut waiting = self.waiting.lock();
        match &mut *waiting {
            Some(table) => Some(table.insert(awaitable).data().as_ffi()),
            None => {
                drop(waiting);
                drop(awaitable);
                None
            }
        }
    }

    /// Gives back what `key` stands for; `None` if it was released before.
    pub(crate) fn release(&self, key: u64) -> Option<Py<Awaitable>> {
        let (released, last) = {
            let mut waiting = self.waiting.lock();
            let waiting = waiting.as_mut()?;
            (waiting.remove(DefaultKey::from(KeyData::from_ffi(key))), waiting.is_empty())
        };
        if last && self.leaving.load(Ordering::Relaxed) {
            let _ = self.queue.push(Message::Drop(Box::new(())));
        }
        released
    }

    /// Whether an awaitable has waiters here. From now on the loop is woken when there are none left.
    fn is_awaited(&self) -> bool {
        self.leaving.store(true, Ordering::Relaxed);
        self.waiting.lock().as_ref().is_some_and(|waiting| !waiting.is_empty())
    }

    /// Whatever waits, in no order.
    fn all_waiting(&self, py: Python<'_>) -> Vec<Py<Awaitable>> {
        let waiting = self.waiting.lock();
        waiting.iter().flat_map(SlotMap::values).map(|awaitable| awaitable.clone_ref(py)).collect()
    }

    /// Shows the garbage collector what the drain owns by way of this. A loop that is forgotten without being closed is
    /// part of a cycle: loop, drain, awaitable, the task that waits, loop.
    ///
    /// Only `waiting`: its lock is held by attached threads alone, for a few instructions. If one was stopped just there,
    /// nothing is visited, and what is not visited counts as reachable.
    ///
    /// That holds for a forked child's inherited loops, too: asyncio would close one that is collected, and take its
    /// descriptors out of the epoll instance that the parent still waits on.
    fn traverse(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        if self.queue.is_inherited() {
            return Ok(());
        }
        let waiting = self.waiting.try_lock();
        waiting
            .iter()
            .flat_map(|waiting| waiting.iter())
            .flat_map(SlotMap::values)
            .try_for_each(|each| visit.call(each))
    }

    /// Takes no more messages and drops everything that is on the way: the Python loop is closed or gone.
    fn close(&self) {
        let messages = self.queue.close();
        let backlog = std::mem::take(&mut *self.backlog.lock());
        let waiting = std::mem::take(&mut *self.waiting.lock());
        let tasks = std::mem::take(&mut *self.tasks.lock());
        // Dropped after the locks: this runs destructors of Python objects.
        drop((messages, backlog, waiting));
        self.residents.close();
        waiting::abandon(tasks.into_iter().flat_map(|tasks| tasks.into_iter().map(|(_, waiting)| waiting)));
        self.unsee();
    }
}

impl EventLoop {
    /// Lets go of the Python loop, if it is the one last seen in this thread.
    fn unsee(&self) {
        // `try_with`: a thread that is ending may have no thread-locals left.
        let seen = LAST_SEEN.try_with(|seen| {
            let mut seen = seen.try_borrow_mut().ok()?;
            seen.take_if(|seen| ptr::eq(&*seen.event_loop, self))
        });
        drop(seen);
    }
}

/// Has the classes made of this module and below; see [`once`](crate::once).
pub(crate) fn make_classes(py: Python<'_>) {
    py.get_type::<Handle>();
    py.get_type::<Drain>();
    py.get_type::<waiting::End>();
}

/// The value kept for a loop in the table of loops. (Not the drain, which has to go when the loop lets go of it.)
#[pyclass(frozen, name = "EventLoopHandle")]
struct Handle {
    event_loop: Arc<EventLoop>,
    /// Kept here for a loop that does not keep it itself.
    _drain: Option<Py<Drain>>,
}
