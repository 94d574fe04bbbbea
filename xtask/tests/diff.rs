//! `cargo xtask diff`: what each kind of change is said to be.

use std::fmt::Write as _;

use serde_json::{Value, json};
use xtask::diff::{Class, compare};

fn description() -> Value {
    serde_json::from_str(include_str!("../../spec/pcaps.json")).unwrap()
}

/// An edit of the description, by what it is.
type Edit = (&'static str, fn(&mut Value));

/// What is said of each edit.
fn said(edits: &[Edit]) -> String {
    let old = description();
    let mut said = String::new();
    for (name, edit) in edits {
        let mut new = description();
        edit(&mut new);
        assert_ne!(old, new, "{name} edits nothing: the test is out of date");
        writeln!(said, "{name}:").unwrap();
        for it in compare(&old, &new).unwrap() {
            let class = match it.class {
                Class::Breaking => "BREAKING",
                Class::Compatible => "compatible",
            };
            writeln!(
                said,
                "  {class} {}: {} ({})",
                it.item,
                it.what,
                it.operations.join(", ")
            )
            .unwrap();
        }
    }
    said
}

fn schema<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    let schema = &mut document["components"]["schemas"][name];
    assert!(schema.is_object(), "{name} is not there");
    schema
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key).unwrap();
}

const PATH: &str = "/accounts/{account_id}/pcaps";
const ONE: &str = "/accounts/{account_id}/pcaps/{pcap_id}";

#[test]
fn nothing_is_said_of_what_is_the_same() {
    assert_eq!(compare(&description(), &description()).unwrap(), []);
}

