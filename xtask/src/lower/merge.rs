//! One schema in place of several.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use crate::json::{SCHEMAS, reachable, resolve, schemas, visit_objects_mut, visit_schemas_mut};

/// typify intersects the members of an `allOf` one schema keyword at a time, and gives up or makes a type without
/// values where a later member *refines* a property (an envelope's `result`). Here the last word on a property wins.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/merge.rs#L1095-L1118>.
pub(super) fn merge_all_of(document: &mut Value) -> Result<()> {
    fn merged(schemas: &Map<String, Value>, schema: &Value, depth: usize) -> Result<Value> {
        ensure!(depth < 32, "an allOf refers to itself");
        let Some(members) = schema.get("allOf").and_then(Value::as_array) else {
            return Ok(schema.clone());
        };
        let mut result = json!({ "type": "object", "properties": {}, "required": [] });
        let mut own = schema.clone();
        own.as_object_mut()
            .into_iter()
            .for_each(|own| drop(own.remove("allOf")));
        for (at, member) in members.iter().chain([&own]).enumerate() {
            let member = merged(schemas, resolve(schemas, member), depth + 1)?;
            for (key, value) in member.as_object().into_iter().flatten() {
                match (key.as_str(), value) {
                    ("properties", Value::Object(properties)) => {
                        for (name, property) in properties {
                            result["properties"][name] = property.clone();
                        }
                    }
                    ("required", Value::Array(names)) => {
                        let required = result["required"]
                            .as_array_mut()
                            .context("required is not a list")?;
                        required.extend(
                            names
                                .iter()
                                .filter(|name| !required.contains(name))
                                .cloned()
                                .collect::<Vec<_>>(),
                        );
                    }
                    // It tells apart who inherits from a member; they are no such union themselves.
                    ("discriminator", _) if at < members.len() => {}
                    _ => result[key] = value.clone(),
                }
            }
        }
        Ok(result)
    }
    let named = schemas(document);
    for (name, schema) in &named {
        // Only objects are merged: an `allOf` around a scalar is a reference with documentation beside it.
        let says = |member: &Value, keys: &[&str]| {
            let target = resolve(&named, member);
            keys.iter().any(|key| target.get(key).is_some())
        };
        let is_object = |member: &Value| {
            says(member, &["properties", "allOf"]) || resolve(&named, member)["type"] == "object"
        };
        let is_remark = |member: &Value| !says(member, &["anyOf", "enum", "not", "oneOf", "type"]);
        if let Some(members) = schema.get("allOf").and_then(Value::as_array)
            && members.iter().any(is_object)
            && members.iter().all(|it| is_object(it) || is_remark(it))
        {
            document["components"]["schemas"][name] =
                merged(&named, schema, 0).with_context(|| format!("in component {name}"))?;
        }
    }
    Ok(())
}

/// Not a limit of the generator: the other steps would take documentation that is one more member of an `allOf` for a
/// part, and make a type of what it is about. It is put beside the `allOf`.
pub(super) fn lift_notes(document: &mut Value) {
    const NOTES: [&str; 9] = [
        "default",
        "deprecated",
        "description",
        "example",
        "externalDocs",
        "nullable",
        "readOnly",
        "title",
        "writeOnly",
    ];
    let is_note = |(key, _): (&String, &Value)| NOTES.contains(&key.as_str());
    visit_schemas_mut(document, &mut |schema| {
        let Some(Value::Array(members)) = schema.get_mut("allOf") else {
            return;
        };
        let (notes, mut others): (Vec<_>, Vec<_>) = members
            .drain(..)
            .partition(|it| it.as_object().is_some_and(|it| it.iter().all(is_note)));
        schema.remove("allOf");
        // The last word wins.
        for (key, value) in notes.iter().rev().filter_map(Value::as_object).flatten() {
            schema.entry(key).or_insert_with(|| value.clone());
        }
        if let [Value::Object(only)] = &mut others[..]
            && !only.contains_key("$ref")
            && schema.iter().all(is_note)
        {
            only.append(schema);
            *schema = std::mem::take(only);
        } else if !others.is_empty() {
            schema.insert("allOf".to_owned(), others.into());
        }
    });
}

/// typify makes a new type of every named schema: a `ByteLimit` struct around an integer serves nobody. Named scalars,
/// lists and maps are put in place of the references to them, unless they have a pattern to be checked, are an enum, or hold
/// a secret.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/lib.rs#L769-L786>.
pub(super) fn inline_aliases(document: &mut Value) {
    let named = schemas(document);
    let is_alias = |schema: &Value| {
        let is_simple = match schema["type"].as_str() {
            Some("string" | "integer" | "number" | "boolean" | "array") => true,
            Some("object") => ["properties", "allOf", "anyOf", "oneOf"]
                .iter()
                .all(|it| schema.get(it).is_none()),
            // Another component, with documentation beside it.
            _ => schema["allOf"].as_array().is_some_and(|it| it.len() == 1),
        };
        is_simple
            && schema.get("enum").is_none()
            && schema.get("pattern").is_none()
            && schema["format"] != "password"
    };
    let aliases: BTreeSet<_> = named
        .iter()
        .filter(|(_, schema)| is_alias(schema))
        .map(|(name, _)| name.as_str())
        // A list that holds itself has no end that could be put in its place.
        .filter(|name| !reachable(&named, [&named[*name]]).contains(*name))
        .collect();
    // An alias may be a list of another alias: as often as there are aliases is often enough.
    for _ in 0..=aliases.len() {
        visit_objects_mut(document, &mut |object| {
            let target = object
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|it| it.strip_prefix(SCHEMAS));
            if let Some(target) = target.filter(|target| aliases.contains(target))
                && let Some(schema) = named[target].as_object()
            {
                *object = schema.clone();
            }
        });
    }
    // An `allOf` around an alias is the alias, with documentation beside it.
    visit_schemas_mut(document, &mut |schema| {
        while let Some([Value::Object(only)]) = schema
            .get("allOf")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            && !only.contains_key("$ref")
        {
            let mut only = only.clone();
            schema.remove("allOf");
            only.append(schema);
            *schema = only;
        }
    });
}
