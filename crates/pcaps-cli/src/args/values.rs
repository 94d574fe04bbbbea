//! Values as people type them. Whether a value is in range is not said here: the types of `pcaps` check that.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use bytesize::ByteSize;
use jiff::{SignedDuration, Timestamp};
use pcaps::{BucketId, pcaps_table::CaptureName};

/// `30s`, `5m`, `1h30m`, or seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let read = || {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Duration::from_secs);
        }
        Duration::try_from(text.parse::<SignedDuration>().ok()?).ok()
    };
    read().ok_or_else(|| "write a duration such as 30s, 5m or 1h30m, or 300 for seconds".to_owned())
}

/// `500MB`, `500MiB`, or bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    match text.parse::<ByteSize>() {
        Ok(size) => Ok(size.as_u64()),
        Err(_) => Err("write a size such as 500MB or 500MiB, or 500000000 for bytes".to_owned()),
    }
}

/// A number of packets.
pub(crate) fn count(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "write a whole number from 1 to 10000".to_owned())
}

/// RFC 3339.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "write a time with its zone, such as 2026-11-23T10:00:00Z".to_owned())
}

/// A moment that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    /// So long ago.
    Ago(Duration),
    At(Timestamp),
}

impl Past {
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            // The beginning of time is as early as it gets.
            Self::Ago(duration) => now.checked_sub(duration).unwrap_or(Timestamp::MIN),
            Self::At(time) => time,
        }
    }
}

/// `2h`, or RFC 3339.
pub(super) fn past(text: &str) -> Result<Past, String> {
    let ago = duration(text).map(Past::Ago);
    ago.or_else(|_| time(text).map(Past::At)).map_err(|_| {
        "write how long ago, such as 2h or 30m, or a time with its zone, such as 2026-11-23T10:00:00Z"
            .to_owned()
    })
}

/// A bucket of the simulator, and where it is. Either may be wrong yet.
#[derive(Clone)]
pub(crate) struct Mapping {
    pub(crate) uri: String,
    pub(crate) store: String,
}

/// `URI=STORE`. Neither is repeated: people put keys into both.
pub(super) fn mapping(text: &str) -> Result<Mapping, String> {
    let form =
        "write a bucket and its store, such as s3://captures=s3+http://127.0.0.1:9000/captures";
    let (uri, store) = text.split_once('=').ok_or(form)?;
    if uri.contains('?') {
        return Err("leave out `?` and what follows in the bucket's URI".to_owned());
    }
    if !uri.contains("://") || store.is_empty() {
        return Err(form.to_owned());
    }
    Ok(Mapping {
        uri: uri.to_owned(),
        store: store.to_owned(),
    })
}

/// The id of a bucket. What is none is not repeated: it may be a URI with its keys.
pub(super) fn bucket_id(text: &str) -> Result<BucketId, String> {
    text.parse()
        .map_err(|_| "write a bucket's id, as `pcaps bucket list` shows it".to_owned())
}

/// An address and a port.
pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write an address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

/// One packet in so many.
pub(super) fn one_in(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .map_err(|_| format!("write a whole number from 1 to {}", u32::MAX))
}

/// What a capture is called.
pub(super) fn capture_name(text: &str) -> Result<CaptureName, String> {
    CaptureName::new(text).ok_or_else(|| {
        format!(
            "write 1 to {} letters, digits, `.`, `_` or `-`",
            CaptureName::MAX_LEN
        )
    })
}

/// `1/4`.
pub(super) fn shard(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('/');
    let numbers = parts.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    let shard = numbers.filter(|(i, n)| 1 <= *i && i <= n);
    shard.ok_or_else(|| {
        "write which shard of how many, such as 1/4 for the first of four".to_owned()
    })
}

/// A seed.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_have_two_sides() {
        let both = |text| mapping(text).map(|it| (it.uri, it.store));
        let of = |uri: &str, store: &str| Ok((uri.to_owned(), store.to_owned()));
        assert_eq!(both("s3://b/d=./x=y"), of("s3://b/d", "./x=y"));
        assert_eq!(both("gs://b=memory:"), of("gs://b", "memory:"));
        for wrong in ["", "gs://b", "gs://b=", "=memory:", "b=memory:"] {
            assert!(
                both(wrong).is_err_and(|it| it.starts_with("write a bucket")),
                "{wrong}"
            );
        }
        let keys = both("r2://b?secret-access-key=hunter2=memory:");
        assert!(keys.is_err_and(|it| it.starts_with("leave out") && !it.contains("hunter2")));
    }

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!(shard("1/1"), Ok((1, 1)));
        assert_eq!(shard("4/4"), Ok((4, 4)));
        for wrong in ["", "1", "0/4", "5/4", "1/0", "-1/4", "1/4/4", "a/b"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_have_units_or_are_seconds() {
        for (text, seconds) in [
            ("30s", 30),
            ("5m", 300),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("300", 300),
            ("0", 0),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1_500)));
        for bad in [
            "",
            " ",
            "x",
            "-5m",
            "-5",
            "5 parsecs",
            "5mm",
            "1e3",
            "99999999999999999999",
            "99999999999999999h",
            "∞",
        ] {
            let error = duration(bad).unwrap_err();
            assert!(error.contains("5m"), "{bad}: {error}");
        }
    }

    #[test]
    fn sizes_are_decimal_or_binary_or_bytes() {
        for (text, bytes) in [
            ("500MB", 500_000_000),
            ("500 mb", 500_000_000),
            ("500MiB", 524_288_000),
            ("1.5kB", 1_500),
            ("500000000", 500_000_000),
            ("99999999999999999999GB", u64::MAX),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in [
            "",
            "MB",
            "-1",
            "-1MB",
            "5 parsecs",
            "1..5MB",
            "NaN",
            "infMB",
            "ä",
        ] {
            let error = size(bad).unwrap_err();
            assert!(error.contains("500MB"), "{bad}: {error}");
        }
    }

    #[test]
    fn numbers_that_are_none_are_told_what_to_be() {
        assert_eq!(count("10000"), Ok(10_000));
        for bad in ["", "-1", "ten", "1.5", "4294967296"] {
            assert!(count(bad).unwrap_err().contains("1 to 10000"), "{bad}");
        }
        assert!(one_in("0").is_err());
        assert!(seed("-1").is_err());
        assert!(socket("localhost").unwrap_err().contains("127.0.0.1:8080"));
    }

    #[test]
    fn times_have_a_zone() {
        let ten: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(time("2026-11-23T10:00:00Z"), Ok(ten));
        assert_eq!(time("2026-11-23T12:00:00+02:00"), Ok(ten));
        for bad in [
            "",
            "2026-11-23T10:00:00",
            "10:00",
            "now",
            "-1",
            "2026-13-01T00:00:00Z",
        ] {
            assert!(
                time(bad).unwrap_err().contains("2026-11-23T10:00:00Z"),
                "{bad}"
            );
        }
    }
}
