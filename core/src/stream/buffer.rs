//! What lies between a Rust stream and Python: a bounded queue of items, and the wakers of its two ends.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pyo3::prelude::*;
use pyo3::{BoundObject, IntoPyObject};

use crate::panic::PanicReport;
use crate::sync::Mutex;

#[cfg(all(test, crossawait_loom))]
mod models;
#[cfg(all(test, not(crossawait_loom)))]
mod wakers;

/// One thing that a stream gives.
pub(super) enum Item<T, E> {
    Value(T),
    Failed(E),
    Panicked(PanicReport),
    /// The runtime has dropped the stream before its end.
    Lost,
}

/// A bounded queue with one producer.
pub(super) struct Buffer<T, E> {
    state: Mutex<State<T, E>>,
    capacity: usize,
}

struct State<T, E> {
    /// In the order of their numbers, which have gaps where items are reserved.
    items: VecDeque<(u64, Item<T, E>)>,
    /// That of the next item.
    number: u64,
    /// How many are reserved. Each may come back, also after the end.
    reserved: usize,
    /// Nothing comes any more.
    ended: bool,
    /// Nobody takes anything any more.
    closed: bool,
    /// Of the producer, for as long as it is not running.
    producer: Option<Waker>,
    /// The producer waits for room, not for its stream.
    parked: bool,
    /// Of those that wait for an item, by their keys.
    consumers: Vec<(u64, Waker)>,
    next_key: u64,
}

impl<T, E> State<T, E> {
    /// Lists somebody who waits for an item. The waker of before, if there is one, is to be dropped outside of the lock.
    fn wait(&mut self, key: &mut Option<u64>, waker: Waker) -> Option<Waker> {
        let mine = *key.get_or_insert_with(|| {
            self.next_key += 1;
            self.next_key
        });
        match self.consumers.iter_mut().find(|(key, _)| *key == mine) {
            Some((_, former)) => Some(mem::replace(former, waker)),
            None => {
                self.consumers.push((mine, waker));
                None
            }
        }
    }
}

