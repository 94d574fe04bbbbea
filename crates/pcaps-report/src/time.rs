//! Times as the reader's zone has them.

use std::time::Duration;

use jiff::{Span, Unit, civil::DateTime, tz::TimeZone};
use pcaps_file::Timestamp;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// What lies between two marks of a time axis, in nanoseconds. Below a second: one, two or five of a power of ten.
const STEPS: [u64; 21] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    30 * DAY,
];

/// The zone that times are told in.
#[derive(Debug)]
pub(crate) struct Times(TimeZone);

impl Times {
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self(zone)
    }

    /// `2026-11-23 10:00:00.25Z`, as `pcaps stats` has it.
    pub(crate) fn exact(&self, time: Timestamp) -> String {
        let time = time.to_jiff().to_zoned_datetime(self.0.clone());
        let zone = if time.offset().is_zero() { "Z" } else { "%:z" };
        time.strftime(&format!("%Y-%m-%d %H:%M:%S%.f{zone}"))
            .to_string()
    }

    /// `23 November 2026, 10:00:00 to 10:05:00 UTC`, for a heading.
    pub(crate) fn range(&self, first: Timestamp, last: Timestamp) -> String {
        let zoned = |it: Timestamp| it.to_jiff().to_zoned_datetime(self.0.clone());
        let [first, last] = [first, last].map(zoned);
        let zone = if last.offset().is_zero() {
            "UTC"
        } else {
            "UTC%:z"
        };
        let is_plain = first.offset() == last.offset();
        let from = if is_plain { "" } else { " UTC%:z" };
        let day = if is_plain && first.date() == last.date() {
            ""
        } else {
            "%-d %B %Y, "
        };
        format!(
            "{} to {}",
            first.strftime(&format!("%-d %B %Y, %H:%M:%S{from}")),
            last.strftime(&format!("{day}%H:%M:%S {zone}"))
        )
    }

    /// Marks of a time axis, `most` at most, and what is written at them.
    pub(crate) fn marks(
        &self,
        from: Timestamp,
        to: Timestamp,
        most: u64,
    ) -> Vec<(Timestamp, String)> {
        let (from, to) = (from.as_nanos(), to.as_nanos());
        let span = to.saturating_sub(from);
        let step = step(span / most.max(1));
        let format = match step {
            YEAR.. => "%Y",
            DAY.. => "%b %-d",
            _ if span >= DAY => "%b %-d %H:%M",
            MINUTE.. => "%H:%M",
            SECOND.. => "%H:%M:%S",
            _ => "%H:%M:%S%.f",
        };
        let zoned = |nanos| {
            let time = Timestamp::from_nanos(nanos).to_jiff();
            time.to_zoned_datetime(self.0.clone())
        };
        let mut marks: Vec<u64> = if step < HOUR {
            // Clocks are changed by whole hours, or halves.
            let offset = i64::from(zoned(from).offset().seconds()).saturating_mul(1_000_000_000);
            let local = from.saturating_add_signed(offset);
            let first = local.div_ceil(step).saturating_mul(step);
            let first = first.saturating_add_signed(offset.saturating_neg());
            (0..most)
                .map(|at| first.saturating_add(step.saturating_mul(at)))
                .collect()
        } else {
            // One more than there may be: the first can be before the beginning.
            (0..=most)
                .map_while(|at| self.civil(zoned(from).datetime(), step, at))
                .collect()
        };
        // Where clocks are set forward, the hour that is left out has the times of the next.
        marks.retain(|&nanos| nanos <= to && nanos >= from);
        marks.dedup();
        marks.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        marks
            .into_iter()
            .map(|nanos| {
                let label = zoned(nanos).strftime(format).to_string();
                (Timestamp::from_nanos(nanos), label)
            })
            .collect()
    }

    /// The time at which clocks of the zone show what they show `at` steps after the last round time up to `from`: whole
    /// years, days or hours, however often clocks are changed between them.
    fn civil(&self, from: DateTime, step: u64, at: u64) -> Option<u64> {
        let at = i64::try_from(at).ok()?;
        let shown = if step >= YEAR {
            let years = at.checked_mul(i64::try_from(step / YEAR).ok()?)?;
            let first = from.first_of_year().start_of_day();
            first.checked_add(Span::new().try_years(years).ok()?).ok()?
        } else {
            let hours = i64::try_from(step / HOUR).ok()?;
            // Days are counted from 1970, so that two captures of a day have the same marks.
            let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
            let since = from.since((Unit::Hour, epoch)).ok()?;
            let first = i64::from(since.get_hours()).checked_div_euclid(hours)?;
            let hours = first.checked_add(at)?.checked_mul(hours)?;
            epoch.checked_add(Span::new().try_hours(hours).ok()?).ok()?
        };
        let time = self.0.to_timestamp(shown).ok()?;
        u64::try_from(time.as_nanosecond()).ok()
    }
}

