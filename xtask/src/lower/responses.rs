//! Responses: a success is told from a failure, and each of the two is of one type.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::json::{METHODS, visit_objects_mut};

/// progenitor panics when a JSON response has no schema, which is to say that it is any JSON.
///
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/method.rs#L469-L478>.
pub(super) fn any_without_schema(document: &mut Value) {
    visit_objects_mut(&mut document["paths"], &mut |object| {
        let contents = object.get_mut("content").and_then(Value::as_object_mut);
        for (media, content) in contents.into_iter().flatten() {
            if let Value::Object(content) = content
                && is_json(media)
            {
                content.entry("schema").or_insert_with(|| json!({}));
            }
        }
    });
}

/// progenitor takes a `default` response for a success *and* a failure, and cannot type an operation whose success is
/// binary or empty and whose default is JSON. A default that stands beside a success can only be a failure.
///
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/method.rs#L940>.
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/method.rs#L978>.
pub(super) fn failures_by_class(document: &mut Value) -> Result<()> {
    let paths = document["paths"]
        .as_object_mut()
        .context("the description has no paths")?;
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let Some(responses) = operation
                .get_mut("responses")
                .and_then(Value::as_object_mut)
            else {
                continue;
            };
            let Some(default) = responses.remove("default") else {
                continue;
            };
            ensure!(
                responses.keys().any(|status| status.starts_with('2')),
                "{method} {path} has a default response and no 2xx one: say in the overlay what a success is"
            );
            for class in ["4XX", "5XX"] {
                responses.entry(class).or_insert_with(|| default.clone());
            }
        }
    }
    Ok(())
}

/// progenitor panics when an operation's successes, or its failures, are not of one type, and takes a JSON body and
/// none for two. Failures of several types are any JSON. One without a body beside one with is left out: the client has
/// an error for responses that are not described. One beside its class is left out as well: it is matched after it.
///
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/method.rs#L1213-L1220>.
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/method.rs#L245-L249>.
pub(super) fn one_type_of_failure(document: &mut Value) -> Result<()> {
    let is_failure = |status: &str| status.starts_with(['4', '5']);
    let paths = document["paths"].as_object_mut();
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            let responses = item.pointer_mut(&format!("/{method}/responses"));
            let Some(responses) = responses.and_then(Value::as_object_mut) else {
                continue;
            };
            let (mut successes, mut failures) = (BTreeSet::new(), BTreeSet::new());
            for (status, response) in &*responses {
                let body = body(response).map(ToString::to_string);
                if status.starts_with('2') {
                    successes.insert(body);
                } else if is_failure(status) {
                    failures.insert(body);
                }
            }
            ensure!(
                successes.len() <= 1,
                "the successes of {method} {path} are of several types: choose one in the overlay"
            );
            if failures.len() > 1 && failures.remove(&None) {
                responses.retain(|status, it| !is_failure(status) || body(it).is_some());
            }
            if failures.len() > 1 {
                let failures = responses.iter_mut().filter(|it| is_failure(it.0));
                for response in failures.map(|it| it.1) {
                    *response = json!({
                        "description": response["description"],
                        "content": { "application/json": { "schema": {} } },
                    });
                }
            }
            for class in ["2XX", "4XX", "5XX"].map(str::to_owned) {
                if responses.contains_key(&class) {
                    responses.retain(|it, _| *it == class || it.get(..1) != class.get(..1));
                }
            }
        }
    }
    Ok(())
}

/// What a response's body is: its schema if it is JSON, bytes if it is not, or nothing.
fn body(response: &Value) -> Option<&Value> {
    const BYTES: &Value = &Value::Bool(true);
    let contents = response["content"].as_object()?;
    let json = contents.iter().find(|it| is_json(it.0));
    let json = json.map(|(_, content)| &content["schema"]);
    json.or_else(|| (!contents.is_empty()).then_some(BYTES))
}

/// Whether progenitor takes a body of this media type for JSON.
fn is_json(media: &str) -> bool {
    media == "application/json" || media.starts_with("application/json;")
}
