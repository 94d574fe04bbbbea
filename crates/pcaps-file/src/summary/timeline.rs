//! Packets over time, in a bounded number of buckets.

use std::ops::AddAssign;
use std::time::Duration;

use super::{StepTally, Tally};
use crate::packet::Timestamp;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
const SECOND: u64 = 1_000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long a bucket may be, in nanoseconds. Each is a multiple of the one before it, so that buckets can be joined
/// to longer ones; five of the longest reach over all times that there are.
const WIDTHS: [u64; 31] = [
    MICROSECOND,
    2 * MICROSECOND,
    10 * MICROSECOND,
    20 * MICROSECOND,
    100 * MICROSECOND,
    200 * MICROSECOND,
    MILLISECOND,
    2 * MILLISECOND,
    10 * MILLISECOND,
    20 * MILLISECOND,
    100 * MILLISECOND,
    200 * MILLISECOND,
    SECOND,
    2 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    6 * HOUR,
    DAY,
    5 * DAY,
    10 * DAY,
    50 * DAY,
    100 * DAY,
    500 * DAY,
    1_000 * DAY,
    5_000 * DAY,
    50_000 * DAY,
];

/// The most buckets that are kept.
pub(super) const MAX: usize = 240;

/// The packets of a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) tcp: Tally,
    pub(super) udp: Tally,
    /// Of either version of IP.
    pub(super) icmp: Tally,
    pub(super) other: Tally,
}

impl Bucket {
    /// What came since there was only this.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            tcp: self.tcp - before.tcp,
            udp: self.udp - before.udp,
            icmp: self.icmp - before.icmp,
            other: self.other - before.other,
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Bucket {
    fn add_assign(&mut self, other: Self) {
        self.tcp += other.tcp;
        self.udp += other.udp;
        self.icmp += other.icmp;
        self.other += other.other;
    }
}

/// Tallies of equal stretches of time, which begin at multiples of their width since 1970. In whatever order packets
/// come, the outcome is the same.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// Which of [`WIDTHS`].
    step: usize,
    /// The number of the first bucket: its time by the width.
    first: u64,
    buckets: Vec<Bucket>,
    /// The last bucket that was reached: its first and its last nanosecond, and which it is.
    last: (u64, u64, usize),
}

/// No bucket was reached.
const NOWHERE: (u64, u64, usize) = (1, 0, 0);

impl Default for Timeline {
    fn default() -> Self {
        Self {
            step: 0,
            first: 0,
            buckets: Vec::new(),
            last: NOWHERE,
        }
    }
}

impl Timeline {
    /// Whether a time is in another bucket than the last one.
    #[inline]
    pub(super) fn is_elsewhere(&self, time: Timestamp) -> bool {
        let (from, to, _) = self.last;
        !(from..=to).contains(&time.as_nanos())
    }

    /// Adds to the bucket of the time that was [reached](Self::reach) last.
    pub(super) fn add(&mut self, packets: Bucket) {
        if let Some(bucket) = self.buckets.get_mut(self.last.2) {
            *bucket += packets;
        }
    }

    fn width(&self) -> u64 {
        WIDTHS.get(self.step).copied().unwrap_or(u64::MAX)
    }

    /// Makes the bucket of a time the last one.
    #[cold]
    pub(super) fn reach(&mut self, time: Timestamp) {
        let nanos = time.as_nanos();
        let at = loop {
            let number = nanos / self.width();
            if self.buckets.is_empty() {
                self.first = number;
            }
            let end = self.first + self.buckets.len() as u64;
            let (first, end) = (self.first.min(number), end.max(number + 1));
            match usize::try_from(end - first) {
                Ok(len) if len <= MAX => {
                    let before = usize::try_from(self.first - first).unwrap_or(0);
                    self.buckets
                        .splice(0..0, std::iter::repeat_n(Bucket::default(), before));
                    self.buckets.resize(len, Bucket::default());
                    self.first = first;
                    break number - first;
                }
                _ => self.widen(),
            }
        };
        let from = nanos / self.width() * self.width();
        self.last = (
            from,
            from.saturating_add(self.width() - 1),
            usize::try_from(at).unwrap_or(0),
        );
    }

    /// Joins buckets to those of the next width.
    fn widen(&mut self) {
        let width = self.width();
        self.step += 1;
        let many = self.width() / width;
        let first = self.first / many;
        let mut joined: Vec<Bucket> = Vec::new();
        for (number, part) in (self.first..).zip(&self.buckets) {
            let at = usize::try_from(number / many - first).unwrap_or(0);
            joined.resize(at + 1, Bucket::default());
            if let Some(bucket) = joined.get_mut(at) {
                *bucket += *part;
            }
        }
        (self.first, self.buckets, self.last) = (first, joined, NOWHERE);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        while self.step < other.step {
            self.widen();
        }
        let width = other.width();
        for (number, theirs) in (other.first..).zip(&other.buckets) {
            // The ends have packets, and what lies between them adds no bucket.
            if !theirs.is_empty() {
                self.reach(Timestamp::from_nanos(number.saturating_mul(width)));
                self.add(*theirs);
            }
        }
    }

    /// How long a bucket is.
    pub(super) fn bucket(&self) -> Duration {
        Duration::from_nanos(self.width())
    }

