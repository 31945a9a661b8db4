//! Random sequences of what may happen to a cell, beside a model of what must come of it.
//!
//! Here everything happens in one thread; orders of several are the matter of `crate::models`. A sequence that fails is
//! shrunk, and kept in `core/proptest-regressions` to be tried first from then on. `PROPTEST_CASES` makes it longer.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use proptest::prelude::*;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::{Cancelling, CellRef, Phase, Task};
use crate::cancel_token::CancelToken;
use crate::event_loop::queue::{Message, Queue};
use crate::event_loop::wake::{Wake as WakeLoop, WakeFd};
use crate::metrics::Record;

/// What the future does when it is polled; pending when nothing is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Pending,
    Value,
    Error,
    Panic,
}

/// What happens to the cell.
#[derive(Clone, Copy, Debug)]
enum Action {
    Poll,
    DropTask,
    Spawned,
    Cancel,
    CancelAtOnce,
    CancelForAll,
    Close,
    Watch(u64),
    CloseQueue,
    Take,
    Discard,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        4 => Just(Action::Poll),
        1 => Just(Action::DropTask),
        1 => Just(Action::Spawned),
        1 => Just(Action::Cancel),
        1 => Just(Action::CancelAtOnce),
        1 => Just(Action::CancelForAll),
        1 => Just(Action::Close),
        3 => (1..4u64).prop_map(Action::Watch),
        1 => Just(Action::CloseQueue),
        2 => Just(Action::Take),
        1 => Just(Action::Discard),
    ];
    proptest::collection::vec(action, 1..24)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let end = prop_oneof![Just(Step::Value), Just(Step::Error), Just(Step::Panic), Just(Step::Pending)];
    (0..3usize, end).prop_map(|(pending, end)| {
        let mut steps = vec![Step::Pending; pending];
        steps.push(end);
        steps
    })
}

/// Counts its drops, and may panic in one.
struct Counted {
    drops: Arc<AtomicUsize>,
    panics: bool,
}

impl Counted {
    fn new(drops: &Arc<AtomicUsize>, panics: bool) -> Self {
        Self { drops: drops.clone(), panics }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        if self.panics {
            // Not `panic!`: nobody has to read of thousands of them.
            resume_unwind(Box::new("an expected panic"));
        }
    }
}

impl<'py> IntoPyObject<'py> for Counted {
    type Target = PyInt;
    type Output = Bound<'py, PyInt>;
    type Error = std::convert::Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Bound<'py, PyInt>, Self::Error> {
        42_i64.into_pyobject(py)
    }
}

struct Scripted {
    steps: VecDeque<Step>,
    value: Option<Counted>,
    _own: Counted,
}

impl Future for Scripted {
    type Output = PyResult<Counted>;

    fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.steps.pop_front() {
            None | Some(Step::Pending) => Poll::Pending,
            Some(Step::Value) => Poll::Ready(Ok(self.value.take().unwrap())),
            Some(Step::Error) => Poll::Ready(Err(PyValueError::new_err("an expected error"))),
            Some(Step::Panic) => resume_unwind(Box::new("an expected panic")),
        }
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The cell and everything around it.
struct Real {
    task: Option<Task>,
    cell: CellRef,
    queue: Arc<Queue>,
    woken: Arc<Woken>,
    record: Arc<Record>,
    future_drops: Arc<AtomicUsize>,
    value_drops: Arc<AtomicUsize>,
}

/// What must be the case.
#[derive(Debug)]
struct Model {
    steps: VecDeque<Step>,
    has_token: bool,
    future_panics: bool,
    phase: Phase,
    asked: bool,
    failed: bool,
    /// The writing side has not finished.
    writes: bool,
    has_future: bool,
    /// The outcome is a value that lies in the cell.
    has_value: bool,
    waker: bool,
    woken: usize,
    watched: Option<u64>,
    open: bool,
    spawned: u64,
    settled: u64,
}

impl Model {
    /// Leaves PENDING, if it is that.
    fn settle(&mut self, phase: Phase, tell: bool) -> (bool, Option<u64>) {
        if self.phase != Phase::Pending {
            return (false, None);
        }
        self.phase = phase;
        self.settled += u64::from(self.spawned > 0);
        (true, self.watched.filter(|_| tell && self.open))
    }

