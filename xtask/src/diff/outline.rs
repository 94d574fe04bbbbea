//! What is left of a description when everything that makes no difference to Rust is gone, and how it is shown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{json, lower};

/// What makes up the Rust type of a schema: not its documentation, bounds, or whether it may be null.
pub(super) fn outline(schema: &Value) -> Value {
    const TELLS_NOTHING: [&str; 8] = [
        "default",
        "deprecated",
        "description",
        "nullable",
        "pattern",
        "readOnly",
        "required",
        "writeOnly",
    ];
    match schema {
        Value::Object(map) => {
            let tells = |key: &str, value: &Value| match key {
                "format" => lower::is_kept(value),
                _ => !TELLS_NOTHING.contains(&key) && !lower::BOUNDS.contains(&key),
            };
            let kept = map.iter().filter(|(key, value)| tells(key, value));
            let outlined = |(key, value): (&String, &Value)| {
                let value = match (key.as_str(), value) {
                    // Names, which are no keywords.
                    ("properties", Value::Object(fields)) => {
                        let fields = fields.iter();
                        Value::Object(
                            fields
                                .map(|(name, it)| (name.clone(), outline(it)))
                                .collect(),
                        )
                    }
                    _ => outline(value),
                };
                (key.clone(), value)
            };
            Value::Object(kept.map(outlined).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(outline).collect()),
        other => other.clone(),
    }
}

/// The outline of a component without what is compared part by part.
pub(super) fn shape(schema: &Value) -> Value {
    let mut shape = outline(schema);
    let Some(map) = shape.as_object_mut() else {
        return shape;
    };
    map.remove("properties");
    if map.get("type").is_some_and(|it| it == "string") {
        map.remove("enum");
    }
    if let Some(tag) = map.remove("discriminator") {
        map.insert("tag".to_owned(), tag["propertyName"].clone());
        map.remove("anyOf");
        map.remove("oneOf");
    }
    shape
}

/// The parameters of an operation by name and place.
pub(super) fn parameters(operation: &Value) -> BTreeMap<String, Value> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .map(|it| {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            (format!("{} (in {})", text("name"), text("in")), it.clone())
        })
        .collect()
}

/// The outline of a parameter: its type, whether it is an `Option`, how it is written.
pub(super) fn parameter(parameter: &Value) -> Value {
    let mut about = outline(&parameter["schema"]);
    if let Some(map) = about.as_object_mut() {
        if parameter["required"] != true {
            map.insert("optional".to_owned(), true.into());
        }
        for key in ["style", "explode"] {
            if let Some(value) = parameter.get(key) {
                map.insert(key.to_owned(), value.clone());
            }
        }
    }
    about
}

/// What the responses of an operation hold, by status.
pub(super) fn responses(operation: &Value) -> BTreeMap<String, Value> {
    let responses = operation["responses"].as_object().into_iter().flatten();
    responses
        .map(|(status, it)| {
            let content = it.get("content").cloned();
            let content = content.unwrap_or_else(|| "nothing".into());
            // Where the description has a default for failures, the generator has these two.
            let status = match status.as_str() {
                "4XX" | "5XX" => "failure",
                status => status,
            };
            (status.to_owned(), outline(&content))
        })
        .collect()
}

/// Both sides, as short as they can be shown.
pub(super) fn change_of(old: &Value, new: &Value) -> String {
    let (before, after) = (short(old), short(new));
    if before != after {
        return format!("{before} to {after}");
    }
    // They differ in something that is too long to be shown.
    let none = Map::new();
    let (old, new) = (
        old.as_object().unwrap_or(&none),
        new.as_object().unwrap_or(&none),
    );
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let differ = keys
        .into_iter()
        .filter(|key| old.get(*key) != new.get(*key));
    let differ: Vec<_> = differ
        .map(|key| {
            let side =
                |map: &Map<String, Value>| map.get(key).map_or_else(|| "nothing".to_owned(), short);
            format!("its {key} from {} to {}", side(old), side(new))
        })
        .collect();
    differ.join(", ")
}

fn short(schema: &Value) -> String {
    if let Some(text) = schema.as_str() {
        return text.strip_prefix(json::SCHEMAS).unwrap_or(text).to_owned();
    }
    if let Some(name) = json::referenced(schema) {
        return name.to_owned();
    }
    // A body, under its media type.
    if let Some((media, body)) = schema.as_object().and_then(|it| it.iter().next())
        && media.contains('/')
    {
        return format!("{} as {media}", short(&body["schema"]));
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("array"), _) => format!("a list of {}", short(&schema["items"])),
        (Some(ty), Some(format)) => format!("{ty} ({format})"),
        (Some(ty), None) => ty.to_owned(),
        _ if schema.is_null() => "nothing".to_owned(),
        _ => {
            let text = schema.to_string();
            let cut: String = text.chars().take(60).collect();
            if cut == text {
                text
            } else {
                format!("{cut}…")
            }
        }
    }
}