    /// All buckets, from the first with packets to the last.
    pub(super) fn steps(&self) -> impl ExactSizeIterator<Item = StepTally> {
        let (first, width) = (self.first, self.width());
        self.buckets.iter().enumerate().map(move |(at, bucket)| {
            let nanos = (first + at as u64).saturating_mul(width);
            let &Bucket {
                tcp,
                udp,
                icmp,
                other,
            } = bucket;
            StepTally {
                time: Timestamp::from_nanos(nanos),
                tcp,
                udp,
                icmp,
                other,
            }
        })
    }

    /// The same in `most` buckets at most, longer ones if need be; or in those of the longest width, five at most.
    pub(super) fn of_at_most(&self, most: usize) -> Self {
        let mut timeline = self.clone();
        while timeline.buckets.len() > most && timeline.step + 1 < WIDTHS.len() {
            timeline.widen();
        }
        timeline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_time_are_in_a_bucket_like_others() {
        let mut timeline = Timeline::default();
        for nanos in [0, u64::MAX] {
            let time = Timestamp::from_nanos(nanos);
            assert!(timeline.is_elsewhere(time));
            timeline.reach(time);
            assert!(!timeline.is_elsewhere(time));
        }
    }

    /// Adds a packet of ten bytes, of the protocol that its number says.
    fn see(timeline: &mut Timeline, nanos: u64, which: u64) {
        let time = Timestamp::from_nanos(nanos);
        if timeline.is_elsewhere(time) {
            timeline.reach(time);
        }
        let mut bucket = Bucket::default();
        let part = match which % 4 {
            0 => &mut bucket.tcp,
            1 => &mut bucket.udp,
            2 => &mut bucket.icmp,
            _ => &mut bucket.other,
        };
        part.add(10);
        timeline.add(bucket);
    }

    fn of(times: impl IntoIterator<Item = u64>) -> Timeline {
        let mut timeline = Timeline::default();
        for nanos in times {
            see(&mut timeline, nanos, nanos);
            assert!(timeline.buckets.len() <= MAX);
        }
        timeline
    }

    fn seen(timeline: &Timeline) -> (Duration, Vec<(u64, u64)>) {
        let buckets = timeline
            .steps()
            .filter(|step| step.tally().packets > 0)
            .map(|step| {
                let tally = step.tally();
                assert_eq!(tally.bytes_on_wire, 10 * tally.packets);
                (step.time.as_nanos(), tally.packets)
            })
            .collect();
        (timeline.bucket(), buckets)
    }

    #[test]
    fn each_width_is_a_multiple_of_the_one_before() {
        for pair in WIDTHS.windows(2) {
            assert_eq!(pair[1] % pair[0], 0, "{pair:?}");
        }
        assert!(u64::MAX / WIDTHS[WIDTHS.len() - 1] < 5);
    }

    #[test]
    fn the_same_in_any_order_and_in_parts() {
        let mut state = 1_u64;
        for spread in [0, 10, 1_000, SECOND, 50 * MINUTE, 700 * DAY] {
            let mut times: Vec<u64> = (0..500)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    1_700_000_000 * SECOND + (state >> 1) % (spread + 1)
                })
                .collect();
            let whole = of(times.iter().copied());
            let mut merged = of(times[..100].iter().copied());
            merged.merge(&of(times[100..].iter().copied()));
            assert_eq!(seen(&merged), seen(&whole));
            times.sort_unstable();
            assert_eq!(seen(&of(times.iter().copied())), seen(&whole));
            assert_eq!(seen(&of(times.iter().rev().copied())), seen(&whole));
            let short = whole.of_at_most(60);
            assert!(short.buckets.len() <= 60);
            assert_eq!(
                seen(&short)
                    .1
                    .iter()
                    .map(|(_, packets)| packets)
                    .sum::<u64>(),
                500
            );
        }
    }

    #[test]
    fn each_protocol_has_its_part() {
        let mut timeline = Timeline::default();
        for (nanos, which) in [
            (1, 0),
            (1, 1),
            (1, 0),
            (3, 2),
            (5 * SECOND, 2),
            (9 * SECOND, 3),
        ] {
            see(&mut timeline, nanos, which);
        }
        let mut merged = Timeline::default();
        merged.merge(&timeline);
        for timeline in [timeline, merged] {
            let parts: Vec<_> = timeline
                .of_at_most(2)
                .steps()
                .map(|it| [it.tcp, it.udp, it.icmp, it.other].map(|part| part.packets))
                .collect();
            assert_eq!(parts, [[2, 1, 2, 1]]);
        }
    }

    #[test]
    fn all_times_that_there_are() {
        let timeline = of([u64::MAX, 0, 5, u64::MAX - 1]);
        let (_, buckets) = seen(&timeline);
        assert_eq!(buckets.len(), 2);
        assert_eq!(buckets[0], (0, 2));
        assert_eq!(buckets[1].1, 2);
    }

    #[test]
    fn a_minute_is_shown_in_the_finest_steps_that_fit() {
        let timeline = of((0..60).map(|second| second * SECOND));
        assert_eq!(timeline.bucket(), Duration::from_secs(1));
        assert_eq!(timeline.steps().len(), 60);
        assert_eq!(of([7]).bucket(), Duration::from_micros(1));
    }
}
