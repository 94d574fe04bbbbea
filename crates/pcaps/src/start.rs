//! Whether a capture has started whose answer got lost.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    Account, Capture, CaptureKind, Destination, Error, Request, account::Listing, clock::between,
};

/// How long to wait before each look: the service may still be at it.
const LOOKS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// The service tells the time in whole seconds, and of the moment before it has answered.
const SLACK: Duration = Duration::from_secs(2);

/// The capture that was asked for at `sent`, if the list has it; otherwise the error that came in its place.
pub(crate) async fn find(
    account: &Account,
    request: &Request,
    sent: Timestamp,
    error: Error,
) -> Result<Capture, Error> {
    let clock = &account.shared.chance.clock;
    for pause in LOOKS {
        if !pause.is_zero() {
            clock.sleep(pause).await;
        }
        let Ok(listed) = account.list_by(&account.shared.retry).await else {
            return Err(error.advise(
                "the capture may have started all the same, and the list cannot be had: look at it before you try again",
            ));
        };
        let now = clock.now();
        if let Some(capture) = started_since(listed, request, sent, now) {
            tracing::warn!(
                id = capture.id().as_str(),
                "the answer to the start of a capture got lost; the list has it"
            );
            return Ok(capture);
        }
    }
    Err(error.advise(
        "the capture is not in the list, and may still start: look at the list before you try again",
    ))
}

/// The only capture of these parameters that was submitted after `sent`, by the service's clock if it told the time. If
/// there are two, nobody can say which was asked for.
fn started_since(
    listed: Listing,
    request: &Request,
    sent: Timestamp,
    now: Timestamp,
) -> Option<Capture> {
    // A clock that is so far behind ours would make anything new.
    let plausible = |it: &Timestamp| now.duration_since(*it) <= SignedDuration::from_hours(24);
    let now_there = listed.date.filter(plausible).unwrap_or(now);
    let since = now_there.checked_sub(between(sent, now) + SLACK).ok()?;
    let mut found = listed
        .captures
        .into_iter()
        .filter(|it| it.submitted().is_some_and(|submitted| submitted >= since))
        .filter(|it| !it.id().as_str().is_empty() && is_of(it, request));
    found.next().filter(|_| found.next().is_none())
}

/// Whether a capture is what was asked for, as far as both say.
fn is_of(capture: &Capture, request: &Request) -> bool {
    /// What one side leaves out is not different.
    fn same<T: PartialEq>(told: Option<T>, asked: Option<T>) -> bool {
        told.zip(asked).is_none_or(|(told, asked)| told == asked)
    }
    let seconds = |it: i64| u64::try_from(it).ok().map(Duration::from_secs);
    let number = |it: i64| u64::try_from(it).ok();
    match request {
        Request::Sample(it) => {
            // One that looks back from another moment than its submission says so.
            let ending_at = it.ending_at.or(capture.submitted());
            let apart = capture
                .ending_at()
                .zip(ending_at)
                .map(|(told, asked)| told.duration_since(asked).abs());
            capture.kind() == CaptureKind::Sample
                && same(capture.time_limit(), seconds(it.time_limit))
                && same(capture.packet_limit(), number(it.packet_limit))
                && same(capture.filter(), Some(it.filter))
                && apart.is_none_or(|it| it <= SignedDuration::from_secs(10))
        }
        Request::Full(it) => {
            let destination = capture
                .destination()
                .and_then(|it| it.parse::<Destination>().ok());
            capture.kind() == CaptureKind::Full
                && same(capture.time_limit(), seconds(it.time_limit))
                && same(capture.packet_limit(), it.packet_limit.and_then(number))
                && same(capture.byte_limit(), it.byte_limit.and_then(number))
                && same(capture.filter(), Some(it.filter))
                && capture
                    .colo()
                    .is_none_or(|colo| colo.eq_ignore_ascii_case(&it.colo))
                && same(
                    destination.map(|it| it.without_keys()),
                    Some(it.destination.without_keys()),
                )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use serde_json::{Value, json};

    use super::*;
    use crate::{Full, Sample};

    fn listed(captures: &[Value], date: Option<&str>) -> Listing {
        let captures = captures
            .iter()
            .map(|it| Capture::new(serde_json::from_value(it.clone()).unwrap()));
        Listing {
            captures: captures.collect(),
            date: date.map(|it| it.parse().unwrap()),
        }
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-01-02T03:{time}Z").parse().unwrap()
    }

    #[test]
    fn a_sample_is_told_by_its_parameters_and_its_time() {
        let sample = Sample::new(Duration::from_mins(1), 100)
            .unwrap()
            .filter("udp".parse().unwrap());
        let request = Request::from(sample);
        let one = json!({
            "id": "a", "type": "simple", "submitted": "2026-01-02T03:04:05.5Z", "time_limit": 60, "packet_limit": 100,
            "filter_v1": {"protocol": 17},
        });
        let found = |captures: &[Value], date| {
            let found = started_since(listed(captures, date), &request, at("04:05"), at("04:08"));
            found.map(|it| it.id().to_string())
        };
        assert_eq!(found(slice::from_ref(&one), None).as_deref(), Some("a"));
        let mut newer = one.clone();
        newer["submitted"] = "2026-01-02T03:04:06Z".into();
        newer["id"] = "b".into();
        let both = [one.clone(), newer.clone()];
        assert_eq!(found(&both, None), None, "one of them is another's");
        assert_eq!(found(&[newer], None).as_deref(), Some("b"));
        // Ours is days behind: nothing is taken for new that is not.
        let later = Some("2026-01-04T03:04:08Z");
        assert_eq!(found(slice::from_ref(&one), later), None);
        // This is no clock.
        let old = Some("1970-01-01T00:00:00Z");
        assert_eq!(found(slice::from_ref(&one), old).as_deref(), Some("a"));
        // The service's clock is an hour ahead: what it submitted then was before.
        assert_eq!(
            found(slice::from_ref(&one), Some("2026-01-02T04:04:08Z")),
            None
        );
        for (field, other) in [
            ("submitted", json!("2026-01-02T03:04:02Z")),
            ("submitted", json!("")),
            ("time_limit", json!(61)),
            ("packet_limit", json!(99)),
            ("filter_v1", json!({"protocol": 6})),
            ("type", json!("full")),
            ("offset_time", json!("2026-01-02T02:00:00Z")),
            ("id", json!("")),
        ] {
            let mut other_one = one.clone();
            other_one[field] = other;
            assert_eq!(found(&[other_one], None), None, "{field}");
        }
    }

    #[test]
    fn a_full_capture_may_be_told_of_with_keys_and_defaults() {
        let bucket = "r2://b/d?account-id=acc".parse().unwrap();
        let full = Full::new("ORD", bucket, Duration::from_mins(1)).unwrap();
        let request = Request::from(full);
        let one = json!({
            "id": "a", "type": "full", "submitted": "2026-01-02T03:04:05.5Z", "time_limit": 60, "byte_limit": 1_000_000_000,
            "colo": "ord", "destination_conf": "r2://b/d?account-id=acc&access-key-id=AK&secret-access-key=SK",
        });
        let found = |it: &Value| {
            started_since(
                listed(slice::from_ref(it), None),
                &request,
                at("04:05"),
                at("04:08"),
            )
            .is_some()
        };
        assert!(found(&one));
        for (field, other) in [
            ("destination_conf", "r2://b/e?account-id=acc"),
            ("colo", "fra01"),
            ("type", "simple"),
        ] {
            let mut other_one = one.clone();
            other_one[field] = other.into();
            assert!(!found(&other_one), "{field}");
        }
    }
}
