use std::{collections::BTreeSet, process::Command};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    middleware,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Breach, DESCRIPTIONS, Deviation, check, checked, description::Description};

const ACCOUNT: &str = "/client/v4/accounts/0123/pcaps";
const ID: &str = "66802ca5668e47a2b82c2e6746e45037";

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        let value = HeaderValue::from_static(value);
        (HeaderName::from_static(name), value)
    });
    pairs.collect()
}

fn json_headers() -> HeaderMap {
    headers(&[("content-type", "application/json")])
}

fn envelope(result: impl Into<Value>) -> Value {
    let result = result.into();
    json!({ "errors": [], "messages": [], "result": result, "success": true })
}

fn failure() -> Value {
    let error = json!({ "code": 1000, "message": "no" });
    json!({ "errors": [error], "messages": [], "result": null, "success": false })
}

fn sample() -> Value {
    json!({ "id": ID, "type": "simple", "status": "success", "system": "magic-transit" })
}

/// What is found about an answer: the description, what is wrong, and the two places, a line each.
fn found(result: Result<(), Vec<Breach>>) -> Vec<String> {
    let breaches = result.err().unwrap_or_default();
    let line = |it: Breach| {
        let description = it.description.trim_start_matches("spec/");
        format!("{description}: {}; {}; {}", it.what, it.place, it.schema)
    };
    breaches.into_iter().map(line).collect()
}

/// What is found about a JSON answer to the request for one capture.
fn capture(status: u16, body: &Value) -> Vec<String> {
    let status = StatusCode::from_u16(status).unwrap();
    let (path, body) = (format!("{ACCOUNT}/{ID}"), body.to_string());
    found(check(
        &Method::GET,
        &path,
        status,
        &json_headers(),
        body.as_bytes(),
    ))
}

#[track_caller]
fn has(found: &[String], line: &str) {
    assert!(found.iter().any(|it| it == line), "{found:#?}");
}

#[test]
fn what_is_described_passes() {
    assert_eq!(capture(200, &envelope(sample())), [""; 0]);
    assert_eq!(capture(404, &failure()), [""; 0]);
    assert_eq!(capture(503, &failure()), [""; 0]);
}

#[test]
fn a_status_is_described_or_a_failure() {
    let lines = capture(201, &envelope(sample()));
    has(
        &lines,
        "pcaps.json: the status is not described; the status; ",
    );
    has(
        &lines,
        "upstream.json: the status is not described; the status; ",
    );
    // A success under a failure's status is none, and the other way round.
    assert!(!capture(404, &envelope(sample())).is_empty());
    assert!(!capture(200, &failure()).is_empty());
}

#[test]
fn a_media_type_is_described() {
    let path = format!("{ACCOUNT}/{ID}");
    let body = envelope(sample()).to_string();
    for headers in [HeaderMap::new(), headers(&[("content-type", "text/json")])] {
        let result = check(
            &Method::GET,
            &path,
            StatusCode::OK,
            &headers,
            body.as_bytes(),
        );
        has(
            &found(result),
            "pcaps.json: the media type is not application/json; the header Content-Type; \
             #/paths/~1accounts~1{account_id}~1pcaps~1{pcap_id}/get/responses/200",
        );
    }
    let headers = headers(&[("content-type", "application/json; charset=utf-8")]);
    check(
        &Method::GET,
        &path,
        StatusCode::OK,
        &headers,
        body.as_bytes(),
    )
    .unwrap();
    let cut = found(check(&Method::GET, &path, StatusCode::OK, &headers, b"{"));
    assert!(cut[0].contains("it is not JSON"), "{cut:#?}");
}