/// The shortest round step that is not shorter than this, in nanoseconds.
fn step(least: u64) -> u64 {
    if least > 30 * DAY {
        return least.div_ceil(YEAR).saturating_mul(YEAR);
    }
    if least > SECOND / 2 {
        let found = STEPS.into_iter().find(|it| *it >= least);
        return found.unwrap_or(30 * DAY);
    }
    let mut power: u64 = 1_000;
    loop {
        for times in [1, 2, 5] {
            if power * times >= least {
                return power * times;
            }
        }
        power *= 10;
    }
}

/// What a rate is a rate of: seconds as a number.
pub(crate) fn seconds(duration: Duration) -> String {
    let nanos = duration.subsec_nanos();
    if nanos == 0 {
        return format!("{} s", pcaps_file::human::count(duration.as_secs()));
    }
    let digits = format!("{nanos:09}");
    format!(
        "{}.{} s",
        pcaps_file::human::count(duration.as_secs()),
        digits.trim_end_matches('0')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * SECOND)
    }

    fn labels(times: &Times, from: Timestamp, to: Timestamp, most: u64) -> Vec<String> {
        let marks = times.marks(from, to, most);
        assert!(marks.len() as u64 <= most);
        marks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn marks_are_round_times_of_the_zone() {
        let utc = Times::new(TimeZone::UTC);
        let from = at(1_700_000_003);
        assert_eq!(
            labels(&utc, from, at(1_700_000_303), 6),
            ["22:14", "22:15", "22:16", "22:17", "22:18"]
        );
        let kathmandu = jiff::tz::Offset::from_seconds(20_700).expect("an offset");
        let kathmandu = Times::new(TimeZone::fixed(kathmandu));
        assert_eq!(
            labels(&kathmandu, from, at(1_700_000_003 + 5 * 3_600), 6),
            ["04:00", "05:00", "06:00", "07:00", "08:00"]
        );
        let day = labels(&utc, from, at(1_700_000_003 + 3 * 86_400), 4);
        assert_eq!(day, ["Nov 15", "Nov 16", "Nov 17"]);
        let short = Timestamp::from_nanos(from.as_nanos() + 2_500_000);
        assert_eq!(
            labels(&utc, from, short, 4),
            ["22:13:23", "22:13:23.001", "22:13:23.002"]
        );
    }

    /// Clocks in Berlin were set back on 29 October 2023 and forward on 26 March.
    #[test]
    fn marks_are_round_when_clocks_are_changed() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let berlin = Times::new(berlin);
        let from = at(1_698_444_000);
        let days = labels(&berlin, from, at(1_698_447_600 + 4 * 86_400), 5);
        assert_eq!(days, ["Oct 28", "Oct 29", "Oct 30", "Oct 31", "Nov 1"]);
        let marks = berlin.marks(from, at(1_698_447_600 + 4 * 86_400), 5);
        for (time, _) in marks {
            let exact = berlin.exact(time);
            assert!(exact.contains(" 00:00:00+0"), "{exact}");
        }
        let night = labels(&berlin, at(1_679_785_200), at(1_679_785_200 + 4 * 3_600), 6);
        assert_eq!(night, ["00:00", "01:00", "03:00", "04:00", "05:00"]);
    }

    #[test]
    fn long_spans_have_years() {
        let utc = Times::new(TimeZone::UTC);
        let years = labels(&utc, at(1_600_000_000), at(1_720_000_000), 4);
        assert_eq!(years, ["2021", "2022", "2023", "2024"]);
    }

    #[test]
    fn a_range_says_what_differs() {
        let utc = Times::new(TimeZone::UTC);
        let from = at(1_700_000_003);
        assert_eq!(
            utc.range(from, at(1_700_000_100)),
            "14 November 2023, 22:13:23 to 22:15:00 UTC"
        );
        assert_eq!(
            utc.range(from, at(1_700_086_400)),
            "14 November 2023, 22:13:23 to 15 November 2023, 22:13:20 UTC"
        );
        let tokyo = Times::new(TimeZone::fixed(jiff::tz::offset(9)));
        assert_eq!(
            tokyo.range(from, from),
            "15 November 2023, 07:13:23 to 07:13:23 UTC+09:00"
        );
    }

    #[test]
    fn any_span_has_few_marks() {
        let utc = Times::new(TimeZone::UTC);
        for from in [0, 1, 1_700_000_000_123_456_789, u64::MAX - 1, u64::MAX] {
            for span in [0, 1, 999, SECOND, DAY, 400 * DAY, u64::MAX] {
                let from = Timestamp::from_nanos(from);
                let to = Timestamp::from_nanos(from.as_nanos().saturating_add(span));
                for most in [1, 4, 8] {
                    labels(&utc, from, to, most);
                }
            }
        }
    }

    #[test]
    fn durations_have_all_their_digits() {
        assert_eq!(seconds(Duration::from_millis(1_234_500)), "1,234.5 s");
        assert_eq!(seconds(Duration::from_secs(3)), "3 s");
    }
}
