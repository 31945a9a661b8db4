//! Random reads of random bytes in random pieces, beside a model that knows all that has arrived.
//!
//! A sequence that fails is shrunk, and kept in `core/proptest-regressions` to be tried first from then on.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use proptest::collection::vec;
use proptest::prelude::*;

use super::error::StreamError;
use super::reader::{Filled, Reader, Want};
use crate::io::{BoxFuture, Transport};

/// What comes from the other end: pieces, and pauses in between.
struct Pieces(Mutex<VecDeque<Option<Vec<u8>>>>);

impl Transport for Pieces {
    fn poll_read(&self, _context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(!buffer.is_empty(), "a read into nothing looks like the end");
        let mut pieces = self.0.lock().unwrap();
        match pieces.pop_front() {
            None => Poll::Ready(Ok(0)),
            Some(None) => Poll::Pending,
            Some(Some(mut piece)) => {
                let rest = piece.split_off(piece.len().min(buffer.len()));
                if !rest.is_empty() {
                    pieces.push_front(Some(rest));
                }
                buffer[..piece.len()].copy_from_slice(&piece);
                Poll::Ready(Ok(piece.len()))
            }
        }
    }

    fn poll_write(&self, _context: &mut Context<'_>, _data: &[u8]) -> Poll<io::Result<usize>> {
        unreachable!("nothing is written")
    }

    fn poll_flush(&self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        unreachable!("nothing is written")
    }

    fn shutdown(&self) -> io::Result<()> {
        unreachable!("nothing is closed")
    }

    fn ends_by_shutdown(&self) -> bool {
        true
    }

    fn close(self: Arc<Self>) -> Option<BoxFuture<io::Result<()>>> {
        None
    }
}

#[derive(Clone, Debug)]
enum Wish {
    Some(usize),
    Exactly(usize),
    Until(Vec<u8>, usize),
}

/// A read, and how often it is polled before it is cancelled; and whether Python takes what it gives.
#[derive(Clone, Debug)]
struct Read {
    wish: Wish,
    patience: usize,
    taken: bool,
}

/// Bytes of two kinds: separators are found, half found, and found across pieces.
fn bytes(count: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![3 => Just(b'a'), 1 => Just(b'\n')], count)
}

fn reads() -> impl Strategy<Value = Vec<Read>> {
    let wish = prop_oneof![
        (1..40usize).prop_map(Wish::Some),
        (0..40usize).prop_map(Wish::Exactly),
        (bytes(1..4), 0..30usize).prop_map(|(separator, limit)| Wish::Until(separator, limit)),
        // More than one piece, and more than what the buffer asks for at once.
        (1..60_000usize).prop_map(Wish::Exactly),
        (bytes(3..6), 0..60_000usize).prop_map(|(separator, limit)| Wish::Until(separator, limit)),
    ];
    let patience = prop_oneof![1 => 1..3usize, 3 => Just(usize::MAX)];
    let read = (wish, patience, prop::bool::weighted(0.9));
    vec(read.prop_map(|(wish, patience, taken)| Read { wish, patience, taken }), 1..12)
}

fn pieces() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
    let piece = prop_oneof![
        6 => bytes(1..30).prop_map(Some),
        2 => Just(None),
        1 => (1..50_000usize).prop_map(|count| Some(vec![b'a'; count])),
    ];
    vec(piece, 0..16)
}

/// What a wish comes to with these bytes at hand, looked for from the start each time; `None` if it has to wait.
fn expected(wish: &Wish, at_hand: &[u8], ended: bool) -> Option<Result<usize, String>> {
    let incomplete = |expected: Option<usize>| Some(Err(format!("incomplete {expected:?}")));
    match wish {
        Wish::Some(_) if at_hand.is_empty() && !ended => None,
        Wish::Some(most) => Some(Ok(at_hand.len().min(*most))),
        Wish::Exactly(count) if at_hand.len() >= *count => Some(Ok(*count)),
        Wish::Exactly(count) if ended => incomplete(Some(*count)),
        Wish::Exactly(_) => None,
        Wish::Until(separator, limit) => {
            let overrun = |found: bool, consumed: usize| Some(Err(format!("overrun {found} {consumed}")));
            match at_hand.windows(separator.len()).position(|window| window == separator) {
                Some(at) if at > *limit => overrun(true, at),
                Some(at) => Some(Ok(at + separator.len())),
                None => {
                    let in_vain = (at_hand.len() + 1).saturating_sub(separator.len());
                    if in_vain > *limit {
                        overrun(false, in_vain)
                    } else if ended {
                        incomplete(None)
                    } else {
                        None
                    }
                }
            }
        }
    }
}

