//! What time it is, for the simulator.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::error::Repr;

/// A source of the present moment: the real one, or a test's. It can be moved on; clones move together.
#[derive(Clone)]
pub(crate) struct Clock {
    base: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// How far it was moved on, in nanoseconds.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// The real time.
    pub(crate) fn real() -> Self {
        Self::new(Timestamp::now)
    }

    pub(crate) fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            base: Arc::new(now),
            ahead: Arc::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_nanos(self.ahead.load(Ordering::SeqCst));
        let now = (self.base)();
        now.checked_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// Moves it on, but not past what a pcap file can hold.
    pub(crate) fn advance(&self, by: Duration) -> Result<(), Repr> {
        let by = i64::try_from(by.as_nanos()).map_err(|_| Repr::Clock)?;
        // From what it is now, so that two at once cannot get past the end together.
        let add = |ahead: i64| {
            let ahead = ahead.checked_add(by)?;
            let now = (self.base)().checked_add(SignedDuration::from_nanos(ahead));
            now.is_ok_and(|it| it.as_second() <= LAST).then_some(ahead)
        };
        let moved = self
            .ahead
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, add);
        moved.map(drop).map_err(|_| Repr::Clock)
    }
}

/// The last second that a pcap file can hold: 2106-02-07T06:28:15Z.
const LAST: i64 = u32::MAX as i64;

/// How many whole seconds it is until a moment, rounded up; 0 when it is there.
pub(crate) fn seconds_until(moment: Timestamp, now: Timestamp) -> u64 {
    let nanos = moment.as_nanosecond() - now.as_nanosecond();
    let seconds = nanos.saturating_add(999_999_999) / 1_000_000_000;
    u64::try_from(seconds).unwrap_or_default()
}

/// The moment some seconds later, or earlier; the first or last that there is, where that is beyond it.
pub(crate) fn shift(moment: Timestamp, seconds: i64) -> Timestamp {
    let end = if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    moment
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(end)
}

/// The beginning of the year 0, before which RFC 3339 has no moments.
const YEAR_0: Timestamp = Timestamp::constant(-62_167_219_200, 0);

/// A moment as the service writes it: RFC 3339 in UTC with microseconds. What it cannot write becomes the nearest that it
/// can.
pub(crate) fn text(moment: Timestamp) -> String {
    format!("{:.6}", moment.max(YEAR_0))
}

/// A moment as capture files keep it. What they cannot keep becomes the nearest that they can.
pub(crate) fn to_file(moment: Timestamp) -> pcaps_file::Timestamp {
    let last = i128::from(LAST) * 1_000_000_000 + 999_999_999;
    let nanos = moment.as_nanosecond().clamp(0, last);
    pcaps_file::Timestamp::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_with_microseconds() -> Result<(), jiff::Error> {
        let moment: Timestamp = "2022-06-02T18:38:22.269047Z".parse()?;
        assert_eq!(text(moment), "2022-06-02T18:38:22.269047Z");
        let moment: Timestamp = "2022-06-02T18:38:22Z".parse()?;
        assert_eq!(text(moment), "2022-06-02T18:38:22.000000Z");
        assert_eq!(text(Timestamp::MIN), "0000-01-01T00:00:00.000000Z");
        Ok(())
    }

    #[test]
    fn clones_move_on_together() -> Result<(), Repr> {
        let clock = Clock::new(|| Timestamp::UNIX_EPOCH);
        let other = clock.clone();
        clock.advance(Duration::from_millis(1_500))?;
        other.advance(Duration::from_millis(500))?;
        assert_eq!(clock.now(), shift(Timestamp::UNIX_EPOCH, 2));
        assert_eq!(other.now(), clock.now());
        Ok(())
    }

    #[test]
    fn it_does_not_go_where_files_cannot_follow() -> Result<(), Repr> {
        let clock = Clock::new(|| Timestamp::UNIX_EPOCH);
        clock.advance(Duration::from_secs(u32::MAX.into()))?;
        let last = clock.now();
        for by in [
            Duration::from_secs(1),
            Duration::from_secs(1 << 40),
            Duration::MAX,
        ] {
            assert!(matches!(clock.advance(by), Err(Repr::Clock)));
            assert_eq!(clock.now(), last);
        }
        assert_eq!(
            to_file(Timestamp::MAX),
            to_file(last + SignedDuration::from_nanos(999_999_999))
        );
        Ok(())
    }

    #[test]
    fn seconds_are_rounded_up() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(seconds_until(now, now), 0);
        assert_eq!(seconds_until(shift(now, 60), now), 60);
        assert_eq!(seconds_until(now + SignedDuration::from_nanos(1), now), 1);
        assert_eq!(seconds_until(now, shift(now, 60)), 0);
        assert!(seconds_until(Timestamp::MAX, Timestamp::MIN) > 0);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        assert_eq!(shift(Timestamp::MAX, 1), Timestamp::MAX);
        assert_eq!(shift(Timestamp::MIN, -1), Timestamp::MIN);
        assert_eq!(to_file(Timestamp::MIN).as_nanos(), 0);
        assert_eq!(
            to_file(Timestamp::MAX).as_nanos(),
            (u64::from(u32::MAX) + 1) * 1_000_000_000 - 1
        );
    }
}
