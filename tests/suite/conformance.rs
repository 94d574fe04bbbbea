//! The simulator's answers are checked in this whole suite, and in those of the crates that are tested with it: the feature
//! is on wherever this crate is built for tests. Without it this module does not compile.

use std::fs;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use pcaps_sim::{conformance::check, faults::Operation};

use crate::support::root;

/// The method and the path of an operation that answers with JSON.
fn request(operation: &str) -> (Method, &'static str) {
    let path = |id: &str| match id {
        "start_capture" => (Method::POST, "/client/v4/accounts/0123/pcaps"),
        "list_captures" => (Method::GET, "/client/v4/accounts/0123/pcaps"),
        "get_capture" => (Method::GET, "/client/v4/accounts/0123/pcaps/4567"),
        "register_bucket" => (Method::POST, "/client/v4/accounts/0123/pcaps/ownership"),
        "list_buckets" => (Method::GET, "/client/v4/accounts/0123/pcaps/ownership"),
        "validate_bucket" => (
            Method::POST,
            "/client/v4/accounts/0123/pcaps/ownership/validate",
        ),
        other => panic!("{other} has no example here: add its path"),
    };
    let (method, path) = path(operation);
    let known = Operation::of(method.as_str(), path).unwrap();
    assert_eq!(known.as_str(), operation);
    (method, path)
}

fn headers() -> HeaderMap<HeaderValue> {
    let media = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([(header::CONTENT_TYPE, media)] as [(HeaderName, HeaderValue); 1])
}

/// What a client has to expect conforms as well, but for an empty string where a time is described, which the service may
/// send and the simulator does not. (A quirk is where it does not conform, or hardly does.)
#[test]
fn the_examples_of_answers_conform() {
    let (mut seen, mut has_empty_time) = (0, false);
    for entry in fs::read_dir(root().join("spec/examples")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".response.json") else {
            continue;
        };
        let (operation, status) = match name.split('.').next().unwrap() {
            "quirk" => continue,
            "failure" => ("get_capture", StatusCode::NOT_FOUND),
            operation => (operation, StatusCode::OK),
        };
        let (method, path) = request(operation);
        let body = fs::read(entry.path()).unwrap();
        let body = String::from_utf8(body).unwrap();
        let told = body.replace(
            r#""stop_requested": """#,
            r#""stop_requested": "2022-06-02T18:38:22Z""#,
        );
        has_empty_time |= told != body;
        if let Err(breaches) = check(&method, path, status, &headers(), told.as_bytes()) {
            let breaches: Vec<_> = breaches.iter().map(ToString::to_string).collect();
            panic!("{name}:\n{}", breaches.join("\n"));
        }
        seen += 1;
    }
    assert!(seen > 5 && has_empty_time, "{seen}");
}

#[test]
fn a_type_that_nobody_knows_does_not_conform() {
    let example = root().join("spec/examples/quirk.unknown_type.list_captures.response.json");
    let body = fs::read(example).unwrap();
    let (method, path) = request("list_captures");
    let breaches = check(&method, path, StatusCode::OK, &headers(), &body).unwrap_err();
    let shown = breaches[0].to_string();
    assert!(
        shown.contains("GET /accounts/{account_id}/pcaps, status 200\n")
            && shown.contains("spec/pcaps.json"),
        "{shown}"
    );
}