    fn wake(&mut self) {
        self.woken += usize::from(std::mem::take(&mut self.waker));
    }

    fn finish_writing(&mut self) {
        self.writes = false;
        self.waker = false;
    }

    fn poll(&mut self) -> (bool, Option<u64>) {
        if !self.writes {
            return (true, None);
        }
        let step =
            if self.phase == Phase::Pending { self.steps.pop_front().unwrap_or(Step::Pending) } else { Step::Panic };
        if self.phase != Phase::Pending {
            self.has_future = false;
            self.finish_writing();
            return (true, None);
        }
        if step == Step::Pending {
            self.waker = true;
            return (false, None);
        }
        self.has_future = false;
        self.failed = step != Step::Value || self.future_panics;
        let cancelled = self.asked && !self.failed;
        self.has_value = !self.failed && !cancelled;
        let (_, told) = self.settle(if cancelled { Phase::Cancelled } else { Phase::Complete }, true);
        self.finish_writing();
        (true, told)
    }

    fn drop_task(&mut self) -> Option<u64> {
        if !self.writes {
            return None;
        }
        self.has_future = false;
        let (_, told) = self.settle(Phase::Closed, true);
        self.finish_writing();
        told
    }

    /// `Some` if the task has a token: then cancelling is a question.
    fn ask(&mut self) -> Option<Cancelling> {
        if !self.has_token {
            return None;
        }
        self.asked |= self.phase == Phase::Pending;
        Some(if self.phase == Phase::Pending { Cancelling::Asked } else { Cancelling::TooLate })
    }

    fn settle_and_wake(&mut self, phase: Phase, tell: bool) -> (bool, Option<u64>) {
        let (settled, told) = self.settle(phase, tell);
        if settled {
            self.wake();
        }
        (settled, told)
    }
}

impl Real {
    fn new(steps: &[Step], has_token: bool, future_panics: bool) -> Self {
        let (future_drops, value_drops) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let future = Scripted {
            steps: steps.iter().copied().collect(),
            value: steps.contains(&Step::Value).then(|| Counted::new(&value_drops, false)),
            _own: Counted::new(&future_drops, future_panics),
        };
        let record = Arc::new(Record::default());
        let (task, cell) = Task::with_token(future, Some(record.clone()), has_token.then(CancelToken::new));
        let queue = Queue::new(WakeLoop::Fd(WakeFd::new().unwrap()));
        Self { task: Some(task), cell, queue, woken: Arc::default(), record, future_drops, value_drops }
    }

    /// Does it to both, and compares what they answer.
    fn act(&mut self, model: &mut Model, action: Action, py: Option<Python<'_>>) -> Result<(), TestCaseError> {
        let header = self.cell.header();
        let mut told = None;
        match action {
            Action::Poll => {
                let waker = Waker::from(self.woken.clone());
                let Some(task) = &mut self.task else { return Ok(()) };
                let polled = Pin::new(task).poll(&mut Context::from_waker(&waker));
                let ready;
                (ready, told) = model.poll();
                prop_assert_eq!(polled.is_ready(), ready);
            }
            Action::DropTask => {
                if self.task.take().is_some() {
                    told = model.drop_task();
                }
            }
            Action::Spawned => {
                // An executor gets a task once, and pending.
                if let (Some(task), 0, Phase::Pending) = (&self.task, model.spawned, model.phase) {
                    task.mark_spawned();
                    model.spawned = 1;
                }
            }
            Action::Cancel => {
                let expected = model.ask().unwrap_or_else(|| match model.settle_and_wake(Phase::Cancelled, false) {
                    (true, _) => Cancelling::Done,
                    (false, _) => Cancelling::TooLate,
                });
                prop_assert_eq!(header.cancel(), expected);
            }
            Action::CancelAtOnce => {
                prop_assert_eq!(header.cancel_at_once(), model.settle_and_wake(Phase::Cancelled, false).0);
            }
            Action::CancelForAll => {
                header.cancel_for_all();
                if model.ask().is_none() {
                    (_, told) = model.settle_and_wake(Phase::Cancelled, true);
                }
            }
            Action::Close => {
                header.close();
                (_, told) = model.settle_and_wake(Phase::Closed, true);
            }
            Action::Watch(key) => {
                prop_assert_eq!(header.watch(&self.queue, key), model.phase == Phase::Pending);
                model.watched = Some(key);
            }
            Action::CloseQueue => {
                prop_assert!(self.queue.close().is_empty());
                model.open = false;
            }
            Action::Take => {
                let Some(py) = py else { return Ok(()) };
                let outcome = self.cell.convert(py);
                prop_assert_eq!(outcome.is_some(), model.phase == Phase::Complete);
                if let Some(outcome) = outcome {
                    prop_assert_eq!(outcome.is_err(), model.failed);
                    model.phase = Phase::Taken;
                    model.has_value = false;
                }
            }
            Action::Discard => {
                self.cell.discard();
                if model.phase == Phase::Complete {
                    model.phase = Phase::Taken;
                    model.has_value = false;
                }
            }
        }
        self.compare(model, told)
    }