/// What a read says if there is no value. An incomplete one gives all there is.
fn describe(error: StreamError, at_hand: &[u8]) -> String {
    match error {
        StreamError::Incomplete { partial, expected } => {
            assert_eq!(partial, at_hand);
            format!("incomplete {expected:?}")
        }
        StreamError::LimitOverrun { message, consumed } => {
            format!("overrun {} {consumed}", message.starts_with("Separator is found"))
        }
        StreamError::Failed(_) | StreamError::Closed => unreachable!("nothing fails and nothing is closed"),
    }
}

fn run(pieces: Vec<Option<Vec<u8>>>, reads: Vec<Read>) -> Result<(), TestCaseError> {
    let all: Vec<u8> = pieces.iter().flatten().flatten().copied().collect();
    let count = |pieces: &Pieces| pieces.0.lock().unwrap().iter().flatten().map(Vec::len).sum::<usize>();
    let transport = Pieces(Mutex::new(pieces.into()));
    let mut reader = Reader::default();
    let mut given = 0;
    let mut context = Context::from_waker(Waker::noop());
    for Read { wish, mut patience, taken } in reads {
        let mut want = match wish.clone() {
            Wish::Some(most) => Want::Some(most),
            Wish::Exactly(count) => Want::Exactly(count),
            Wish::Until(separator, limit) => Want::Until { separator, limit, searched: 0 },
        };
        let filled = loop {
            match reader.poll_fill(&mut context, &transport, &mut want) {
                Poll::Ready(filled) => break Some(filled),
                Poll::Pending => {
                    patience -= 1;
                    if patience == 0 {
                        break None;
                    }
                }
            }
        };
        // All that the reader has received, and what of it has not been given out.
        let at_hand = &all[given..all.len() - count(&transport)];
        match filled {
            // Cancelled: then it has to have been right to wait.
            None => prop_assert_eq!(expected(&wish, at_hand, false), None),
            Some(filled) => {
                let ended = matches!(filled, Ok(Filled::Incomplete { .. })) || at_hand.is_empty();
                let expected = expected(&wish, at_hand, ended).expect("a read that is over");
                let outcome = match filled {
                    // Cancelled at the last moment: the next one finds it.
                    Ok(_) if !taken => continue,
                    Ok(filled) => reader.take(filled, <[u8]>::to_vec),
                    Err(error) => Err(error),
                };
                match outcome {
                    Ok(bytes) => {
                        prop_assert_eq!(Ok(bytes.len()), expected);
                        prop_assert_eq!(&bytes[..], &at_hand[..bytes.len()]);
                        given += bytes.len();
                    }
                    Err(error) => {
                        let all_given = matches!(error, StreamError::Incomplete { .. });
                        prop_assert!(!all_given || count(&transport) == 0, "it has not ended");
                        prop_assert_eq!(Err(describe(error, at_hand)), expected);
                        given += if all_given { at_hand.len() } else { 0 };
                    }
                }
            }
        }
    }
    Ok(())
}

/// Reads what is there, and gives how many bytes those were.
fn read(reader: &mut Reader, transport: &Pieces, mut want: Want) -> Poll<usize> {
    let mut context = Context::from_waker(Waker::noop());
    reader
        .poll_fill(&mut context, transport, &mut want)
        .map(|filled| reader.take(filled?, <[u8]>::len))
        .map(Result::unwrap)
}

#[test]
fn what_a_large_read_needed_is_let_go_by_the_next_one_that_waits() {
    const LARGE: usize = 1 << 20;
    let piece = |count: usize| Some(vec![b'a'; count]);
    let pieces = [piece(LARGE), piece(LARGE), piece(7), None, piece(7)];
    let transport = Pieces(Mutex::new(pieces.into()));
    let mut reader = Reader::default();
    assert_eq!(read(&mut reader, &transport, Want::Exactly(LARGE)), Poll::Ready(LARGE));
    let large = reader.capacity();
    assert!(large >= LARGE);
    // One of the same size finds it still there.
    assert_eq!(read(&mut reader, &transport, Want::Exactly(LARGE)), Poll::Ready(LARGE));
    assert_eq!(reader.capacity(), large);
    assert_eq!(read(&mut reader, &transport, Want::Exactly(7)), Poll::Ready(7));
    assert!(reader.capacity() < LARGE / 16, "{}", reader.capacity());
    // Bytes in hand are kept, whatever they lie in.
    assert_eq!(read(&mut reader, &transport, Want::Exactly(7)), Poll::Pending);
    assert_eq!(read(&mut reader, &transport, Want::Some(usize::MAX)), Poll::Ready(7));
    assert_eq!(read(&mut reader, &transport, Want::Some(1)), Poll::Ready(0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_byte_is_given_once_and_in_order(pieces in pieces(), reads in reads()) {
        run(pieces, reads)?;
    }
}
