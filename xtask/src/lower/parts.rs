//! Names for what is written in place.

use anyhow::{Result, ensure};
use heck::ToPascalCase;
use serde_json::{Value, json};

use crate::json::{SCHEMAS, schemas};

/// The other steps look at components, and what typify makes of an object or an enum that is written in place they
/// would not reach: it would lose unknown fields and refuse unknown values. Such parts are made components, under the
/// names that typify would give to their types. Before an `allOf` is merged, so that all who share an envelope share its
/// parts.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/structs.rs#L76-L83>.
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/lib.rs#L689-L693>.
pub(super) fn name_parts(document: &mut Value) -> Result<()> {
    let mut parts = Vec::new();
    let mut named = schemas(document);
    for (name, schema) in &mut named {
        below(schema, name, &mut parts);
    }
    for (name, schema) in parts {
        ensure!(
            named.insert(name.clone(), schema).is_none(),
            "what is written in place would be named {name}, which exists: give it an x-name in the overlay"
        );
    }
    document["components"]["schemas"] = named.into();
    Ok(())
}

/// Names what is below a schema of this name.
fn below(schema: &mut Value, name: &str, parts: &mut Vec<(String, Value)>) {
    for (key, child) in schema.as_object_mut().into_iter().flatten() {
        match (key.as_str(), child) {
            ("properties", Value::Object(properties)) => {
                for (property, schema) in properties {
                    let name = format!("{name}{}", property.to_pascal_case());
                    part(schema, name, parts);
                }
            }
            ("items", items) => part(items, format!("{name}Item"), parts),
            ("additionalProperties", values) => part(values, format!("{name}Value"), parts),
            ("anyOf" | "oneOf", Value::Array(members)) => {
                for (index, member) in members.iter_mut().enumerate() {
                    part(member, format!("{name}Variant{index}"), parts);
                }
            }
            // They are merged into one type, which has the name.
            ("allOf", Value::Array(members)) => {
                for member in members {
                    below(member, name, parts);
                }
            }
            _ => {}
        }
    }
}

/// Names what is below a schema, and then the schema itself if typify would make a type of it.
fn part(schema: &mut Value, name: String, parts: &mut Vec<(String, Value)>) {
    below(schema, &name, parts);
    // One reference with documentation beside it is no type.
    let merges = |it: &Value| !matches!(it.as_array().map(Vec::as_slice), Some([only]) if only.get("$ref").is_some());
    let has_type = schema.get("properties").is_some()
        || schema.get("discriminator").is_some()
        || schema.get("allOf").is_some_and(merges)
        || schema["format"] == "password"
        || (schema.get("enum").is_some() && schema["type"] == "string");
    if !has_type {
        return;
    }
    let nullable = schema.as_object_mut().and_then(|it| it.remove("nullable"));
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.retain(|it| !it.is_null());
    }
    let reference = json!({ "$ref": format!("{SCHEMAS}{name}") });
    let reference = match nullable {
        // Whether it may be null is said of the place, not of the type.
        Some(Value::Bool(true)) => json!({ "allOf": [reference], "nullable": true }),
        _ => reference,
    };
    parts.push((name, std::mem::replace(schema, reference)));
}
