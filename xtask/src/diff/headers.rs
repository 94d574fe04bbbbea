//! The headers of responses. The generated client hands them on as they are, so that no change of them reaches the code:
//! who reads one ought to know all the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::compare::DOCUMENTATION;
use crate::json;

/// What may stand in an operation's responses: by operation, status and name.
pub(super) type Headers = BTreeMap<(String, String, String), Value>;

/// The headers that a description has.
pub(super) fn headers(description: &Value) -> Headers {
    let mut headers = Headers::new();
    for (path, _, operation) in json::operations(description) {
        let id = operation["operationId"].as_str().unwrap_or(path);
        for (status, response) in operation["responses"].as_object().into_iter().flatten() {
            for (name, header) in response["headers"].as_object().into_iter().flatten() {
                let target = header["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
                let target = target.and_then(|it| description.pointer(it));
                let key = (id.to_owned(), status.clone(), name.clone());
                headers.insert(key, target.unwrap_or(header).clone());
            }
        }
    }
    headers
}

/// What changed, in words, and in which operations' responses.
pub(super) fn changes(old: &Headers, new: &Headers) -> BTreeMap<String, BTreeSet<String>> {
    let mut changes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for key in old.keys().chain(new.keys()) {
        let (operation, _, name) = key;
        let what = match (old.get(key), new.get(key)) {
            (Some(before), Some(after)) if before == after => continue,
            (Some(before), Some(after)) => change(name, before, after),
            (Some(_), None) => format!("response header {name} removed"),
            (None, _) => format!("response header {name} added"),
        };
        changes.entry(what).or_default().insert(operation.clone());
    }
    changes
}

fn change(name: &str, before: &Value, after: &Value) -> String {
    let none = Map::new();
    let mut parts = BTreeSet::new();
    for part in ["", "/schema"] {
        let of = |it: &Value| it.pointer(part).and_then(Value::as_object).cloned();
        let (before, after) = (of(before), of(after));
        let (before, after) = (
            before.as_ref().unwrap_or(&none),
            after.as_ref().unwrap_or(&none),
        );
        let keys = before.keys().chain(after.keys());
        let tells = |it: &str| !["description", "example", "examples", "schema"].contains(&it);
        parts.extend(
            keys.filter(|it| tells(it) && before.get(*it) != after.get(*it))
                .cloned(),
        );
    }
    if parts.is_empty() {
        return DOCUMENTATION.to_owned();
    }
    let parts: Vec<_> = parts.into_iter().collect();
    format!("response header {name} changed: its {}", parts.join(", "))
}
