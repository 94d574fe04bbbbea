//! The bodies in `spec/examples/` decode into the generated types and encode to what they were.

use std::fs;

use pcaps_api::{Capture, CaptureRequest, CaptureStatus, OwnershipStatus, types};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::support::root;

fn text(name: &str) -> String {
    let path = root().join("spec/examples").join(format!("{name}.json"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Decodes an example, and checks that encoding gives it back: nulls are the same as nothing, and `80.0` is `80`.
fn example<T: DeserializeOwned + Serialize>(name: &str) -> T {
    fn normal(value: Value) -> Value {
        match value {
            Value::Object(map) => map
                .into_iter()
                .filter(|(_, it)| !it.is_null())
                .map(|(key, it)| (key, normal(it)))
                .collect(),
            Value::Array(items) => items.into_iter().map(normal).collect(),
            #[expect(clippy::cast_possible_truncation, reason = "examples are small")]
            Value::Number(number) if number.as_f64().is_some_and(|it| it.fract() == 0.0) => {
                (number.as_f64().unwrap_or_default() as i64).into()
            }
            other => other,
        }
    }
    let text = text(name);
    let decoded: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let encoded = normal(serde_json::to_value(&decoded).unwrap());
    assert_eq!(
        encoded,
        normal(serde_json::from_str(&text).unwrap()),
        "{name}"
    );
    decoded
}

fn captures(name: &str) -> Vec<Capture> {
    example::<types::CaptureListEnvelope>(&format!("quirk.{name}.list_captures.response"))
        .result
        .unwrap()
}

fn simple(capture: &Capture) -> &types::SimpleCapture {
    match capture {
        Capture::Simple(it) => it,
        other => panic!("{other:?} is not a simple capture"),
    }
}

fn full(capture: &Capture) -> &types::FullCapture {
    match capture {
        Capture::Full(it) => it,
        other => panic!("{other:?} is not a full capture"),
    }
}

/// Every example has a place here: a new one that nobody decodes is noticed.
#[test]
fn every_example_decodes_without_loss() {
    let names = fs::read_dir(root().join("spec/examples"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    assert!(names.len() >= 30, "{names:?}");
    for name in names {
        let name = name.strip_suffix(".json").unwrap();
        let parts: Vec<_> = name.trim_start_matches("quirk.").split('.').collect();
        let operation = parts
            .iter()
            .find(|part| part.contains("_capture") || part.contains("_bucket"));
        match (operation.copied(), *parts.last().unwrap()) {
            (Some("start_capture"), "request") => {
                example::<CaptureRequest>(name);
            }
            (Some("register_bucket"), "request") => {
                example::<types::RegisterBucketRequest>(name);
            }
            (Some("validate_bucket"), "request") => {
                example::<types::ValidateBucketRequest>(name);
            }
            (Some("start_capture" | "get_capture"), "response") => {
                example::<types::CaptureEnvelope>(name);
            }
            (Some("list_captures"), "response") => {
                example::<types::CaptureListEnvelope>(name);
            }
            (Some("register_bucket" | "validate_bucket"), "response") => {
                example::<types::OwnershipEnvelope>(name);
            }
            (Some("list_buckets"), "response") => {
                example::<types::OwnershipListEnvelope>(name);
            }
            (None, "response") => {
                example::<types::Failure>(name);
            }
            other => panic!("{name}: no type for {other:?}"),
        }
    }
}

#[test]
fn an_unknown_status_survives() {
    let captures = captures("unknown_status");
    assert_eq!(
        full(&captures[0]).status,
        Some(CaptureStatus::Other("resting".into()))
    );
    assert_eq!(simple(&captures[1]).status, Some(CaptureStatus::Success));
}

#[test]
fn an_unknown_type_survives() {
    let captures = captures("unknown_type");
    assert!(
        matches!(&captures[0], Capture::Other(it) if it["type"] == "partial" && it["shelf"]["row"] == 3)
    );
    simple(&captures[1]);
}

#[test]
fn an_unknown_field_survives() {
    let captures = captures("unknown_field");
    assert_eq!(full(&captures[0]).extra["retention"]["days"], 7);
    assert_eq!(
        simple(&captures[1]).filter_v1.as_ref().unwrap().extra["vlan"],
        7
    );
}

#[test]
fn an_empty_validated_is_kept() {
    let list: types::OwnershipListEnvelope = example("quirk.empty_validated.list_buckets.response");
    let buckets = list.result.unwrap();
    let bucket = buckets[0].known().unwrap();
    assert_eq!(bucket.validated.as_deref(), Some(""));
    assert_eq!(bucket.status, Some(OwnershipStatus::Pending));
}

#[test]
fn colo_stands_for_colo_name() {
    let captures = captures("colo");
    assert_eq!(full(&captures[0]).colo.as_deref(), Some("ord02"));
    assert_eq!(full(&captures[0]).colo_name, None);
}

#[test]
fn an_empty_filter_is_a_filter() {
    let captures = captures("empty_filter");
    let filter = simple(&captures[0]).filter_v1.as_ref().unwrap();
    assert!(filter.protocol.is_none() && filter.extra.is_empty());
}

#[test]
fn a_port_may_be_written_as_a_float() {
    let captures = captures("float_port");
    let capture = simple(&captures[0]);
    assert_eq!(
        capture.filter_v1.as_ref().unwrap().destination_port,
        Some(80)
    );
    assert_eq!(capture.time_limit, Some(300));
}

#[test]
fn a_null_result_is_no_result() {
    assert!(
        example::<types::CaptureListEnvelope>("quirk.null_result.list_captures.response")
            .result
            .is_none()
    );
    assert!(
        example::<types::OwnershipListEnvelope>("quirk.null_result.list_buckets.response")
            .result
            .is_none()
    );
}

#[test]
fn one_odd_entry_does_not_cost_the_list() {
    let captures = captures("odd_entry");
    assert!(matches!(&captures[0], Capture::Other(it) if it["time_limit"] == "five minutes"));
    simple(&captures[1]);
}

#[test]
fn one_odd_bucket_or_message_does_not_cost_the_list() {
    let list: types::OwnershipListEnvelope = example("quirk.odd_entry.list_buckets.response");
    let buckets = list.result.unwrap();
    assert_eq!(buckets.iter().filter(|it| it.known().is_some()).count(), 1);
    let list: types::CaptureListEnvelope = example("quirk.odd_message.list_captures.response");
    assert_eq!(list.result.unwrap().len(), 2);
    assert!(list.messages.unwrap().iter().all(|it| it.known().is_none()));
}

#[test]
fn a_full_capture_is_never_a_simple_one() {
    for name in [
        "start_capture.full.response",
        "get_capture.full.response",
        "quirk.null_fields.get_capture.response",
    ] {
        let envelope: types::CaptureEnvelope = example(name);
        full(envelope.result.as_ref().unwrap());
    }
    // Not even with nothing but its type, nor with a field of the other.
    full(&serde_json::from_str(r#"{"type": "full"}"#).unwrap());
    full(
        &serde_json::from_str(r#"{"type": "full", "offset_time": "2022-06-02T18:00:00Z"}"#)
            .unwrap(),
    );
}

#[test]
fn echoed_keys_are_not_shown() {
    let list: types::OwnershipListEnvelope = example("quirk.keys_echoed.list_buckets.response");
    assert!(!format!("{list:?}").contains("EXAMPLE"));
    for odd in [
        r#"{"type": "new", "key": "SKEXAMPLE"}"#,
        r#"{"type": "full", "key": "SKEXAMPLE"}"#,
        r#"{"type": "full", "filter_v1": {"key": "SKEXAMPLE"}}"#,
    ] {
        let odd: Capture = serde_json::from_str(odd).unwrap();
        assert!(!format!("{odd:?}").contains("EXAMPLE"), "{odd:?}");
    }
}

#[test]
fn generated_types_describe_themselves() {
    let schema = schemars::schema_for!(types::CaptureListEnvelope);
    let text = serde_json::to_string(&schema).unwrap();
    for part in [
        "FullCapture",
        "packets_captured",
        "conversion_running",
        "magic-transit",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
