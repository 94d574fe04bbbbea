//! Numbers as people read them.

use std::time::Duration;

/// `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `999 B`, `1.24 GB`: powers of a thousand, three digits.
pub fn size(bytes: u64) -> String {
    scaled(bytes, 1.0, &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

/// `0.14`, `12,345,678`: how many of something in a second.
pub fn rate(number: u64, duration: Duration) -> String {
    let each = as_f64(number) / duration.as_secs_f64();
    if each < 100.0 {
        return format!("{each:.2}");
    }
    // Far below 2^64 and not negative, so the cast only rounds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and is for people"
    )]
    count(each.round() as u64)
}

/// `103 bit/s`, `9.87 Gbit/s`.
pub fn bit_rate(bytes: u64, duration: Duration) -> String {
    scaled(
        bytes,
        8.0 / duration.as_secs_f64(),
        &["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s"],
    )
}

/// `0.593 s`, `1 min 23 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{:.3} s", duration.as_secs_f64()),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// `200 ms`, `30 s`, `6 h`: a duration that is a whole number of some unit.
pub fn step(duration: Duration) -> String {
    const UNITS: [(u128, &str); 6] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "min"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "µs"),
    ];
    let nanos = duration.as_nanos();
    for (unit, name) in UNITS {
        if nanos >= unit && nanos.is_multiple_of(unit) {
            return format!("{} {name}", nanos / unit);
        }
    }
    format!("{nanos} ns")
}

/// `12.3%`; of nothing, nothing.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    format!("{:.1}%", 100.0 * as_f64(part) / as_f64(whole))
}

fn scaled(number: u64, factor: f64, units: &[&str]) -> String {
    let mut value = as_f64(number) * factor;
    let mut step = 0;
    // 999.5 would round to 1000.
    while value >= 999.5 && step + 1 < units.len() {
        value /= 1_000.0;
        step += 1;
    }
    let unit = units.get(step).unwrap_or(&"");
    let whole = step == 0 && value.fract() == 0.0;
    let digits = match value {
        _ if whole => 0,
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no more than three digits are shown"
)]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn sizes() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_000), "1.00 kB");
        assert_eq!(size(9_996), "10.0 kB");
        assert_eq!(size(999_499), "999 kB");
        assert_eq!(size(999_500), "1.00 MB");
        assert_eq!(size(u64::MAX), "18.4 EB");
    }

    #[test]
    fn rates() {
        assert_eq!(rate(12, Duration::from_secs(83)), "0.14");
        assert_eq!(rate(10_000_000, Duration::from_millis(500)), "20,000,000");
        assert_eq!(bit_rate(1_080, Duration::from_secs(83)), "104 bit/s");
        assert_eq!(bit_rate(1, Duration::from_secs(20)), "0.40 bit/s");
    }

    #[test]
    fn durations() {
        assert_eq!(duration(Duration::ZERO), "0.000 s");
        assert_eq!(duration(Duration::from_secs(83)), "1 min 23 s");
        assert_eq!(duration(Duration::from_mins(125)), "2 h 5 min");
        assert_eq!(duration(Duration::from_hours(76)), "3 d 4 h");
    }

    #[test]
    fn steps() {
        assert_eq!(step(Duration::from_millis(200)), "200 ms");
        assert_eq!(step(Duration::from_secs(30)), "30 s");
        assert_eq!(step(Duration::from_hours(6)), "6 h");
        assert_eq!(step(Duration::from_nanos(1_500)), "1500 ns");
    }

    #[test]
    fn shares() {
        assert_eq!(share(1, 3), "33.3%");
        assert_eq!(share(0, 0), "");
    }
}
