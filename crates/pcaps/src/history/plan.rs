//! Which windows of the past are asked for, and in which order. No input, no output.

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest time that one sample can look back over.
pub(super) const LONGEST: i64 = 300;

/// A piece of the past, in whole seconds since the epoch: from its first up to, and without, its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Window {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Window {
    pub(crate) fn seconds(self) -> i64 {
        self.to - self.from
    }

    pub(super) fn length(self) -> Duration {
        Duration::from_secs(self.seconds().unsigned_abs())
    }

    pub(crate) fn begin(self) -> Timestamp {
        time(self.from)
    }

    pub(crate) fn end(self) -> Timestamp {
        time(self.to)
    }

    /// Both halves, unless it is as short as a sample can be.
    fn halves(self) -> Option<[Self; 2]> {
        let middle = self.from + self.seconds() / 2;
        (self.seconds() > 1).then_some([
            Self { to: middle, ..self },
            Self {
                from: middle,
                ..self
            },
        ])
    }
}

/// Every time that is planned has been a [`Timestamp`] before.
fn time(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or_default()
}

/// What is still to be asked for: first everything once, from the oldest on, which the service forgets first; then the
/// halves of what did not fit into a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    waiting: VecDeque<Window>,
    /// How many of them have not been asked for as part of anything else.
    firsts: usize,
}

impl Plan {
    pub(super) fn new(range: Window) -> Self {
        let begins = (range.from..range.to).step_by(300);
        let waiting: VecDeque<_> = begins
            .map(|from| Window {
                from,
                to: range.to.min(from + LONGEST),
            })
            .collect();
        Self {
            firsts: waiting.len(),
            waiting,
        }
    }

    pub(super) fn next(&self) -> Option<Window> {
        self.waiting.front().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = Window> {
        self.waiting.iter().copied()
    }

    /// Whether everything has been asked for once.
    pub(super) fn is_all_asked(&self) -> bool {
        self.firsts == 0
    }

    /// A window is not asked for again.
    pub(super) fn done(&mut self, window: Window) {
        let place = self.waiting.iter().position(|it| *it == window);
        if let Some(place) = place {
            self.waiting.remove(place);
            // They stand before all halves.
            self.firsts -= usize::from(place < self.firsts);
        }
    }

    /// A window has not fitted into a sample: its halves are asked for. Says whether it has any.
    pub(super) fn overflowed(&mut self, window: Window) -> bool {
        self.done(window);
        let halves = window.halves();
        self.waiting.extend(halves.into_iter().flatten());
        halves.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: i64, to: i64) -> Window {
        Window { from, to }
    }

    #[test]
    fn all_of_a_range_once() {
        let plan = Plan::new(window(1_000, 1_700));
        let windows: Vec<_> = plan.waiting().collect();
        assert_eq!(
            windows,
            [
                window(1_000, 1_300),
                window(1_300, 1_600),
                window(1_600, 1_700)
            ]
        );
        assert_eq!(Plan::new(window(1_000, 1_300)).len(), 1);
    }

    #[test]
    fn what_overflows_is_halved_to_the_second() {
        let mut plan = Plan::new(window(0, 303));
        assert!(plan.overflowed(window(0, 300)));
        let windows: Vec<_> = plan.waiting().collect();
        assert_eq!(
            windows,
            [window(300, 303), window(0, 150), window(150, 300)]
        );
        assert!(plan.overflowed(window(300, 303)));
        let last: Vec<_> = plan.waiting().skip(2).collect();
        assert_eq!(last, [window(300, 301), window(301, 303)]);
        assert!(!plan.overflowed(window(300, 301)));
        assert_eq!(plan.len(), 3);
    }

    #[test]
    fn what_has_been_asked_for_as_part_of_more_is_not_new() {
        let mut plan = Plan::new(window(0, 600));
        assert!(plan.overflowed(window(0, 300)));
        assert!(!plan.is_all_asked());
        plan.done(window(300, 600));
        assert!(plan.is_all_asked());
        plan.done(window(0, 150));
        assert_eq!(plan.len(), 1);
        assert!(plan.is_all_asked());
    }
}
