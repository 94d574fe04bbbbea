//! Packets over time in one line.

use super::Summary;
use crate::human;

/// The bars, from the lowest to the highest. A space is a stretch without packets.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

impl Summary {
    /// A bar for each stretch of time, in `columns` at most, and what a bar stands for, in words.
    ///
    /// Without packets there are no bars.
    ///
    /// ```
    /// use pcaps_file::{LinkType, Packet, Summary, Timestamp};
    ///
    /// let mut summary = Summary::default();
    /// for second in [0, 0, 1, 4] {
    ///     summary.add(&Packet {
    ///         timestamp: Timestamp::from_parts(second, 0),
    ///         link_type: LinkType::RAW,
    ///         original_len: 60,
    ///         bytes: &[],
    ///     });
    /// }
    /// let (bars, words) = summary.sparkline(5);
    /// assert_eq!(bars, "█▄  ▄");
    /// assert_eq!(words, "in steps of 1 s, at most 2 packets in one");
    /// ```
    pub fn sparkline(&self, columns: usize) -> (String, String) {
        // One stretch is the least there is.
        let timeline = self.whole_timeline().of_at_most(columns.max(1));
        let packets = || timeline.steps().map(|step| step.tally().packets);
        let most = packets().max().unwrap_or_default();
        let bars = packets().map(|packets| bar(packets, most)).collect();
        let words = format!(
            "in steps of {}, at most {} packets in one",
            human::step(timeline.bucket()),
            human::count(most)
        );
        (bars, words)
    }
}

/// The highest bar for the most packets, and one for any.
fn bar(packets: u64, most: u64) -> char {
    let eighths = (u128::from(packets) * 8).div_ceil(u128::from(most.max(1)));
    let at = usize::try_from(eighths).unwrap_or(BARS.len());
    match at.checked_sub(1) {
        None => ' ',
        Some(at) => BARS.get(at).copied().unwrap_or('█'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{LinkType, Packet, Timestamp};

    fn of(seconds: &[u32]) -> Summary {
        let mut summary = Summary::default();
        for &second in seconds {
            summary.add(&Packet {
                timestamp: Timestamp::from_parts(second, 0),
                link_type: LinkType::RAW,
                original_len: 60,
                bytes: &[],
            });
        }
        summary
    }

    #[test]
    fn nothing_one_moment_and_gaps() {
        assert_eq!(Summary::default().sparkline(60).0, "");
        assert_eq!(of(&[7]).sparkline(60).0, "█");
        assert_eq!(of(&[7, 7, 7]).sparkline(60).0, "█");
        assert_eq!(of(&[0, 9]).sparkline(10).0, "█        █");
    }

    #[test]
    fn few_are_not_none_and_the_most_is_full() {
        let mut seconds = vec![0; 1_000];
        seconds.extend([1, 3, 3]);
        assert_eq!(of(&seconds).sparkline(4).0, "█▁ ▁");
        for packets in 1..=8 {
            let at = usize::try_from(packets).expect("small") - 1;
            assert_eq!(bar(packets, 8), BARS[at]);
            assert_eq!(bar(packets * (u64::MAX / 8), u64::MAX / 8 * 8), BARS[at]);
        }
        assert_eq!(bar(0, 0), ' ');
    }

    #[test]
    fn it_fits_whatever_the_times_are() {
        let mut summary = of(&[0, u32::MAX]);
        summary.add(&Packet {
            timestamp: Timestamp::from_nanos(u64::MAX),
            link_type: LinkType::RAW,
            original_len: 60,
            bytes: &[],
        });
        for columns in [5, 7, 20, 60, 240, 1_000] {
            let bars = summary.sparkline(columns).0.chars().count();
            assert!((2..=columns).contains(&bars), "{columns}: {bars}");
        }
        // The longest steps there are.
        assert!(summary.sparkline(0).0.chars().count() <= 5);
    }
}
