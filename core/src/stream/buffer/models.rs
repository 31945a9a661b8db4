//! Models for loom of a buffer between the task that fills it and those that wait for items; see `crate::models`.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use loom::thread;

use super::super::drive::Drive;
use super::Buffer;
use crate::models::bell::{Bell, Sort};
use crate::models::check;

type Numbers = Buffer<u32, Infallible>;

/// Gives the numbers up to one, and then ends or is silent.
struct UpTo {
    last: u32,
    next: u32,
    silent: bool,
}

impl UpTo {
    fn new(last: u32, silent: bool) -> Self {
        Self { last, next: 1, silent }
    }
}

impl Stream for UpTo {
    type Item = Result<u32, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.next > self.last {
            return if self.silent { Poll::Pending } else { Poll::Ready(None) };
        }
        self.next += 1;
        Poll::Ready(Some(Ok(self.next - 1)))
    }
}

/// Fills the buffer in a thread of its own. Without a wake-up that it needs, loom reports a deadlock.
fn fill(buffer: &Arc<Numbers>, stream: UpTo) -> thread::JoinHandle<()> {
    let drive = Drive::new(stream, buffer.clone());
    thread::spawn(move || {
        let bell = Bell::new(Sort::Edge);
        let waker = bell.waker();
        let mut drive = pin!(drive);
        while drive.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            bell.wait();
        }
    })
}

/// Waits for the next item and takes it, as Python would.
fn next(buffer: &Arc<Numbers>) -> Option<u32> {
    let bell = Bell::new(Sort::Edge);
    let waker = bell.waker();
    let mut key = None;
    loop {
        match buffer.poll_reserve(&mut Context::from_waker(&waker), &mut key) {
            Poll::Pending => bell.wait(),
            Poll::Ready(None) => return None,
            Poll::Ready(Some(mut reserved)) => match reserved.take() {
                Some(super::Item::Value(value)) => return Some(value),
                _ => panic!("not an item of this stream"),
            },
        }
    }
}

/// Asks for an item once, and is cancelled: before it has one, or before Python takes it.
fn ask_and_leave(buffer: &Arc<Numbers>) {
    let waker = Bell::new(Sort::Edge).waker();
    let mut key = None;
    let polled = buffer.poll_reserve(&mut Context::from_waker(&waker), &mut key);
    drop(polled);
    if let Some(key) = key {
        buffer.leave(key);
    }
}

#[test]
fn every_item_arrives_in_order_and_then_the_end() {
    check(|| {
        // Room for one: the filling task sleeps after each.
        let buffer = Arc::new(Buffer::new(1));
        let filling = fill(&buffer, UpTo::new(2, false));
        assert_eq!([next(&buffer), next(&buffer), next(&buffer)], [Some(1), Some(2), None]);
        filling.join().unwrap();
    });
}

#[test]
fn closing_ends_the_filling_task_wherever_it_waits() {
    // For room, or for its stream.
    for last in [2, 0] {
        check(move || {
            let buffer = Arc::new(Buffer::new(1));
            let filling = fill(&buffer, UpTo::new(last, true));
            buffer.close();
            filling.join().unwrap();
            assert_eq!(next(&buffer), None);
        });
    }
}

#[test]
fn an_item_that_nobody_takes_is_the_next_ones() {
    check(|| {
        let buffer = Arc::new(Buffer::new(1));
        let filling = fill(&buffer, UpTo::new(1, false));
        let leaving = {
            let buffer = buffer.clone();
            thread::spawn(move || ask_and_leave(&buffer))
        };
        assert_eq!(next(&buffer), Some(1));
        leaving.join().unwrap();
        filling.join().unwrap();
        assert_eq!(next(&buffer), None);
    });
}

#[test]
fn one_gets_the_last_item_and_the_other_the_end() {
    check(|| {
        let buffer = Arc::new(Buffer::new(1));
        let filling = fill(&buffer, UpTo::new(1, false));
        let other = {
            let buffer = buffer.clone();
            thread::spawn(move || next(&buffer))
        };
        let here = next(&buffer);
        let there = other.join().unwrap();
        assert!(matches!((here, there), (Some(1), None) | (None, Some(1))));
        filling.join().unwrap();
    });
}
