//! Progress in lines: when there is one, and what it says.

use std::time::{Duration, Instant};

use crate::output::{duration, size};

/// How long there is no line about the same thing.
const PAUSE: Duration = Duration::from_secs(5);

/// What has been said.
#[derive(Default)]
pub(super) struct Lines {
    said: String,
    counting: Option<Counting>,
}

/// Bytes that are being counted.
struct Counting {
    /// The first word of what is being done: the others may count, too.
    what: String,
    since: Instant,
    /// How many there were then.
    from: u64,
    /// When there was a line about them.
    told: Instant,
    is_done: bool,
}

impl Lines {
    /// Whether this has not just been said.
    pub(super) fn is_news(&mut self, doing: &str) -> bool {
        let is_news = self.said != doing;
        doing.clone_into(&mut self.said);
        self.counting = None;
        is_news
    }

    /// The line about so many bytes, when it is time for one: every few seconds, and when all are there.
    pub(super) fn amount(
        &mut self,
        doing: &str,
        bytes: u64,
        total: Option<u64>,
        now: Instant,
    ) -> Option<String> {
        let what = doing.split(',').next().unwrap_or_default();
        let counting = match &mut self.counting {
            // Fewer than there were have been begun anew.
            Some(it) if it.what == what && it.from <= bytes => it,
            other => other.insert(Counting {
                what: what.to_owned(),
                since: now,
                from: bytes,
                told: now,
                is_done: false,
            }),
        };
        let is_done = total == Some(bytes);
        let is_time = now.duration_since(counting.told) >= PAUSE;
        if !is_time && (!is_done || counting.is_done) {
            return None;
        }
        counting.is_done = is_done;
        counting.told = now;
        let elapsed = now.duration_since(counting.since);
        let rate = rate(bytes - counting.from, elapsed);
        Some(line(doing, bytes, total, rate))
    }
}

/// Bytes in a second, if some time has passed.
fn rate(bytes: u64, elapsed: Duration) -> Option<u64> {
    let rate = u128::from(bytes) * 1_000_000 / elapsed.as_micros().max(1);
    (!elapsed.is_zero()).then(|| u64::try_from(rate).unwrap_or(u64::MAX))
}

/// `downloading: 42%, 4.2 MB of 10 MB, 1 MB/s, 6s left`.
fn line(doing: &str, bytes: u64, total: Option<u64>, rate: Option<u64>) -> String {
    let mut parts = Vec::new();
    match total {
        Some(total) => {
            let percent = u128::from(bytes) * 100 / u128::from(total.max(1));
            parts.push(format!("{percent}%"));
            parts.push(format!("{} of {}", size(bytes), size(total)));
        }
        None => parts.push(size(bytes)),
    }
    if let Some(rate) = rate {
        parts.push(format!("{}/s", size(rate)));
    }
    let left = total.map_or(0, |it| it.saturating_sub(bytes));
    if let Some(seconds) = left.checked_div(rate.unwrap_or_default())
        && left > 0
    {
        parts.push(format!("{} left", duration(Duration::from_secs(seconds))));
    }
    format!("{doing}: {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_share_bytes_rate_and_time_left() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut lines = Lines::default();
        let mut amount =
            |bytes, total, seconds| lines.amount("downloading", bytes, total, at(seconds));
        let total = Some(10_000_000);
        assert_eq!(amount(0, total, 0), None);
        assert_eq!(amount(4_000_000, total, 4), None, "too soon");
        assert_eq!(
            amount(5_000_000, total, 5).as_deref(),
            Some("downloading: 50%, 5 MB of 10 MB, 1 MB/s, 5s left")
        );
        assert_eq!(amount(6_000_000, total, 6), None);
        assert_eq!(
            amount(10_000_000, total, 8).as_deref(),
            Some("downloading: 100%, 10 MB of 10 MB, 1.2 MB/s")
        );
        assert_eq!(amount(10_000_000, total, 9), None, "once");
        assert_eq!(
            amount(20_000_000, None, 20).as_deref(),
            Some("downloading: 20 MB, 1 MB/s")
        );
    }

    #[test]
    fn what_begins_anew_has_a_rate_of_its_own() {
        let start = Instant::now();
        let mut lines = Lines::default();
        let mut amount = |doing, bytes, seconds| {
            lines.amount(
                doing,
                bytes,
                Some(100),
                start + Duration::from_secs(seconds),
            )
        };
        assert_eq!(
            amount("fetching, 1 of 1 files", 100, 0).as_deref(),
            Some("fetching, 1 of 1 files: 100%, 100 B of 100 B")
        );
        assert_eq!(amount("downloading", 40, 10), None);
        assert_eq!(
            amount("downloading", 60, 20).as_deref(),
            Some("downloading: 60%, 60 B of 100 B, 2 B/s, 20s left")
        );
    }

    #[test]
    fn the_same_is_said_once() {
        let mut lines = Lines::default();
        assert!(lines.is_news("merging"));
        assert!(!lines.is_news("merging"));
        assert!(lines.is_news("deleting"));
    }
}
