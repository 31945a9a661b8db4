//! The settlement: who wins, who is told, who gets the outcome.

use std::sync::Arc;
use std::time::Instant;

use loom::thread;

use super::bell::{Bell, Sort};
use super::check;
use super::work::{Ends, Loop, Work, execute};
use crate::cancel_token::CancelToken;
use crate::task::{Cancelling, CellRef, Phase, Task};

const KEY: u64 = 7;
const ALL: usize = usize::MAX;

/// Runs a task in a thread of its own.
fn run(task: Task) -> thread::JoinHandle<()> {
    thread::spawn(|| execute(task, &Bell::new(Sort::Edge)))
}

fn spawn(work: Work) -> (thread::JoinHandle<()>, CellRef) {
    let (task, cell) = Task::new(work, None);
    (run(task), cell)
}

#[test]
fn whoever_watches_is_told_and_finds_the_outcome() {
    check(|| {
        let (ends, model) = (Ends::default(), Loop::new(Sort::Level));
        let (executor, cell) = spawn(Work::ready_at(1, &ends));
        if cell.header().watch(model.queue(), KEY) {
            assert_eq!(model.turn_until(1, ALL), [KEY]);
        }
        assert_eq!(cell.header().phase(), Phase::Complete);
        assert_eq!((ends.future.count(), ends.value.count()), (1, 0));
        cell.discard();
        assert_eq!((cell.header().phase(), ends.value.count()), (Phase::Taken, 1));
        executor.join().unwrap();
        assert!(model.left().is_empty());
    });
}

#[test]
fn two_tasks_wake_one_loop() {
    check(|| {
        let (ends, model) = ([Ends::default(), Ends::default()], Loop::new(Sort::Level));
        let tasks = [1, 2].map(|key| (key, spawn(Work::ready_at(1, &ends[key as usize - 1]))));
        let watched: Vec<u64> = tasks
            .iter()
            .filter(|(key, (_, cell))| cell.header().watch(model.queue(), *key))
            .map(|(key, _)| *key)
            .collect();
        let mut told = model.turn_until(watched.len(), ALL);
        told.sort_unstable();
        assert_eq!(told, watched);
        for (_, (executor, cell)) in tasks {
            cell.discard();
            executor.join().unwrap();
        }
        assert_eq!(ends.map(|ends| (ends.future.count(), ends.value.count())), [(1, 1), (1, 1)]);
    });
}

#[test]
fn a_changed_key_is_the_one_that_is_told() {
    check(|| {
        let (ends, model) = (Ends::default(), Loop::new(Sort::Level));
        let (executor, cell) = spawn(Work::ready_at(1, &ends));
        let first = cell.header().watch(model.queue(), KEY);
        let second = cell.header().watch(model.queue(), KEY + 1);
        assert!(first || !second);
        executor.join().unwrap();
        let told = model.left();
        // Between the two, either may be told: the first has been given back, and is found by nobody.
        assert_eq!(told.len(), usize::from(first));
        if second {
            assert_eq!(told, [KEY + 1]);
        }
    });
}

#[test]
fn one_of_two_takes_the_outcome() {
    check(|| {
        let ends = Ends::default();
        let (executor, cell) = spawn(Work::ready_at(1, &ends));
        let other = cell.clone();
        let reader = thread::spawn(move || other.discard());
        cell.discard();
        reader.join().unwrap();
        executor.join().unwrap();
        cell.discard();
        assert_eq!((cell.header().phase(), ends.value.count()), (Phase::Taken, 1));
    });
}

#[test]
fn either_a_cancellation_or_the_outcome_counts() {
    check(|| {
        let (ends, model) = (Ends::default(), Loop::new(Sort::Level));
        let (executor, cell) = spawn(Work::ready_at(1, &ends));
        let watching = cell.header().watch(model.queue(), KEY);
        let cancelling = cell.header().cancel();
        executor.join().unwrap();
        assert_eq!(ends.future.count(), 1);
        let told = model.left().len();
        match cancelling {
            // Whoever cancels tells the waiters itself, and the value is nobody's.
            Cancelling::Done => assert_eq!((cell.header().phase(), told, ends.value.count()), (Phase::Cancelled, 0, 1)),
            Cancelling::TooLate => {
                assert_eq!((cell.header().phase(), ends.value.count()), (Phase::Complete, 0));
                assert_eq!(told, usize::from(watching));
            }
            Cancelling::Asked => unreachable!(),
        }
    });
}

#[test]
fn one_of_many_settles() {
    check(|| {
        let (ends, model) = (Ends::default(), Loop::new(Sort::Level));
        let (task, cell) = Task::new(Work::ready_at(1, &ends), None);
        assert!(cell.header().watch(model.queue(), KEY));
        let closer = task.closer();
        let closing = thread::spawn(move || closer.close());
        let executor = run(task);
        cell.header().cancel_for_all();
        closing.join().unwrap();
        executor.join().unwrap();
        assert_eq!(model.left(), [KEY]);
        cell.discard();
        assert_eq!((ends.future.count(), ends.value.count()), (1, 1));
    });
}

#[test]
fn a_question_comes_in_time_or_is_told_that_it_does_not() {
    check(|| {
        let ends = Ends::default();
        let (task, cell) = Task::with_token(Work::ready_at(1, &ends), None, Some(CancelToken::new()));
        let executor = run(task);
        let cancelling = cell.header().cancel();
        executor.join().unwrap();
        let expected = match cancelling {
            Cancelling::Asked => Phase::Cancelled,
            Cancelling::TooLate => Phase::Complete,
            Cancelling::Done => unreachable!(),
        };
        assert_eq!(cell.header().phase(), expected);
        assert_eq!(ends.value.count(), usize::from(expected == Phase::Cancelled));
    });
}

#[test]
fn a_blocked_thread_is_told() {
    check(|| {
        let ends = Ends::default();
        let (executor, cell) = spawn(Work::ready_at(2, &ends));
        let other: CellRef = Arc::clone(&cell);
        let second = thread::spawn(move || assert!(other.header().block_until(Instant::now())));
        assert!(cell.header().block_until(Instant::now()));
        assert_eq!(cell.header().phase(), Phase::Complete);
        second.join().unwrap();
        executor.join().unwrap();
    });
}
