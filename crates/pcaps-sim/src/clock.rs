//! What time it is, for the simulator.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// A source of the present moment: the real one, or a test's.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The real time.
    pub(crate) fn real() -> Self {
        Self::new(Timestamp::now)
    }

    pub(crate) fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
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
    let nanos = moment.as_nanosecond().clamp(0, i128::from(u64::MAX));
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
    fn the_ends_of_time_do_not_overflow() {
        assert_eq!(shift(Timestamp::MAX, 1), Timestamp::MAX);
        assert_eq!(shift(Timestamp::MIN, -1), Timestamp::MIN);
        assert_eq!(to_file(Timestamp::MIN).as_nanos(), 0);
        assert_eq!(to_file(Timestamp::MAX).as_nanos(), u64::MAX);
    }
}