#[test]
fn fields_are_there_and_of_their_types() {
    let mut answer = envelope(sample());
    answer.as_object_mut().unwrap().remove("messages");
    has(
        &capture(200, &answer),
        "upstream.json: \"messages\" is a required property; the body; \
         #/components/schemas/magic-pcap-collection_api-response-common/required",
    );
    assert_eq!(
        capture(200, &answer).len(),
        2,
        "what follows from it is not told"
    );
    let mut answer = envelope(sample());
    answer["result"]["time_limit"] = "60".into();
    let lines = capture(200, &answer);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    has(
        &lines,
        "pcaps.json: value is not of type \"integer\"; the body, /result/time_limit; \
         #/components/schemas/SimpleTimeLimit/type",
    );
}

#[test]
fn values_are_those_that_are_listed() {
    for (field, value) in [("status", json!("resting")), ("system", json!("magic"))] {
        let mut answer = envelope(sample());
        answer["result"][field] = value;
        let lines = capture(200, &answer);
        assert!(
            lines.len() == 2 && lines[0].contains(&format!("the body, /result/{field}; ")),
            "{lines:#?}"
        );
        assert!(lines[0].ends_with("/enum"), "{lines:#?}");
    }
    let mut answer = envelope(sample());
    answer["result"]["offset_time"] = "yesterday".into();
    let lines = capture(200, &answer);
    assert!(
        lines[0].ends_with("#/components/schemas/OffsetTime/format"),
        "{lines:#?}"
    );
}

#[test]
fn the_type_of_a_capture_says_what_it_is_held_to() {
    let mut answer = envelope(sample());
    answer["result"]["type"] = "full".into();
    answer["result"]["byte_limit"] = 5.into();
    assert_eq!(capture(200, &answer), [""; 0]);
    answer["result"]["byte_limit"] = 0.into();
    let lines = capture(200, &answer);
    has(
        &lines,
        "pcaps.json: value is less than the minimum of 1; the body, /result/byte_limit; \
         #/components/schemas/ByteLimit/minimum",
    );
    for ty in [json!("ring"), Value::Null] {
        answer["result"]["type"] = ty;
        let lines = capture(200, &answer);
        assert!(lines[0].contains("the body, /result/type; "), "{lines:#?}");
    }
}

#[test]
fn fields_that_are_not_described_are_not_there() {
    // In the envelope, in what a field tells apart, in an object in it, in a list, and in a failure.
    for place in ["", "/result", "/result/filter_v1"] {
        let mut answer = envelope(sample());
        answer["result"]["filter_v1"] = json!({ "protocol": 6 });
        assert_eq!(capture(200, &answer), [""; 0]);
        answer.pointer_mut(place).unwrap()["shelf"] = 7.into();
        let lines = capture(200, &answer);
        assert!(
            lines.len() == 1
                && lines[0].starts_with("pcaps.json: ")
                && lines[0].contains("'shelf'"),
            "{place}: {lines:#?}"
        );
        let shown = if place.is_empty() {
            "the body; ".to_owned()
        } else {
            format!("the body, {place}; ")
        };
        assert!(lines[0].contains(&shown), "{lines:#?}");
    }
    // One that the other type of capture has.
    let mut answer = envelope(sample());
    answer["result"]["colo_name"] = "ORD".into();
    assert_eq!(capture(200, &answer).len(), 1);
    let mut answer = envelope(json!([sample()]));
    answer["result"][0]["shelf"] = 7.into();
    let body = answer.to_string();
    let list = check(
        &Method::GET,
        ACCOUNT,
        StatusCode::OK,
        &json_headers(),
        body.as_bytes(),
    );
    assert!(found(list)[0].contains("the body, /result/0; "));
    let mut answer = failure();
    answer["errors"][0]["shelf"] = 7.into();
    assert!(capture(404, &answer)[0].contains("the body, /errors/0; "));
}

#[test]
fn where_nothing_is_described_nothing_is() {
    let path = format!("{ACCOUNT}/{ID}/stop");
    let stop = |headers: &HeaderMap, body: &[u8]| {
        found(check(
            &Method::PUT,
            &path,
            StatusCode::NO_CONTENT,
            headers,
            body,
        ))
    };
    assert_eq!(stop(&HeaderMap::new(), b""), [""; 0]);
    assert_eq!(stop(&HeaderMap::new(), b"{}").len(), 2);
    assert_eq!(stop(&json_headers(), b"").len(), 2);
}