    fn compare(&self, model: &Model, told: Option<u64>) -> Result<(), TestCaseError> {
        let header = self.cell.header();
        prop_assert_eq!(header.phase(), model.phase);
        prop_assert_eq!(header.is_settled(), model.phase != Phase::Pending);
        prop_assert_eq!(header.may_have_failed(), model.phase != Phase::Complete || model.failed);
        let messages = self.queue.take();
        let keys: Vec<_> = messages
            .iter()
            .map(|message| if let Message::Settled(key) = message { *key } else { panic!("another message") })
            .collect();
        prop_assert_eq!(keys, Vec::from_iter(told));
        prop_assert_eq!(self.future_drops.load(Ordering::Relaxed), usize::from(!model.has_future));
        prop_assert_eq!(self.woken.0.load(Ordering::Relaxed), model.woken);
        prop_assert_eq!(Arc::strong_count(&self.woken), 1 + usize::from(model.waker), "who keeps a waker");
        let metrics = self.record.snapshot(0);
        prop_assert_eq!((metrics.tasks_spawned, metrics.tasks_settled), (model.spawned, model.settled));
        Ok(())
    }
}

fn run(steps: &[Step], has_token: bool, future_panics: bool, actions: &[Action]) -> Result<(), TestCaseError> {
    let mut real = Real::new(steps, has_token, future_panics);
    let mut model = Model {
        steps: steps.iter().copied().collect(),
        has_token,
        future_panics,
        phase: Phase::Pending,
        asked: false,
        failed: false,
        writes: true,
        has_future: true,
        has_value: false,
        waker: false,
        woken: 0,
        watched: None,
        open: true,
        spawned: 0,
        settled: 0,
    };
    real.compare(&model, None)?;
    let mut act = |py: Option<Python<'_>>| actions.iter().try_for_each(|action| real.act(&mut model, *action, py));
    // Miri has no interpreter.
    #[expect(clippy::disallowed_methods, reason = "a test is no runtime thread")]
    let acted = if cfg!(miri) { act(None) } else { Python::attach(|py| act(Some(py))) };
    acted?;
    let (future_drops, value_drops) = (real.future_drops.clone(), real.value_drops.clone());
    let has_value = model.has_value || model.has_future;
    let made = usize::from(steps.contains(&Step::Value));
    prop_assert!(has_value || value_drops.load(Ordering::Relaxed) == made, "a value that nobody has is not dropped");
    drop(real);
    prop_assert_eq!(future_drops.load(Ordering::Relaxed), 1);
    prop_assert_eq!(value_drops.load(Ordering::Relaxed), made);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_it_settles_once_and_drops_everything_once(
        steps in steps(),
        has_token: bool,
        future_panics: bool,
        actions in actions(),
    ) {
        if !cfg!(miri) {
            Python::initialize();
        }
        run(&steps, has_token, future_panics, &actions)?;
    }
}