#[test]
fn what_callers_need_not_notice() {
    let said = said(&[
        ("a field in a response", |it| {
            schema(it, "FullCapture")["properties"]["shelf"] = json!({ "type": "string" });
        }),
        ("an optional field in a request", |it| {
            schema(it, "Filter")["properties"]["vlan"] = json!({ "type": "integer" });
        }),
        ("a field by the name of a keyword", |it| {
            schema(it, "FullCapture")["properties"]["required"] = json!({ "type": "boolean" });
        }),
        ("a value of an open enum", |it| {
            schema(it, "CaptureStatus")["enum"]
                .as_array_mut()
                .unwrap()
                .push("resting".into());
        }),
        ("a value of an enum in place", |it| {
            schema(it, "Ownership")["properties"]["status"]["enum"]
                .as_array_mut()
                .unwrap()
                .push("expired".into());
        }),
        ("an operation", |it| {
            it["paths"]["/accounts/{account_id}/pcaps/quota"]["get"] = {
                let mut operation = it["paths"][PATH]["get"].clone();
                operation["operationId"] = "get_quota".into();
                operation
            }
        }),
        ("a type of capture", |it| {
            schema(it, "Capture")["discriminator"]["mapping"]["ring"] =
                json!("#/components/schemas/RingCapture");
            schema(it, "Capture")["anyOf"]
                .as_array_mut()
                .unwrap()
                .push(json!({ "$ref": "#/components/schemas/RingCapture" }));
            it["components"]["schemas"]["RingCapture"] =
                json!({ "type": "object", "properties": { "turns": { "type": "integer" } } });
        }),
        ("a wider range", |it| {
            schema(it, "PacketLimit")["maximum"] = 20_000.into();
        }),
        ("a format in a response", |it| {
            schema(it, "FullCapture")["properties"]["colo"] =
                json!({ "type": "string", "format": "uri" });
        }),
        ("another default", |it| {
            schema(it, "Filter")["properties"]["protocol"]["default"] = 6.into();
        }),
        ("another version", |it| {
            it["info"]["version"] = "4.1.0".into();
        }),
        ("what a response requires", |it| {
            schema(it, "Ownership")["required"] = json!(["id"]);
        }),
        ("documentation", |it| {
            schema(it, "FullCapture")["description"] = "Other words.".into();
            it["paths"][ONE]["get"]["summary"] = "Other words.".into();
        }),
        ("a deprecation", |it| {
            schema(it, "Filter")["properties"]["protocol"]["deprecated"] = true.into();
            it["paths"][ONE]["get"]["deprecated"] = true.into();
        }),
    ]);
    assert!(!said.contains("BREAKING"), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn what_breaks_callers() {
    let said = said(&[
        ("a field that is gone", |it| {
            remove(&mut schema(it, "FullCapture")["properties"], "byte_limit");
        }),
        ("a field of another type", |it| {
            schema(it, "FullCapture")["properties"]["packets_captured"] =
                json!({ "type": "string" });
        }),
        ("a field of another format", |it| {
            schema(it, "Filter")["properties"]["source_address"]["format"] = "ipv4".into();
        }),
        ("a required field in a request", |it| {
            schema(it, "SimpleCaptureRequest")["properties"]["reason"] =
                json!({ "type": "string" });
            schema(it, "SimpleCaptureRequest")["required"]
                .as_array_mut()
                .unwrap()
                .push("reason".into());
        }),
        ("a range that is no more", |it| {
            remove(schema(it, "PacketLimit"), "maximum");
        }),
        ("a range that is open at one end now", |it| {
            schema(it, "FullCaptureRequest")["properties"]["byte_limit"] =
                json!({ "type": "integer", "minimum": 10 });
        }),
        ("a length that is limited now", |it| {
            schema(it, "FullCaptureRequest")["properties"]["colo_name"] =
                json!({ "type": "string", "maxLength": 64 });
        }),
        ("a field that is required now", |it| {
            schema(it, "SimpleCaptureRequest")["required"]
                .as_array_mut()
                .unwrap()
                .push("offset_time".into());
        }),
        ("a field that may be null now", |it| {
            schema(it, "ValidateBucketRequest")["properties"]["ownership_challenge"] = json!({
                "type": "string", "format": "password", "nullable": true,
            });
        }),
        ("a value that is gone", |it| {
            drop(
                schema(it, "CaptureStatus")["enum"]
                    .as_array_mut()
                    .unwrap()
                    .pop(),
            );
        }),
        ("a narrower range", |it| {
            schema(it, "SimpleTimeLimit")["maximum"] = 60.into();
        }),
        ("a type of request", |it| {
            schema(it, "CaptureRequest")["discriminator"]["mapping"]["ring"] =
                json!("#/components/schemas/RingRequest");
            it["components"]["schemas"]["RingRequest"] =
                json!({ "type": "object", "properties": { "turns": { "type": "integer" } } });
        }),
        ("a type of capture that is gone", |it| {
            remove(
                &mut schema(it, "Capture")["discriminator"]["mapping"],
                "full",
            );
            let members = &mut schema(it, "Capture")["anyOf"];
            let members = members.as_array_mut().unwrap();
            members.retain(|it| it["$ref"] != "#/components/schemas/FullCapture");
            assert_eq!(members.len(), 1);
        }),
    ]);
    insta::assert_snapshot!(said);
}

/// What the compiler sees although no part of the description says it by itself.
#[test]
fn what_breaks_callers_in_a_roundabout_way() {
    fn answer(it: &mut Value, name: &str) {
        schema(it, "FullCapture")["properties"]["echo"] =
            json!({ "$ref": format!("#/components/schemas/{name}") });
    }
    let said = said(&[
        ("a request that is a part of a response now", |it| {
            answer(it, "ValidateBucketRequest");
        }),
        (
            "a union of requests that is a part of a response now",
            |it| answer(it, "CaptureRequest"),
        ),
        ("a response that is sent now", |it| {
            schema(it, "SimpleCaptureRequest")["properties"]["after"] =
                json!({ "$ref": "#/components/schemas/Ownership" });
        }),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn a_parameter_goes_as_it_came() {
    let (old, mut new) = (description(), description());
    let parameters = new["paths"][PATH]["get"]["parameters"]
        .as_array_mut()
        .unwrap();
    parameters.push(
        json!({ "name": "page", "in": "query", "schema": { "type": "integer", "maximum": 50 } }),
    );
    let what = |old, new| {
        let changes = compare(old, new).unwrap();
        changes
            .into_iter()
            .map(|it| (it.class, it.what))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        what(&new, &old),
        [(
            Class::Breaking,
            "parameter page (in query) removed".to_owned()
        )]
    );
    let mut narrower = new.clone();
    narrower["paths"][PATH]["get"]["parameters"][1]["schema"]["maximum"] = 5.into();
    assert_eq!(
        what(&new, &narrower),
        [(
            Class::Breaking,
            "parameter page (in query): maximum changed: 50 to 5".to_owned()
        )]
    );
    assert_eq!(
        what(&narrower, &new),
        [(
            Class::Compatible,
            "parameter page (in query): maximum changed: 5 to 50".to_owned()
        )]
    );
}

#[test]
fn what_is_said_of_headers() {
    let said = said(&[
        ("a header that is gone", |it| {
            remove(
                &mut it["paths"][ONE]["get"]["responses"]["200"]["headers"],
                "CF-Ray",
            );
        }),
        ("a header that is new", |it| {
            let headers = &mut it["paths"][ONE]["get"]["responses"]["200"]["headers"];
            headers["ETag"] = json!({ "schema": { "type": "string" } });
        }),
        ("another form of a header", |it| {
            it["components"]["headers"]["CF-Ray"]["schema"]["pattern"] = ".".into();
            it["components"]["headers"]["CF-Ray"]["required"] = true.into();
        }),
        ("words about a header", |it| {
            it["components"]["headers"]["Retry-After"]["description"] = "Wait.".into();
        }),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn what_breaks_calls() {
    let said = said(&[
        ("an operation that is gone", |it| {
            remove(&mut it["paths"][ONE], "get");
        }),
        ("an operation of another name", |it| {
            it["paths"][ONE]["get"]["operationId"] = "fetch_capture".into();
        }),
        ("an operation that moved", |it| {
            let operation = it["paths"][ONE]["get"].take();
            remove(&mut it["paths"][ONE], "get");
            it["paths"]["/accounts/{account_id}/captures/{pcap_id}"] = json!({ "get": operation });
        }),
        ("a parameter", |it| {
            it["paths"][PATH]["get"]["parameters"]
                .as_array_mut()
                .unwrap()
                .push(json!({ "name": "page", "in": "query", "schema": { "type": "integer" } }));
        }),
        ("what an id may look like", |it| {
            schema(it, "Identifier")["pattern"] = "^[0-9a-f]{32}$".into();
        }),
        ("another result", |it| {
            it["paths"][ONE]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
                ["$ref"] = "#/components/schemas/CaptureListEnvelope".into();
        }),
        ("another media type", |it| {
            let content = &mut it["paths"][ONE]["get"]["responses"]["200"]["content"];
            *content = json!({ "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } });
        }),
        ("another failure", |it| {
            it["paths"][ONE]["get"]["responses"]["default"]["content"]["application/json"]["schema"]
                ["$ref"] = "#/components/schemas/Envelope".into();
        }),
        ("no body any more", |it| {
            remove(&mut it["paths"][PATH]["post"], "requestBody");
        }),
        ("another header", |it| {
            it["components"]["securitySchemes"]["api_key"]["name"] = "X-Key".into();
        }),
        ("another server", |it| {
            it["servers"][0]["url"] = "https://api.example.com".into();
        }),
        ("another way to authenticate", |it| {
            it["paths"][ONE]["get"]["security"] = json!([{ "api_token": [] }]);
        }),
    ]);
    insta::assert_snapshot!(said);
}
