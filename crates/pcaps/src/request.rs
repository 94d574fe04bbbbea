//! What a capture is asked to be. Limits are checked when a value is made, against the service's description.

use std::{ops::RangeInclusive, time::Duration};

use jiff::{SignedDuration, Timestamp};
use pcaps_api::{CaptureRequest, System, limits, types};

use crate::{Destination, Error, Filter};

/// A sample of traffic that has already passed, over all data centres: the first 160 bytes of each packet. Ready at
/// once, and downloadable. (The service calls it a *simple* capture.) Hand it to
/// [`Account::sample_to`](crate::Account::sample_to) or [`Account::start`](crate::Account::start); the service takes one
/// a minute on each account.
///
/// Source: Cloudflare's how-to page on packet captures; the ranges are those of its API reference.
///
/// ```
/// use std::time::Duration;
/// use pcaps::Sample;
///
/// let sample = Sample::new(Duration::from_secs(300), 10_000)?.filter("tcp and dst port 443".parse()?);
/// # Ok::<(), pcaps::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sample {
    pub(crate) time_limit: i64,
    pub(crate) packet_limit: i64,
    pub(crate) filter: Filter,
    pub(crate) ending_at: Option<Timestamp>,
}

impl Sample {
    /// A sample of the last `time_limit` (1 s to 300 s, whole seconds), of at most `packet_limit` packets (1 to
    /// 10,000).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let sample = pcaps::Sample::new(Duration::from_secs(60), 1_000)?;
    /// assert!(pcaps::Sample::new(Duration::from_secs(301), 1_000).is_err());
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when a limit is out of range.
    pub fn new(time_limit: Duration, packet_limit: u32) -> Result<Self, Error> {
        use limits::simple_capture_request::{PACKET_LIMIT, TIME_LIMIT};
        Ok(Self {
            time_limit: seconds("time limit of a sample", time_limit, TIME_LIMIT)?,
            packet_limit: within("packet limit", "packets", packet_limit.into(), PACKET_LIMIT)?,
            filter: Filter::default(),
            ending_at: None,
        })
    }

    /// Takes only the packets that match. A later filter takes the place of an earlier one.
    ///
    /// ```
    /// # fn example(sample: pcaps::Sample) -> Result<(), pcaps::Error> {
    /// let sample = sample.filter("udp and dst port 53".parse()?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn filter(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    /// Looks back from `time`, within the last 24 hours, instead of from now.
    ///
    /// ```
    /// # fn example(sample: pcaps::Sample) -> Result<(), pcaps::Error> {
    /// let an_hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    /// let sample = sample.ending_at(an_hour_ago)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when `time` is in the future or more than 24 hours ago.
    pub fn ending_at(self, time: Timestamp) -> Result<Self, Error> {
        self.ending_at_as_of(time, Timestamp::now())
    }

    pub(crate) fn ending_at_as_of(self, time: Timestamp, now: Timestamp) -> Result<Self, Error> {
        let age = now.duration_since(time);
        if age < SignedDuration::ZERO {
            return Err(Error::invalid(format!(
                "the time {time} is in the future: a sample looks back"
            )));
        }
        if age > SignedDuration::from_hours(24) {
            return Err(Error::invalid(format!(
                "the time {time} is more than 24 hours ago: the service keeps no older traffic"
            )));
        }
        Ok(Self {
            ending_at: Some(time),
            ..self
        })
    }
}

/// A capture of new packets, whole, at one data centre, into a bucket that has been validated. Hand it to
/// [`Account::start`](crate::Account::start); the service runs one at a time on each account.
///
/// It ends at the first of its limits, or when it is [stopped](crate::Account::stop). It may leave many files in the
/// bucket, one for each server that saw traffic, whose names have the capture's id in them.
///
/// Source: Cloudflare's how-to page on packet captures; the ranges are those of its API reference. (The how-to page has
/// 300 s for the time limit.)
///
/// ```
/// use std::time::Duration;
/// use pcaps::Full;
///
/// let bucket = "s3://captures/edge?region=eu-west-1".parse()?;
/// let full = Full::new("ORD", bucket, Duration::from_secs(3600))?.byte_limit(500_000_000)?;
/// # Ok::<(), pcaps::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Full {
    pub(crate) colo: String,
    pub(crate) destination: Destination,
    pub(crate) time_limit: i64,
    pub(crate) packet_limit: Option<i64>,
    pub(crate) byte_limit: Option<i64>,
    pub(crate) filter: Filter,
}

