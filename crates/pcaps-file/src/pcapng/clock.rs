//! The clock of a pcapng interface: how long a tick is, and when tick 0 was.

use crate::packet::Timestamp;

const NANOS: i128 = 1_000_000_000;

/// Converts ticks to moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    tick: Tick,
    /// Seconds to add.
    offset: i64,
}

#[derive(Clone, Copy, Debug)]
enum Tick {
    /// So many nanoseconds.
    Nanos(u32),
    /// So many to a nanosecond.
    PerNano(u128),
    /// Two to the minus so many seconds.
    Binary(u32),
}

impl Clock {
    /// From the options `if_tsresol` (a negative power of ten, or of two if the top bit is set) and
    /// `if_tsoffset` (seconds).
    pub(crate) fn new(resolution: u8, offset: i64) -> Self {
        let power = u32::from(resolution & 0x7f);
        let tick = if resolution & 0x80 != 0 {
            Tick::Binary(power)
        } else if power <= 9 {
            Tick::Nanos(10_u32.pow(9 - power))
        } else {
            // No count of ticks reaches a nanosecond when this saturates.
            Tick::PerNano(10_u128.saturating_pow(power - 9))
        };
        Self { tick, offset }
    }

    /// Whether there are moments on this clock that whole microseconds cannot tell.
    pub(crate) fn is_finer_than_micros(self) -> bool {
        match self.tick {
            Tick::Nanos(nanos) => nanos < 1_000,
            Tick::PerNano(_) => true,
            // 2^-6 s is 15,625 µs, 2^-7 s is 7,812.5.
            Tick::Binary(power) => power > 6,
        }
    }

    /// The moment of a tick, or the nearest that [`Timestamp`] can hold.
    #[inline]
    pub(crate) fn timestamp(self, ticks: u64) -> Timestamp {
        if self.offset == 0
            && let Tick::Nanos(nanos) = self.tick
        {
            return Timestamp::from_nanos(ticks.saturating_mul(u64::from(nanos)));
        }
        let ticks = u128::from(ticks);
        let since = match self.tick {
            Tick::Nanos(nanos) => ticks * u128::from(nanos),
            Tick::PerNano(count) => ticks / count,
            Tick::Binary(power) => (ticks * NANOS.unsigned_abs()) >> power,
        };
        // At most 2^94 each: nothing overflows.
        let nanos = since.cast_signed() + i128::from(self.offset) * NANOS;
        let nearest = nanos.clamp(0, i128::from(u64::MAX));
        Timestamp::from_nanos(u64::try_from(nearest).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(resolution: u8, offset: i64, ticks: u64) -> u64 {
        Clock::new(resolution, offset).timestamp(ticks).as_nanos()
    }

    #[test]
    fn powers_of_ten() {
        assert_eq!(nanos(6, 0, 1_500_000), 1_500_000_000);
        assert_eq!(nanos(9, 0, 1_500_000), 1_500_000);
        assert_eq!(nanos(0, 0, 3), 3_000_000_000);
        assert_eq!(nanos(12, 0, 1_999), 1);
    }

    #[test]
    fn powers_of_two() {
        assert_eq!(nanos(0x80 | 1, 0, 3), 1_500_000_000);
        assert_eq!(nanos(0x80 | 0x14, 0, 1 << 20), 1_000_000_000);
        assert_eq!(nanos(0x80 | 32, 0, u64::MAX), 4_294_967_295_999_999_999);
    }

    #[test]
    fn offsets() {
        assert_eq!(nanos(6, 2, 1), 2_000_001_000);
        assert_eq!(nanos(6, -1, 1_500_000), 500_000_000);
        assert_eq!(nanos(6, -2, 1_500_000), 0, "before 1970");
    }

    #[test]
    fn extremes_do_not_overflow() {
        for resolution in 0..=u8::MAX {
            for offset in [i64::MIN, -1, 0, 1, i64::MAX] {
                for ticks in [0, 1, u64::MAX] {
                    nanos(resolution, offset, ticks);
                }
            }
        }
        assert_eq!(nanos(0, i64::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn finer_than_micros() {
        let finer = |resolution| Clock::new(resolution, 0).is_finer_than_micros();
        assert!(!finer(6) && finer(7) && finer(9) && finer(12));
        assert!(!finer(0x80 | 6) && finer(0x80 | 7));
    }
}
