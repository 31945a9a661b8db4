//! What a stream has received but not given out yet.
//!
//! A read takes its bytes out of the buffer only when Python takes its result. A read that is cancelled before that,
//! however late, leaves them to the next one: nothing is lost.

use std::io;
use std::task::{Context, Poll, ready};

use memchr::memmem;

use super::budget::Budget;
use super::error::StreamError;
use crate::io::Transport;

/// The least to ask the system for: small reads come in bursts.
const CHUNK: usize = 16 * 1024;
/// The most to ask for at once.
const LARGEST_CHUNK: usize = 256 * 1024;
/// What comes in few pieces: that much a socket has room for by itself.
const SHORT: usize = 64 * 1024;

/// A buffer in front of a transport.
#[derive(Default)]
pub(super) struct Reader {
    /// All initialised; the bytes in hand are those from `start` to `end`.
    storage: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    /// Kept by whoever reads: here it is one at a time.
    pub(super) budget: Budget,
}

/// What a read waits for.
#[derive(Debug)]
pub(super) enum Want {
    /// Some bytes, at most so many; none at the end of the stream.
    Some(usize),
    /// So many bytes, neither more nor fewer.
    Exactly(usize),
    /// Everything up to and including the separator, if that is within the limit.
    Until {
        separator: Vec<u8>,
        limit: usize,
        /// How many bytes this read has searched in vain.
        searched: usize,
    },
}

impl Want {
    /// Whether it is fulfilled by one piece, or few. Longer ones are gathered on the runtime, and Python hears of the whole.
    pub(super) fn is_short(&self) -> bool {
        match self {
            Want::Some(_) => true,
            Want::Exactly(count) => *count <= SHORT,
            Want::Until { limit, .. } => *limit <= SHORT,
        }
    }
}

/// What a read has come to. The bytes stay in the buffer until Python takes them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filled {
    /// So many bytes are its result.
    Bytes(usize),
    /// The stream has ended before there were enough.
    Incomplete { expected: Option<usize> },
}

impl Reader {
    /// How much memory it has.
    #[cfg(all(test, not(crossawait_loom)))]
    pub(super) fn capacity(&self) -> usize {
        self.storage.capacity()
    }

    /// The bytes in hand.
    fn bytes(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }

    /// Receives until the wish can be fulfilled, or never will be; returns what to [`take`](Self::take).
    pub(super) fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        transport: &dyn Transport,
        want: &mut Want,
    ) -> Poll<Result<Filled, StreamError>> {
        loop {
            if let Some(filled) = self.check(want)? {
                return Poll::Ready(Ok(filled));
            }
            let more = match want {
                Want::Some(most) => (*most).min(LARGEST_CHUNK),
                Want::Exactly(count) => *count - self.bytes().len(),
                Want::Until { .. } => CHUNK,
            };
            self.shed(more);
            let received = ready!(self.poll_receive(context, transport, more))?;
            self.ended = received == 0;
        }
    }

    /// What fulfils the wish, or takes its place; `None` if more has to come.
    fn check(&mut self, want: &mut Want) -> Result<Option<Filled>, StreamError> {
        let have = self.bytes().len();
        match want {
            Want::Some(most) if have > 0 || self.ended => Ok(Some(Filled::Bytes(have.min(*most)))),
            Want::Exactly(count) if have >= *count => Ok(Some(Filled::Bytes(*count))),
            Want::Until { separator, limit, searched } => Ok(match self.find(separator, *limit, searched)? {
                Some(count) => Some(Filled::Bytes(count)),
                None if self.ended => Some(Filled::Incomplete { expected: None }),
                None => None,
            }),
            Want::Exactly(count) if self.ended => Ok(Some(Filled::Incomplete { expected: Some(*count) })),
            _ => Ok(None),
        }
    }

    /// Looks for the separator in what has not been searched; the limits are those of `asyncio.StreamReader`.
    fn find(&self, separator: &[u8], limit: usize, searched: &mut usize) -> Result<Option<usize>, StreamError> {
        let overrun = |message, consumed| Err(StreamError::LimitOverrun { message, consumed });
        match memmem::find(&self.bytes()[*searched..], separator) {
            Some(at) if *searched + at > limit => {
                overrun("Separator is found, but chunk is longer than limit", *searched + at)
            }
            Some(at) => Ok(Some(*searched + at + separator.len())),
            None => {
                // The separator may have begun in the last bytes.
                *searched = (self.bytes().len() + 1).saturating_sub(separator.len());
                if *searched > limit {
                    return overrun("Separator is not found, and chunk exceed the limit", *searched);
                }
                Ok(None)
            }
        }
    }

    /// Takes out what a read has waited for: the bytes, or the error that has what there is of them.
    pub(super) fn take<T>(&mut self, filled: Filled, give: impl FnOnce(&[u8]) -> T) -> Result<T, StreamError> {
        match filled {
            Filled::Bytes(count) => {
                let given = give(&self.bytes()[..count]);
                self.remove(count);
                Ok(given)
            }
            Filled::Incomplete { expected } => {
                let partial = self.bytes().to_vec();
                self.remove(partial.len());
                Err(StreamError::Incomplete { partial, expected })
            }
        }
    }

    fn remove(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        transport: &dyn Transport,
        more: usize,
    ) -> Poll<io::Result<usize>> {
        self.make_room(more.clamp(CHUNK, LARGEST_CHUNK));
        let received = ready!(transport.poll_read(context, &mut self.storage[self.end..]))?;
        self.end += received;
        Poll::Ready(Ok(received))
    }

    /// Lets go of what an earlier, larger read has left, unless this one is going to need half of it: a stream may live for
    /// long, and of many kinds of message the longest come seldom.
    fn shed(&mut self, more: usize) {
        if self.bytes().is_empty() && self.storage.len() / 2 > more.max(LARGEST_CHUNK) {
            self.storage = Vec::new();
            (self.start, self.end) = (0, 0);
        }
    }

    /// Makes room for `more` bytes behind those in hand. Grows with what arrives, not with what is asked for.
    fn make_room(&mut self, more: usize) {
        if self.storage.len() - self.end >= more {
            return;
        }
        if self.start > 0 {
            self.storage.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.storage.len() - self.end < more {
            self.storage.resize(self.end + more, 0);
        }
    }
}
