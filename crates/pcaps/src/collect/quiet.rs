//! When a bucket has been looked at for long enough. No input, no output.

use std::{ops::ControlFlow, time::Duration};

use jiff::Timestamp;

use super::{LOOK, listing::Objects};
use crate::clock::between;

/// A bucket that changes all the time is given up on after so many settling times.
const PATIENCE: u32 = 20;

/// For how long a bucket has been the same.
pub(super) struct Quiet {
    settle: Duration,
    began: Timestamp,
    since: Timestamp,
    seen: Objects,
}

impl Quiet {
    pub(super) fn new(settle: Duration, now: Timestamp) -> Self {
        Self {
            settle,
            began: now,
            since: now,
            seen: Objects::new(),
        }
    }

    /// Takes in what was listed from then on.
    pub(super) fn saw(&mut self, listing: &Objects, at: Timestamp) {
        if *listing != self.seen {
            self.since = at;
            self.seen.clone_from(listing);
        }
    }

    /// The pause until the next look; or, if there is to be none, whether the bucket has settled.
    pub(super) fn pause(&self, now: Timestamp) -> ControlFlow<bool, Duration> {
        let quiet = between(self.since, now);
        if quiet >= self.settle {
            return ControlFlow::Break(!self.settle.is_zero());
        }
        if between(self.began, now) >= self.settle.saturating_mul(PATIENCE) {
            return ControlFlow::Break(false);
        }
        ControlFlow::Continue(LOOK.min(self.settle.saturating_sub(quiet)))
    }
}
