//! The end of a future that is cancelled, closed or dropped: it happens once, on its executor, and nothing is kept.

use std::sync::Arc;

use loom::thread;

use super::bell::{Bell, Sort};
use super::check;
use super::work::{Ends, Loop, Work, execute};
use crate::task::{CellRef, Phase, Task};

const KEY: u64 = 7;

/// Runs an endless task in a thread of its own, ends it by `end`, and looks at what is left.
fn ends_on_its_executor(end: impl FnOnce(&CellRef)) {
    let (ends, bell) = (Ends::default(), Bell::new(Sort::Edge));
    let (task, cell) = Task::new(Work::endless(&ends), None);
    let executor = {
        let (ends, bell) = (ends.clone(), bell.clone());
        thread::spawn(move || {
            // Without a wake-up this would sleep for ever.
            execute(task, &bell);
            assert_eq!(ends.future.count(), 1);
        })
    };
    end(&cell);
    assert!(cell.header().is_settled());
    executor.join().unwrap();
    assert_eq!(ends.future.count(), 1);
    assert_eq!(Arc::strong_count(&bell), 1, "a settled cell keeps its executor's waker");
}

#[test]
fn a_cancelled_future_is_dropped_by_its_executor() {
    check(|| ends_on_its_executor(|cell| assert!(cell.header().cancel_at_once())));
}

#[test]
fn a_closed_future_is_dropped_by_its_executor() {
    check(|| ends_on_its_executor(|cell| cell.header().close()));
}

#[test]
fn a_future_that_is_cancelled_twice_is_dropped_once() {
    check(|| {
        ends_on_its_executor(|cell| {
            let other = cell.clone();
            let second = thread::spawn(move || other.header().cancel_at_once());
            let first = cell.header().cancel_at_once();
            assert!(first ^ second.join().unwrap());
        });
    });
}

/// An executor that polls a task once and drops it then.
fn lose(mut task: Task, bell: &Arc<Bell>) {
    use std::future::Future;
    let waker = bell.waker();
    let _ = std::pin::Pin::new(&mut task).poll(&mut std::task::Context::from_waker(&waker));
}

#[test]
fn a_dropped_task_is_closed_or_was_cancelled() {
    check(|| {
        let (ends, bell, model) = (Ends::default(), Bell::new(Sort::Edge), Loop::new(Sort::Level));
        let (task, cell) = Task::new(Work::endless(&ends), None);
        assert!(cell.header().watch(model.queue(), KEY));
        let executor = {
            let bell = bell.clone();
            thread::spawn(move || lose(task, &bell))
        };
        let other = cell.clone();
        let cancelling = thread::spawn(move || other.header().cancel_at_once());
        if cell.header().phase() == Phase::Closed {
            assert_eq!(ends.future.count(), 1, "its future goes before anybody is told");
        }
        let cancelled = cancelling.join().unwrap();
        executor.join().unwrap();
        assert_eq!(cell.header().phase(), if cancelled { Phase::Cancelled } else { Phase::Closed });
        assert_eq!(model.left().len(), usize::from(!cancelled));
        assert_eq!(ends.future.count(), 1);
        assert_eq!(Arc::strong_count(&bell), 1, "a settled cell keeps its executor's waker");
    });
}

#[test]
fn a_last_handle_may_be_on_either_side() {
    check(|| {
        let ends = Ends::default();
        let (task, cell) = Task::new(Work::ready_at(1, &ends), None);
        let executor = thread::spawn(|| execute(task, &Bell::new(Sort::Edge)));
        // Nobody asks for the outcome: it goes with the cell.
        cell.header().cancel_for_all();
        drop(cell);
        executor.join().unwrap();
        assert_eq!((ends.future.count(), ends.value.count()), (1, 1));
    });
}
