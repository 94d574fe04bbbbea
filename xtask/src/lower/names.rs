//! Names: every type has one of its own.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use heck::ToPascalCase;
use serde_json::{Map, Value, json};

use crate::json::{METHODS, SCHEMAS, rewrite_references, schemas, visit_schemas_mut};

/// typify makes a type's name of any component's name (`MagicPcapCollectionThing` of `magic-pcap-collection_thing`); what
/// is emitted beside it must use the same.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/lib.rs#L692>.
pub(super) fn rust_names(document: &mut Value) -> Result<()> {
    let mut renamed = Map::new();
    let mut names = BTreeMap::new();
    for (name, schema) in schemas(document) {
        let new = rust_name(&name);
        ensure!(
            renamed.insert(new.clone(), schema).is_none(),
            "two components would be named {new}: give one of them an x-name in the overlay"
        );
        names.insert(format!("{SCHEMAS}{name}"), format!("{SCHEMAS}{new}"));
    }
    document["components"]["schemas"] = Value::Object(renamed);
    rewrite_references(document, &names);
    Ok(())
}

/// A component's name as a type's.
pub(crate) fn rust_name(name: &str) -> String {
    let name = name.to_pascal_case();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("X{name}")
    } else {
        name
    }
}

/// A value's name as a variant's. `Other` is taken where what is not listed is kept.
pub(crate) fn variant_name(value: &str, open: bool) -> String {
    let name = rust_name(value);
    match name.as_str() {
        "" => "X".to_owned(),
        "Other" if open => "Other_".to_owned(),
        "Self" => "Self_".to_owned(),
        _ => name,
    }
}

/// typify refuses an enum of strings that may be null and does not say that it is one of strings.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L1957-L1960>.
pub(super) fn type_enums(document: &mut Value) {
    visit_schemas_mut(document, &mut |schema| {
        let values = schema.get("enum").and_then(Value::as_array);
        if values.is_some_and(|it| it.iter().all(|it| it.is_string() || it.is_null())) {
            schema.entry("type").or_insert_with(|| "string".into());
        }
    });
}

/// progenitor gives a body that is described in place to typify as it is, past everything that is done to components
/// here. It is made one, named after its operation.
///
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/method.rs#L472>.
pub(super) fn name_bodies(document: &mut Value) -> Result<()> {
    let mut named = schemas(document);
    for item in document["paths"]
        .as_object_mut()
        .into_iter()
        .flat_map(|it| it.values_mut())
    {
        for method in METHODS {
            let Some(operation) = item.get_mut(method) else {
                continue;
            };
            let name = operation["operationId"].as_str().unwrap_or(method);
            let name = name.to_pascal_case();
            if let Some(body) = operation.get_mut("requestBody") {
                name_body(body, &format!("{name}Request"), &mut named)?;
            }
            let responses = operation
                .get_mut("responses")
                .and_then(Value::as_object_mut);
            for (status, response) in responses.into_iter().flatten() {
                // All successes are of one type by now, and so are all failures.
                let kind = match status.as_bytes().first() {
                    Some(b'2') => "Response".to_owned(),
                    Some(b'4' | b'5') => "Failure".to_owned(),
                    _ => format!("Response{status}"),
                };
                name_body(response, &format!("{name}{kind}"), &mut named)?;
            }
        }
    }
    document["components"]["schemas"] = named.into();
    Ok(())
}

fn name_body(body: &mut Value, name: &str, named: &mut Map<String, Value>) -> Result<()> {
    let contents = body.get_mut("content").and_then(Value::as_object_mut);
    for content in contents.into_iter().flat_map(|it| it.values_mut()) {
        let Some(schema) = content.get_mut("schema") else {
            continue;
        };
        let has_parts = [
            "properties",
            "additionalProperties",
            "allOf",
            "anyOf",
            "oneOf",
            "items",
        ];
        if !has_parts.iter().any(|it| schema.get(it).is_some()) {
            continue;
        }
        let reference = json!({ "$ref": format!("{SCHEMAS}{name}") });
        let schema = std::mem::replace(schema, reference);
        let taken = named.insert(name.to_owned(), schema.clone());
        ensure!(
            taken.is_none_or(|it| it == schema),
            "a body in place would be named {name}, which exists: give it an x-name in the overlay"
        );
    }
    Ok(())
}
