//! Which files full captures leave.

use std::{num::NonZeroU16, time::Duration};

use serde::{Deserialize, Serialize};

/// Which files a full capture leaves in its bucket: `<dir>/server-<NN>/pcap_<id>.pcap`, one for each server of the
/// data centre that saw traffic, and on order some that are awkward.
///
/// All of them are numbered on: first the servers with traffic, then `empty`, then `zero_length`. Where a number
/// is more than there are files, it means all of them.
///
/// A capture with more than ten servers also ends, as it does at its `byte_limit`, when 64 MiB of it wait in
/// memory: parts of uploads have at least 5 MiB, and smaller files wait as a whole.
///
/// In JSON it is an object with the names of the fields, durations in whole seconds as `late_seconds`. What is
/// absent is as in [`Files::default`]; other names are refused.
///
/// # Examples
///
/// ```
/// use std::{num::NonZeroU16, time::Duration};
///
/// use pcaps_sim::Files;
///
/// let files = Files {
///     servers: NonZeroU16::new(300).ok_or("zero")?,
///     torn: 1,
///     late: 2,
///     late_by: Duration::from_secs(30),
///     ..Files::default()
/// };
/// let text = r#"{"servers": 300, "torn": 1, "late": 2, "late_seconds": 30}"#;
/// assert_eq!(serde_json::from_str::<Files>(text)?, files);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Files {
    /// How many servers share the traffic, 1 to 65,535; both directions of a flow are seen by the same. 3 by default.
    pub servers: NonZeroU16,
    /// How many more files have a header and no packets. 0 by default.
    pub empty: u16,
    /// How many more objects have no bytes at all. 0 by default.
    pub zero_length: u16,
    /// How many files, the first ones, end in the middle of their last packet, which `packets_captured` still counts.
    /// 0 by default.
    pub torn: u16,
    /// How many files, the last ones, appear only after the capture's status is `success`. 0 by default.
    pub late: u16,
    /// How long after it the late ones appear, by the simulator's clock, counted from the first look at which the
    /// files could be handed over. At the latest they appear when the account's next full capture is asked for.
    /// One that cannot be written then is missing, and the status stays. 60 seconds by default.
    #[serde(rename = "late_seconds", with = "seconds")]
    pub late_by: Duration,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            servers: NonZeroU16::MIN.saturating_add(2),
            empty: 0,
            zero_length: 0,
            torn: 0,
            late: 0,
            late_by: Duration::from_mins(1),
        }
    }
}

/// Durations as whole seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_defaults_and_no_other_names() -> Result<(), serde_json::Error> {
        assert_eq!(serde_json::from_str::<Files>("{}")?, Files::default());
        for wrong in [
            r#"{"servers": 0}"#,
            r#"{"servers": 65536}"#,
            r#"{"late_by": 1}"#,
            r#"{"late_seconds": -1}"#,
            r#"{"torn": -1}"#,
            r#"{"turn": 1}"#,
        ] {
            assert!(serde_json::from_str::<Files>(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            serde_json::to_string(&Files::default())?,
            r#"{"servers":3,"empty":0,"zero_length":0,"torn":0,"late":0,"late_seconds":60}"#
        );
        Ok(())
    }
}
