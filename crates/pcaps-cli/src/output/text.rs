//! Small pieces of text.

use std::{borrow::Cow, fmt::Write as _, time::Duration};

use bytesize::ByteSize;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use pcaps::Destination;
pub(crate) use pcaps_file::human::count;

use super::paint;
use crate::args::Global;

/// Text from elsewhere on one line: it must neither break a table nor steer a terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// `5m`, `1h30m`: as they are typed.
pub(crate) fn duration(duration: Duration) -> String {
    match SignedDuration::try_from(duration) {
        Ok(duration) => format!("{duration:#}").replace(' ', ""),
        Err(_) => format!("{}s", duration.as_secs()),
    }
}

/// `500 MB`.
pub(crate) fn size(bytes: u64) -> String {
    ByteSize(bytes)
        .display()
        .si()
        .to_string()
        .replace(".0 ", " ")
}

/// The time zone that people read times in.
#[derive(Clone)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    /// UTC if it was asked for, otherwise that of the system, or of `TZ`.
    pub(crate) fn of(global: &Global) -> Self {
        if global.utc {
            Self::utc()
        } else {
            Self(TimeZone::system())
        }
    }

    /// The zone itself.
    pub(crate) fn into_inner(self) -> TimeZone {
        self.0
    }

    pub(super) fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// `2026-11-23 11:00:00+01:00`, `2026-11-23 10:00:00Z`.
    pub(crate) fn seconds(&self, time: Timestamp) -> String {
        self.show(time, "%Y-%m-%d %H:%M:%S")
    }

    /// The same, with the digits below the second that are there.
    pub(crate) fn exact(&self, time: Timestamp) -> String {
        self.show(time, "%Y-%m-%d %H:%M:%S%.f")
    }

    /// A text; if it is a time in RFC 3339, as others are shown.
    pub(super) fn text(&self, text: &str) -> String {
        match text.parse() {
            Ok(time) => self.exact(time),
            Err(_) => text.to_owned(),
        }
    }

    fn show(&self, time: Timestamp, format: &str) -> String {
        let time = time.to_zoned_datetime(self.0.clone());
        let zone = if time.offset().is_zero() { "Z" } else { "%:z" };
        time.strftime(&format!("{format}{zone}")).to_string()
    }
}

/// `3 days ago`.
pub(super) fn age(time: Timestamp, now: Timestamp) -> String {
    const UNITS: [(&str, i64); 6] = [
        ("year", 365 * 24 * 3_600),
        ("month", 30 * 24 * 3_600),
        ("day", 24 * 3_600),
        ("hour", 3_600),
        ("minute", 60),
        ("second", 1),
    ];
    // Clocks may differ: nothing is of the future.
    let seconds = now.duration_since(time).as_secs();
    let unit = UNITS.iter().find(|(_, length)| seconds >= *length);
    match unit.map(|(name, length)| (name, seconds / length)) {
        None => "just now".to_owned(),
        Some((name, 1)) => format!("1 {name} ago"),
        Some((name, number)) => format!("{number} {name}s ago"),
    }
}

/// A bucket's URI for people: without the keys, which were masked before.
pub(super) fn place(uri: &str) -> String {
    match uri.parse::<Destination>() {
        Ok(destination) => destination.to_string(),
        Err(_) => uri.to_owned(),
    }
}

/// Names and values, one pair a line. Aligned as in the summary of a capture file.
pub(crate) struct Pairs(String);

impl Pairs {
    /// So wide is the column of names, in `pcaps_file::Summary` too.
    const WIDTH: usize = 14;

    pub(crate) fn new() -> Self {
        Self(String::new())
    }

    pub(crate) fn line(&mut self, name: &str, value: &str) {
        let width = Self::WIDTH.max(name.len() + 2);
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "{name:<width$}{}", one_line(value));
    }

    /// A line for the state of something, if it has one.
    pub(super) fn state(&mut self, name: &str, state: &str) {
        if !state.is_empty() {
            let width = Self::WIDTH;
            let _ = writeln!(self.0, "{name:<width$}{}", paint::state(&one_line(state)));
        }
    }

    /// A line for a value that is there.
    pub(super) fn line_if<'a>(&mut self, name: &str, value: Option<impl Into<Cow<'a, str>>>) {
        let value = value.map_or(Cow::Borrowed(""), Into::into);
        if !value.is_empty() {
            self.line(name, &value);
        }
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_is_typed() {
        for text in ["1s", "30s", "5m", "1m30s", "1h30m", "24h"] {
            let typed = Duration::try_from(text.parse::<SignedDuration>().unwrap()).unwrap();
            assert_eq!(duration(typed), text);
        }
        assert_eq!(
            duration(Duration::from_secs(u64::MAX)),
            "18446744073709551615s"
        );
        assert_eq!(size(500_000_000), "500 MB");
        assert_eq!(size(1_500_000), "1.5 MB");
        assert_eq!(size(999), "999 B");
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let time: Timestamp = "2026-11-23T10:00:00.250Z".parse().unwrap();
        let utc = Zone::utc();
        assert_eq!(utc.seconds(time), "2026-11-23 10:00:00Z");
        assert_eq!(utc.exact(time), "2026-11-23 10:00:00.25Z");
        let tokyo = Zone(TimeZone::fixed(jiff::tz::offset(9)));
        assert_eq!(tokyo.seconds(time), "2026-11-23 19:00:00+09:00");
        // As `--at` takes it.
        assert_eq!(tokyo.exact(time).parse::<Timestamp>().unwrap(), time);
    }

    #[test]
    fn ages_are_in_one_unit() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        for (seconds, shown) in [
            (-5, "just now"),
            (0, "just now"),
            (1, "1 second ago"),
            (59, "59 seconds ago"),
            (60, "1 minute ago"),
            (7_199, "1 hour ago"),
            (3 * 86_400, "3 days ago"),
            (45 * 86_400, "1 month ago"),
            (800 * 86_400, "2 years ago"),
        ] {
            let time = now - SignedDuration::from_secs(seconds);
            assert_eq!(age(time, now), shown);
        }
    }

    #[test]
    fn a_place_has_no_keys() {
        let masked = "r2://b/d?account-id=acc&access-key-id=REDACTED&secret-access-key=REDACTED";
        assert_eq!(place(masked), "r2://b/d?account-id=acc");
        assert_eq!(place("ftp://odd"), "ftp://odd");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            (count(0), count(999), count(1_000), count(1_234_567)),
            ("0".into(), "999".into(), "1,000".into(), "1,234,567".into())
        );
    }

    #[test]
    fn text_from_elsewhere_stays_on_its_line() {
        assert_eq!(one_line("a\nb\u{1b}[31mc"), "a b [31mc");
        let mut pairs = Pairs::new();
        pairs.line("id", "a\nb");
        pairs.line("a longer name than most", "c");
        pairs.line_if("nothing", Some(""));
        pairs.line_if("nothing", None::<&str>);
        assert_eq!(
            pairs.finish(),
            "id            a b\na longer name than most  c\n"
        );
    }
}
