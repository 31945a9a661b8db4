//! How long one reader may keep an event loop from everything else.
//!
//! A read that is ready when it is first polled does not suspend, as no `await` of something ready does. But a peer that sends
//! faster than Python reads has always sent more: a loop that only reads would never get to its timers and other tasks.
//! asyncio's own streams receive between the turns of the loop, so they come to an end.

use std::time::{Duration, Instant};

/// As long as one drain may take.
const BUDGET: Duration = Duration::from_millis(5);

/// The time since when reads have been ready on the spot.
#[derive(Debug, Default)]
pub(super) struct Budget(Option<Instant>);

impl Budget {
    /// Whether it is used up. Then the next read suspends once, which begins a new one.
    pub(super) fn is_spent(&mut self) -> bool {
        let spent = self.0.is_some_and(|since| since.elapsed() >= BUDGET);
        if spent {
            self.0 = None;
        }
        spent
    }

    /// Notes that a read is done, and whether it has `suspended`.
    pub(super) fn note(&mut self, suspended: bool) {
        if suspended {
            self.0 = None;
        } else {
            self.0.get_or_insert_with(Instant::now);
        }
    }
}
