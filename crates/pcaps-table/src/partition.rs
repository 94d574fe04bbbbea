//! Which folder a row stands in.

use std::fmt;

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

/// The folder of one capture's rows of one hour: `capture_id=…/date=2026-11-29/hour=7`.
///
/// It displays as that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Partition {
    capture_id: String,
    /// Since 1970.
    hour: i64,
}

impl Partition {
    pub(crate) fn new(capture_id: &CaptureName, hour: i64) -> Self {
        Self {
            capture_id: capture_id.0.clone(),
            hour,
        }
    }

    /// The beginning of the hour, in UTC.
    fn begin(&self) -> DateTime {
        // Every time of a packet lies between 1970 and 2555.
        let begin = Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_hours(self.hour));
        TimeZone::UTC.to_datetime(begin.unwrap_or(Timestamp::MAX))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begin = self.begin();
        // Without a leading zero, the hour is the same to an engine that takes it for text.
        write!(
            f,
            "capture_id={}/date={}/hour={}",
            self.capture_id,
            begin.date(),
            begin.hour()
        )
    }
}

/// The name of a capture as it stands in the name of a folder: letters, digits, `.`, `_` and `-`, and nothing that an engine
/// would take for another type than text.
///
/// ```
/// use pcaps_table::CaptureName;
///
/// let of = |file: &str| CaptureName::of_file(file).to_string();
/// assert_eq!(of("edge/pcap_33c8ab12b1f74cb2a0e0bf9aa0c5ec07.pcap"), "33c8ab12b1f74cb2a0e0bf9aa0c5ec07");
/// assert_eq!(of("/var/captures/edge.pcap.gz"), "edge");
/// // Engines tell types by what the names of folders look like: 12 would be a number.
/// assert_eq!(of("0012.pcap"), "id-0012");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CaptureName(String);

impl CaptureName {
    /// How many characters it may have.
    pub const MAX_LEN: usize = 128;

    /// The capture's id, if that is what it is called by; `None` if the text is empty, has other characters, or is longer
    /// than [`MAX_LEN`](Self::MAX_LEN).
    pub fn new(text: &str) -> Option<Self> {
        let is_fine = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-');
        let is_name = !text.is_empty() && text.len() <= Self::MAX_LEN && text.chars().all(is_fine);
        is_name.then(|| {
            Self(if is_other_type(text) {
                format!("id-{text}")
            } else {
                text.to_owned()
            })
        })
    }

    /// What the name of a file says: the id in it, of 32 hexadecimal digits, as the service names its files. Without one it is
    /// the name itself, without what tells the format, and with `_` for each character that cannot stand there.
    pub fn of_file(path: &str) -> Self {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let pieces = name.split(|it: char| !it.is_ascii_alphanumeric());
        let is_id = |it: &&str| it.len() == 32 && it.bytes().all(|it| it.is_ascii_hexdigit());
        let found = pieces.clone().find(is_id);
        let clean = || {
            let clean = |it: char| {
                if it.is_ascii_alphanumeric() || matches!(it, '.' | '-') {
                    it
                } else {
                    '_'
                }
            };
            let stem = stem(name).chars().map(clean).take(Self::MAX_LEN);
            let stem: String = stem.collect();
            if stem.is_empty() {
                "capture".to_owned()
            } else {
                stem
            }
        };
        let name = found.map_or_else(clean, str::to_ascii_lowercase);
        Self::new(&name).unwrap_or(Self("capture".to_owned()))
    }
}

impl fmt::Display for CaptureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The name of a file without what tells its format.
fn stem(name: &str) -> &str {
    let packed = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"));
    let name = packed.unwrap_or(name);
    let endings = [".pcap", ".pcapng", ".cap"];
    let stem = endings.iter().find_map(|it| name.strip_suffix(it));
    stem.unwrap_or(name)
}

/// Whether an engine could take the text for a number, a date, a time, nothing or a truth.
fn is_other_type(text: &str) -> bool {
    const WORDS: [&str; 9] = [
        "null",
        "true",
        "false",
        "epoch",
        "now",
        "today",
        "tomorrow",
        "yesterday",
        "__hive_default_partition__",
    ];
    let lower = text.to_ascii_lowercase();
    let is_of_dates = |it: u8| it.is_ascii_digit() || b"+-._tz".contains(&it);
    let digits = lower.replace('_', "");
    let plain = digits.strip_suffix(['d', 'f', 'l']).unwrap_or(&digits);
    let based = digits.trim_start_matches(['+', '-']);
    let is_based = ["0x", "0b", "0o"].iter().any(|it| {
        let rest = based.strip_prefix(it);
        rest.is_some_and(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))
    });
    WORDS.contains(&lower.as_str())
        || lower.bytes().all(is_of_dates)
        // Infinities and what is not a number too.
        || [&digits[..], plain].iter().any(|it| it.parse::<f64>().is_ok())
        || is_based
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_engine_takes_for_anything_else() {
        for (text, name) in [
            (
                "33c8ab12b1f74cb2a0e0bf9aa0c5ec07",
                "33c8ab12b1f74cb2a0e0bf9aa0c5ec07",
            ),
            ("edge-1", "edge-1"),
            ("12", "id-12"),
            (
                "00000000000000000000000000000012",
                "id-00000000000000000000000000000012",
            ),
            ("1e5", "id-1e5"),
            (
                "1234567890123456789012345678e012",
                "id-1234567890123456789012345678e012",
            ),
            ("12d", "id-12d"),
            ("1_000", "id-1_000"),
            ("0xff", "id-0xff"),
            ("2026-11-29", "id-2026-11-29"),
            ("20261129T1200Z", "id-20261129T1200Z"),
            ("NaN", "id-NaN"),
            ("infinity", "id-infinity"),
            ("null", "id-null"),
        ] {
            assert_eq!(CaptureName::new(text).unwrap().to_string(), name);
        }
        for wrong in ["", "a/b", "a=b", "a b", "ä", &"a".repeat(129)] {
            assert_eq!(CaptureName::new(wrong), None);
        }
    }

    #[test]
    fn names_of_files() {
        for (file, name) in [
            (
                "s3://b/d/server-01/pcap_0123456789abcdef0123456789abcdef.pcap",
                "0123456789abcdef0123456789abcdef",
            ),
            (
                "0123456789ABCDEF0123456789ABCDEF.pcap.zst",
                "0123456789abcdef0123456789abcdef",
            ),
            ("my capture (1).pcapng", "my_capture__1_"),
            (r"C:\captures\edge.cap", "edge"),
            (".pcap", "capture"),
            ("standard input", "standard_input"),
            ("7.pcap", "id-7"),
        ] {
            assert_eq!(CaptureName::of_file(file).to_string(), name, "{file}");
        }
    }

    #[test]
    fn folders_of_hours() {
        let name = CaptureName::new("edge").unwrap();
        let of = |hour| Partition::new(&name, hour).to_string();
        assert_eq!(of(0), "capture_id=edge/date=1970-01-01/hour=0");
        assert_eq!(of(498_991), "capture_id=edge/date=2026-12-04/hour=7");
        // The last moment of nanoseconds in 64 bits.
        assert_eq!(of(5_124_095), "capture_id=edge/date=2554-07-21/hour=23");
    }
}
