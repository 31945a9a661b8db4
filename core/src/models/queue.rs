//! Push against drain, arm against disarm, push against close.

use loom::thread;

use super::bell::Sort;
use super::check;
use super::work::{Loop, key_of};
use crate::event_loop::queue::Message;

const ALL: usize = usize::MAX;

/// Has `producers` threads push one message each while the loop drains, `most` at a time. A lost wake-up is a deadlock.
fn every_message_arrives(sort: Sort, producers: u64, most: usize) {
    let model = Loop::new(sort);
    let threads: Vec<_> = (0..producers)
        .map(|key| {
            let queue = model.queue().clone();
            thread::spawn(move || assert!(queue.push(Message::Settled(key)).is_ok()))
        })
        .collect();
    let mut keys = model.turn_until(threads.len(), most);
    keys.sort_unstable();
    assert_eq!(keys, (0..producers).collect::<Vec<_>>());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(model.left().is_empty());
}

#[test]
fn a_loop_that_polls_gets_every_message() {
    check(|| every_message_arrives(Sort::Level, 2, ALL));
}

#[test]
fn a_loop_that_is_told_of_changes_gets_every_message() {
    check(|| every_message_arrives(Sort::Edge, 2, ALL));
}

#[test]
fn a_bounded_drain_comes_back_for_the_rest() {
    check(|| every_message_arrives(Sort::Level, 2, 1));
    check(|| every_message_arrives(Sort::Edge, 2, 1));
}

#[test]
fn the_messages_of_one_thread_stay_in_order() {
    check(|| {
        let model = Loop::new(Sort::Edge);
        let queue = model.queue().clone();
        let producer =
            thread::spawn(move || (1..=3).for_each(|key| assert!(queue.push(Message::Settled(key)).is_ok())));
        assert_eq!(model.turn_until(3, ALL), [1, 2, 3]);
        producer.join().unwrap();
    });
}

#[test]
fn a_closed_queue_keeps_nothing() {
    check(|| {
        let model = Loop::new(Sort::Level);
        let push = |key| {
            let queue = model.queue().clone();
            thread::spawn(move || queue.push(Message::Settled(key)).err().map(|message| key_of(&message)))
        };
        let producers = [push(1), push(2)];
        // Each message is taken, or found at the end, or comes back to whoever pushed it.
        let mut keys = model.left();
        keys.extend(model.queue().close().iter().map(key_of));
        keys.extend(producers.into_iter().filter_map(|producer| producer.join().unwrap()));
        keys.sort_unstable();
        assert_eq!(keys, [1, 2]);
        assert!(model.left().is_empty());
    });
}