impl Full {
    /// A capture at the data centre `colo` (one, `ord02`, or all of a place, `ORD`), for `time_limit` (1 s to 24 h,
    /// whole seconds). The keys of a bucket on R2 are not sent.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let full = pcaps::Full::new("ord02", "gs://captures/edge".parse()?, Duration::from_secs(3600))?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when the limit is out of range or the data centre's name is
    /// not letters and digits.
    pub fn new(colo: &str, destination: Destination, time_limit: Duration) -> Result<Self, Error> {
        if colo.is_empty() || !colo.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(Error::invalid(format!(
                "the data centre {colo:?} is not a name of letters and digits, such as ord02 or ORD"
            )));
        }
        Ok(Self {
            colo: colo.to_owned(),
            destination,
            time_limit: seconds(
                "time limit of a full capture",
                time_limit,
                limits::full_capture_request::TIME_LIMIT,
            )?,
            packet_limit: None,
            byte_limit: None,
            filter: Filter::default(),
        })
    }

    /// Ends the capture after so many packets (1 to 10,000).
    ///
    /// ```
    /// # fn example(full: pcaps::Full) -> Result<(), pcaps::Error> {
    /// let full = full.packet_limit(5_000)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when it is out of range.
    pub fn packet_limit(self, packets: u32) -> Result<Self, Error> {
        let limit = within(
            "packet limit",
            "packets",
            packets.into(),
            limits::full_capture_request::PACKET_LIMIT,
        )?;
        Ok(Self {
            packet_limit: Some(limit),
            ..self
        })
    }

    /// Ends the capture after so many bytes (1 to 1,000,000,000).
    ///
    /// ```
    /// # fn example(full: pcaps::Full) -> Result<(), pcaps::Error> {
    /// let full = full.byte_limit(100_000_000)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when it is out of range.
    pub fn byte_limit(self, bytes: u64) -> Result<Self, Error> {
        let limit = within(
            "byte limit",
            "bytes",
            bytes,
            limits::full_capture_request::BYTE_LIMIT,
        )?;
        Ok(Self {
            byte_limit: Some(limit),
            ..self
        })
    }

    /// Takes only the packets that match. A later filter takes the place of an earlier one.
    ///
    /// ```
    /// # fn example(full: pcaps::Full) -> Result<(), pcaps::Error> {
    /// let full = full.filter("udp and dst port 53".parse()?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn filter(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }
}

/// A capture of either type: what [`Account::start`](crate::Account::start) takes. A [`Sample`] and a [`Full`] turn
/// into one by themselves; it is for programs that choose as they run.
///
/// ```
/// use pcaps::{Full, Request, Sample};
///
/// fn chosen(whole: bool, full: Full, sample: Sample) -> Request {
///     if whole { full.into() } else { sample.into() }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Request {
    /// A sample of the past.
    Sample(Sample),
    /// A full capture.
    Full(Full),
}

impl From<Sample> for Request {
    fn from(sample: Sample) -> Self {
        Self::Sample(sample)
    }
}

impl From<Full> for Request {
    fn from(full: Full) -> Self {
        Self::Full(full)
    }
}

impl Request {
    pub(crate) fn to_api(&self) -> CaptureRequest {
        match self {
            Self::Sample(it) => CaptureRequest::Simple(types::SimpleCaptureRequest {
                filter_v1: it.filter.to_api(),
                offset_time: it.ending_at.map(|time| time.to_string()),
                packet_limit: it.packet_limit,
                system: System::MagicTransit,
                time_limit: it.time_limit,
            }),
            Self::Full(it) => CaptureRequest::Full(types::FullCaptureRequest {
                byte_limit: it.byte_limit,
                colo_name: it.colo.clone(),
                destination_conf: it.destination.without_keys().into(),
                filter_v1: it.filter.to_api(),
                packet_limit: it.packet_limit,
                system: System::MagicTransit,
                time_limit: it.time_limit,
            }),
        }
    }
}

fn seconds(what: &str, value: Duration, range: RangeInclusive<i64>) -> Result<i64, Error> {
    if value.subsec_nanos() != 0 {
        return Err(Error::invalid(format!(
            "the {what} is {value:?}: it must be whole seconds"
        )));
    }
    within(what, "seconds", value.as_secs(), range)
}

fn within(what: &str, unit: &str, value: u64, range: RangeInclusive<i64>) -> Result<i64, Error> {
    match i64::try_from(value) {
        Ok(value) if range.contains(&value) => Ok(value),
        _ => Err(Error::invalid(format!(
            "the {what} is {value} {unit}: it must be {} to {}",
            range.start(),
            range.end()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        error.to_string()
    }

    fn bucket() -> Destination {
        "gs://b/d".parse().unwrap()
    }

    #[test]
    fn limits_are_checked_at_both_ends() {
        let second = Duration::from_secs(1);
        Sample::new(second, 1).unwrap();
        Sample::new(second * 300, 10_000).unwrap();
        assert!(message(Sample::new(second * 301, 1)).contains("it must be 1 to 300"));
        assert!(message(Sample::new(Duration::ZERO, 1)).contains("it must be 1 to 300"));
        assert!(message(Sample::new(Duration::from_millis(1500), 1)).contains("whole seconds"));
        assert!(message(Sample::new(second, 0)).contains("it must be 1 to 10000"));
        assert!(message(Sample::new(second, 10_001)).contains("it must be 1 to 10000"));
        let full = || Full::new("ord02", bucket(), second * 86_400).unwrap();
        assert!(
            message(Full::new("ord02", bucket(), second * 86_401))
                .contains("it must be 1 to 86400")
        );
        assert!(message(Full::new("", bucket(), second)).contains("ord02"));
        assert!(message(full().packet_limit(10_001)).contains("it must be 1 to 10000"));
        assert!(message(full().byte_limit(1_000_000_001)).contains("it must be 1 to 1000000000"));
        full().byte_limit(1_000_000_000).unwrap();
    }

    #[test]
    fn a_sample_looks_back_at_most_a_day() {
        let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let sample = || Sample::new(Duration::from_mins(1), 1).unwrap();
        sample().ending_at_as_of(now, now).unwrap();
        sample()
            .ending_at_as_of(now - SignedDuration::from_hours(24), now)
            .unwrap();
        assert!(
            message(sample().ending_at_as_of(now + SignedDuration::from_secs(1), now))
                .contains("future")
        );
        let old = now - SignedDuration::from_secs(24 * 3600 + 1);
        assert!(message(sample().ending_at_as_of(old, now)).contains("24 hours"));
    }
}