impl<T, E> Buffer<T, E> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            number: 0,
            reserved: 0,
            ended: false,
            closed: false,
            producer: None,
            parked: false,
            consumers: Vec::new(),
            next_key: 0,
        };
        Self { state: Mutex::new(state), capacity }
    }

    /// Ready once there is room, with how much; or with 0 if nobody takes anything any more. Either way the producer is
    /// woken when the buffer is closed: its stream may be silent for ever.
    pub(super) fn poll_room(&self, context: &mut Context<'_>) -> Poll<usize> {
        let mut new = Some(context.waker().clone());
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(0);
        }
        let room = self.capacity.saturating_sub(state.items.len());
        state.parked = room == 0;
        // The one it had goes outside of the lock.
        mem::swap(&mut state.producer, &mut new);
        drop(state);
        drop(new);
        if room > 0 { Poll::Ready(room) } else { Poll::Pending }
    }

    /// Appends what has gathered, and says so to whoever waits.
    pub(super) fn extend(&self, items: &mut Vec<Item<T, E>>, ended: bool) {
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            items.clear();
            return;
        }
        let first = state.number;
        state.number += items.len() as u64;
        state.items.extend((first..).zip(items.drain(..)));
        state.ended |= ended;
        let consumers = mem::take(&mut state.consumers);
        drop(state);
        wake_all(consumers);
    }

    /// Takes the next item out, to be given to Python or put back. Ready with `None` at the end. Pending, it leaves a key,
    /// to be given to [`leave`](Self::leave).
    pub(super) fn poll_reserve(
        self: &Arc<Self>,
        context: &mut Context<'_>,
        key: &mut Option<u64>,
    ) -> Poll<Option<Reserved<T, E>>> {
        let mut new = None;
        loop {
            let mut state = self.state.lock();
            if let Some((number, item)) = state.items.pop_front() {
                state.reserved += 1;
                let ends = !matches!(item, Item::Value(_));
                // Half empty: woken for each item, the producer would run for each.
                let wanted = state.parked && state.items.len() <= self.capacity / 2;
                let producer = if wanted { state.producer.take() } else { None };
                state.parked &= !wanted;
                drop(state);
                if let Some(producer) = producer {
                    producer.wake();
                }
                return Poll::Ready(Some(Reserved { item: Some((number, item)), ends, buffer: self.clone() }));
            }
            if state.closed || state.ended && state.reserved == 0 {
                return Poll::Ready(None);
            }
            let Some(waker) = new.take() else {
                drop(state);
                // The executor's code, so outside of the lock; and most of the time there is an item, and no need for one.
                new = Some(context.waker().clone());
                continue;
            };
            let former = state.wait(key, waker);
            drop(state);
            drop(former);
            return Poll::Pending;
        }
    }

    /// Forgets whoever waits under this key.
    pub(super) fn leave(&self, key: u64) {
        let mut state = self.state.lock();
        let place = state.consumers.iter().position(|(other, _)| *other == key);
        let waker = place.map(|place| state.consumers.swap_remove(place));
        drop(state);
        drop(waker);
    }

    fn put_back(&self, number: u64, item: Item<T, E>) {
        let mut state = self.state.lock();
        state.reserved -= 1;
        if state.closed {
            drop(state);
            drop(item);
            return;
        }
        // Not always in front: several may have been reserved, and are given back in any order.
        let place = state.items.partition_point(|(other, _)| *other < number);
        state.items.insert(place, (number, item));
        let consumers = mem::take(&mut state.consumers);
        drop(state);
        wake_all(consumers);
    }

    /// Notes that a reserved item has been taken for good. Whoever waits for the end hears of the last.
    fn let_go(&self) {
        let mut state = self.state.lock();
        state.reserved -= 1;
        let over = state.ended && state.reserved == 0;
        let consumers = if over { mem::take(&mut state.consumers) } else { Vec::new() };
        drop(state);
        wake_all(consumers);
    }

    /// Throws away what is there and takes nothing more; the producer ends.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let items = mem::take(&mut state.items);
        let producer = state.producer.take();
        let consumers = mem::take(&mut state.consumers);
        drop(state);
        drop(items);
        producer.into_iter().for_each(Waker::wake);
        wake_all(consumers);
    }
}

/// All of them: whichever takes the item, the others wait again.
fn wake_all(consumers: Vec<(u64, Waker)>) {
    consumers.into_iter().for_each(|(_, waker)| waker.wake());
}

/// An item on its way to Python. It goes back to its place if nobody takes it: whoever asked was cancelled.
pub(super) struct Reserved<T, E> {
    item: Option<(u64, Item<T, E>)>,
    /// It is the last one.
    ends: bool,
    buffer: Arc<Buffer<T, E>>,
}

impl<'py, T, E> IntoPyObject<'py> for Reserved<T, E>
where
    T: IntoPyObject<'py>,
    E: Into<PyErr>,
{
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.ends {
            self.buffer.close();
        }
        match self.take() {
            Some(Item::Value(value)) => match value.into_pyobject(py) {
                Ok(object) => Ok(object.into_any().into_bound()),
                Err(error) => Err(error.into()),
            },
            Some(Item::Failed(error)) => Err(error.into()),
            Some(Item::Panicked(report)) => Err(report.into_error(py)),
            Some(Item::Lost) | None => {
                Err(crate::error::runtime_closed(py, "the runtime was shut down before the stream had ended"))
            }
        }
    }
}

impl<T, E> Reserved<T, E> {
    fn take(&mut self) -> Option<Item<T, E>> {
        let (_, item) = self.item.take()?;
        self.buffer.let_go();
        Some(item)
    }
}

impl<T, E> Drop for Reserved<T, E> {
    fn drop(&mut self) {
        if let Some((number, item)) = self.item.take() {
            self.buffer.put_back(number, item);
        }
    }
}