#[test]
fn headers_are_as_described() {
    let with = |name, value| {
        let mut headers = json_headers();
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        let path = format!("{ACCOUNT}/{ID}");
        let body = failure().to_string();
        let status = StatusCode::TOO_MANY_REQUESTS;
        found(check(
            &Method::GET,
            &path,
            status,
            &headers,
            body.as_bytes(),
        ))
    };
    for (name, good, bad) in [
        ("ratelimit", r#""default";r=50;t=30"#, "50"),
        (
            "ratelimit-policy",
            r#""burst";q=100;w=60"#,
            r#""burst";q=100"#,
        ),
        ("cf-ray", "0123456789abcdef-SIM", "none"),
        ("retry-after", "120", "soon"),
        ("retry-after", "0", "-1"),
    ] {
        assert_eq!(with(name, good), [""; 0]);
        let lines = with(name, bad);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(
            lines[0].contains("#/components/headers/") && !lines[0].contains(bad),
            "{lines:#?}"
        );
    }
}

/// A description with one operation at `/a`.
fn described(operation: &Value, strict: bool) -> Result<Description, String> {
    let document = json!({
        "servers": [{ "url": "https://a.example/client/v4" }],
        "paths": { "/a": { "get": operation } },
        "components": {
            "headers": { "Wait": { "required": true, "schema": { "type": "integer" } } },
            "schemas": {
                "Node": { "properties": { "next": { "$ref": "#/components/schemas/Node" } } },
                "Any": { "type": "object" },
                "Map": { "properties": {}, "additionalProperties": { "type": "integer" } },
            },
        },
    });
    Description::new("it", &document, strict)
}

/// What a strict description says of a body that it describes as `schema`.
fn held_to(schema: impl Into<Value>, body: &Value) -> Vec<String> {
    let schema = schema.into();
    let content = json!({ "application/json": { "schema": schema } });
    let operation = json!({ "responses": { "200": { "content": content } } });
    let description = described(&operation, true).unwrap();
    let (path, body) = ("/client/v4/a", body.to_string());
    let breaches = description.check(
        &Method::GET,
        path,
        StatusCode::OK,
        &json_headers(),
        body.as_bytes(),
    );
    breaches.into_iter().map(|it| it.what).collect()
}

#[test]
fn a_header_that_is_required_is_there() {
    let header = json!({ "Wait": { "$ref": "#/components/headers/Wait" } });
    let description = described(
        &json!({ "responses": { "204": { "headers": header } } }),
        true,
    );
    let description = description.unwrap();
    let check = |headers: &HeaderMap| {
        let status = StatusCode::NO_CONTENT;
        description.check(&Method::GET, "/client/v4/a", status, headers, b"")
    };
    assert_eq!(check(&headers(&[("wait", "5")])), []);
    let breaches = check(&HeaderMap::new());
    assert_eq!(breaches.len(), 1);
    assert_eq!(breaches[0].what, "it is required, and absent");
    assert_eq!(breaches[0].schema, "#/components/headers/Wait");
}

#[test]
fn schemas_mean_what_openapi_says() {
    let null = Value::Null;
    // Null where the type may be, and not by other words for it.
    assert!(held_to(json!({ "type": "string", "nullable": true }), &null).is_empty());
    assert!(!held_to(json!({ "type": "string" }), &null).is_empty());
    let listed = json!({ "type": "string", "nullable": true, "enum": ["a"] });
    assert!(!held_to(listed, &null).is_empty());
    // What stands beside a reference does not count.
    let reference = json!({ "$ref": "#/components/schemas/Any", "nullable": true });
    assert!(!held_to(reference, &null).is_empty());
    // A flag says that a bound itself is out.
    let bounds =
        json!({ "minimum": 1, "exclusiveMinimum": true, "maximum": 3, "exclusiveMaximum": false });
    for (value, holds) in [(1, false), (2, true), (3, true), (4, false)] {
        assert_eq!(
            held_to(bounds.clone(), &json!(value)).is_empty(),
            holds,
            "{value}"
        );
    }
    let time = json!({ "type": "string", "format": "date-time" });
    assert!(held_to(time.clone(), &json!("2026-11-25T12:00:00.123456Z")).is_empty());
    assert!(!held_to(time, &json!("")).is_empty());
}

#[test]
fn objects_are_closed_where_they_name_fields() {
    let of = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    assert!(held_to(of("Node"), &json!({ "next": { "next": {} } })).is_empty());
    assert_eq!(
        held_to(of("Node"), &json!({ "next": { "past": {} } })).len(),
        1
    );
    assert!(held_to(of("Any"), &json!({ "past": {} })).is_empty());
    assert!(held_to(of("Map"), &json!({ "past": 1 })).is_empty());
    assert!(!held_to(of("Map"), &json!({ "past": "1" })).is_empty());
    // The fields of all members are those of the whole.
    let both =
        json!({ "allOf": [of("Node"), { "properties": { "size": { "type": "integer" } } }] });
    assert!(held_to(both.clone(), &json!({ "next": {}, "size": 1 })).is_empty());
    assert_eq!(
        held_to(both, &json!({ "next": {}, "size": 1, "past": 1 })).len(),
        1
    );
    let either = json!({ "anyOf": [of("Node"), { "type": "string" }] });
    assert!(held_to(either.clone(), &json!({ "next": {} })).is_empty());
    assert!(!held_to(either, &json!({ "past": {} })).is_empty());
}

#[test]
fn what_the_check_does_not_know_is_no_silence() {
    let of = |schema: Value| {
        let content = json!({ "application/json": { "schema": schema } });
        described(
            &json!({ "responses": { "200": { "content": content } } }),
            true,
        )
        .err()
    };
    assert_eq!(of(json!({ "type": "string", "x-note": 1 })), None);
    let error = of(json!({ "items": { "contains": {} } })).unwrap();
    assert!(error.contains("items/contains is a keyword"), "{error}");
    let error = of(json!({ "$ref": "#/components/schemas/Gone" })).unwrap();
    assert!(
        error.contains("refers to something that is not there"),
        "{error}"
    );
}

#[test]
fn every_deviation_is_needed() {
    let descriptions = DESCRIPTIONS.as_ref().unwrap();
    let needed: BTreeSet<_> = descriptions
        .iter()
        .flat_map(|it| it.deviations.clone())
        .collect();
    assert_eq!(
        needed,
        BTreeSet::from(Deviation::ALL),
        "the descriptions say it by now: take the deviation out"
    );
    // Ours has mended the failures.
    assert!(
        !descriptions[0]
            .deviations
            .contains(&Deviation::ContradictingFailure)
    );
}

#[test]
fn failures_that_do_not_contradict_count_whole() {
    let envelope = |success: Value| json!({ "properties": { "success": { "enum": success } }, "required": ["success"] });
    let of = |success: Value| {
        let schema = json!({ "allOf": [envelope(success), envelope(json!([false]))] });
        let content = json!({ "application/json": { "schema": schema } });
        described(
            &json!({ "responses": { "default": { "content": content } } }),
            false,
        )
        .unwrap()
    };
    assert!(
        of(json!([true]))
            .deviations
            .contains(&Deviation::ContradictingFailure)
    );
    assert!(of(json!([true, false])).deviations.is_empty());
}

#[test]
fn a_part_of_a_download_says_which_it_is() {
    let path = format!("{ACCOUNT}/{ID}/download");
    let pcap = ("content-type", "application/vnd.tcpdump.pcap");
    let part = headers(&[pcap, ("content-range", "bytes 0-1/9")]);
    let status = StatusCode::PARTIAL_CONTENT;
    check(&Method::GET, &path, status, &part, b"ab").unwrap();
    assert!(check(&Method::GET, &path, status, &headers(&[pcap]), b"ab").is_err());
    // Only of what is bytes.
    let part = headers(&[
        ("content-type", "application/json"),
        ("content-range", "bytes 0-1/9"),
    ]);
    let body = envelope(json!([])).to_string();
    assert!(check(&Method::GET, ACCOUNT, status, &part, body.as_bytes()).is_err());
}

#[test]
fn what_is_no_operation_fails() {
    let (good, bad) = (failure().to_string(), envelope(Value::Null).to_string());
    let told = |method: Method, path: &str, status: StatusCode, body: &str| {
        found(check(
            &method,
            path,
            status,
            &json_headers(),
            body.as_bytes(),
        ))
    };
    let (none, no_method) = (StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(told(Method::GET, "/client/v4/zones", none, &good), [""; 0]);
    assert_eq!(told(Method::GET, "/client/v4/zones", none, &bad).len(), 2);
    assert!(!told(Method::GET, "/client/v4/zones", StatusCode::OK, &good).is_empty());
    // A word in a path goes before a parameter: this is not a capture of that name.
    let path = format!("{ACCOUNT}/ownership/validate");
    assert_eq!(told(Method::DELETE, &path, no_method, &good), [""; 0]);
    assert!(
        !told(
            Method::GET,
            &path,
            StatusCode::OK,
            &envelope(sample()).to_string()
        )
        .is_empty()
    );
    // Elsewhere everybody may say what they like.
    assert_eq!(
        told(Method::GET, "/openapi.json", StatusCode::OK, "{}"),
        [""; 0]
    );
    assert_eq!(told(Method::GET, "/", none, "{}"), [""; 0]);
}

#[test]
fn head_is_get_without_the_body() {
    let path = format!("{ACCOUNT}/{ID}");
    check(&Method::HEAD, &path, StatusCode::OK, &json_headers(), b"").unwrap();
    assert!(check(&Method::GET, &path, StatusCode::OK, &json_headers(), b"").is_err());
    assert!(check(&Method::HEAD, &path, StatusCode::OK, &json_headers(), b"{}").is_err());
    assert!(check(&Method::HEAD, &path, StatusCode::OK, &HeaderMap::new(), b"").is_err());
}

const SECRET: &str = "secret-that-must-not-be-shown";

/// Not a test of its own: what the process of the next one does.
#[tokio::test]
#[ignore = "ends the process; the next test runs it in another"]
async fn an_answer_that_does_not_hold() {
    let mut answer = envelope(sample());
    answer["result"]["status"] = SECRET.into();
    answer["result"]["time_limit"] = SECRET.into();
    let answer = answer.to_string();
    let app = Router::new()
        .fallback(move || async move {
            let mut headers = json_headers();
            headers.insert("cf-ray", HeaderValue::from_static(SECRET));
            (headers, answer)
        })
        .layer(middleware::from_fn(checked));
    let uri = format!("{ACCOUNT}/{ID}");
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let _ = app.oneshot(request).await;
}

#[test]
fn an_answer_that_does_not_hold_ends_the_process() {
    let test = "conformance::tests::an_answer_that_does_not_hold";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), None, "it was not ended: {stderr}");
    for words in [
        "the simulator gave an answer to GET (200 OK) that is not as described:\n",
        "GET /accounts/{account_id}/pcaps/{pcap_id}, status 200\n  is not as spec/pcaps.json says: ",
        "  is not as spec/upstream.json says: ",
        "  in the answer: the body, /result/time_limit\n  in the description: #/components/schemas/SimpleTimeLimit/type\n",
        "  in the answer: the header CF-Ray\n  in the description: #/components/headers/CF-Ray",
    ] {
        assert!(stderr.contains(words), "no {words:?} in: {stderr}");
    }
    assert!(!stderr.contains(SECRET), "{stderr}");
}
