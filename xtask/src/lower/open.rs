//! What the generator cannot make, and is emitted beside its output; and room for what the description does not list.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use super::{OpenEnum, Union, doc, in_responses};
use crate::json::{
    METHODS, SCHEMAS, reachable, referenced, schemas, visit_objects_mut, visit_schema_mut,
};

/// typify ignores `discriminator` and makes an untagged enum of a union of references, of which the first member that
/// decodes wins; with every field optional that is the first member, always. A union with a mapping is emitted by us. As
/// typify does not look into what stands for it, we break its cycles as well.
///
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/to_schema.rs#L73-L96>.
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/cycles.rs#L173>.
pub(super) fn tagged_unions(document: &mut Value) -> Result<BTreeMap<String, Union>> {
    let named = schemas(document);
    let open = in_responses(document);
    let mut unions = BTreeMap::new();
    for (name, schema) in &named {
        let Some(mapping) = schema
            .pointer("/discriminator/mapping")
            .and_then(Value::as_object)
        else {
            continue;
        };
        let tag = schema
            .pointer("/discriminator/propertyName")
            .and_then(Value::as_str);
        let tag =
            tag.with_context(|| format!("the discriminator of {name} has no propertyName"))?;
        let mut members = BTreeMap::new();
        let mut recursive = BTreeSet::new();
        for (value, target) in mapping {
            let member = target
                .as_str()
                .and_then(|target| target.strip_prefix(SCHEMAS));
            let member = member.filter(|member| named.contains_key(*member));
            let member = member.with_context(|| {
                format!("{name} maps {value} to {target}, which does not exist")
            })?;
            let member = without_tag(document, &named, name, member, tag)?;
            let holds = reachable(&named, [&document["components"]["schemas"][&member]]);
            if holds.contains(name) {
                recursive.insert(member.clone());
            }
            members.insert(value.clone(), member);
        }
        ensure!(
            !members.is_empty(),
            "the discriminator of {name} maps nothing"
        );
        // The emitted enum takes its place, but what it holds must be found.
        let references: Vec<_> = members
            .values()
            .map(|member| json!({ "$ref": format!("{SCHEMAS}{member}") }))
            .collect();
        document["components"]["schemas"][name] = json!({ "anyOf": references });
        unions.insert(
            name.clone(),
            Union {
                doc: doc(schema),
                tag: tag.to_owned(),
                members,
                recursive,
                open: open.contains(name),
            },
        );
    }
    Ok(unions)
}

/// The enum around a member holds the field that tells the members apart: it is not in the member as well. Gives the
/// member's name, which is that of a copy where the member also stands alone and needs the field.
fn without_tag(
    document: &mut Value,
    named: &Map<String, Value>,
    union: &str,
    member: &str,
    tag: &str,
) -> Result<String> {
    let mut name = member.to_owned();
    if stands_alone(document, named, member) {
        name = format!("{union}{member}");
        ensure!(
            !named.contains_key(&name),
            "{member} as a member of {union} would be named {name}, which exists: give it an x-name in the overlay"
        );
        document["components"]["schemas"][&name] = named[member].clone();
    }
    let schema = &mut document["components"]["schemas"][&name];
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove(tag);
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|field| field != tag);
    }
    Ok(name)
}

/// Whether anything but a union that a field tells apart refers to a component.
fn stands_alone(document: &Value, named: &Map<String, Value>, member: &str) -> bool {
    fn refers(value: &Value, member: &str) -> bool {
        match value {
            Value::Object(map) => {
                referenced(value) == Some(member) || map.values().any(|it| refers(it, member))
            }
            Value::Array(items) => items.iter().any(|it| refers(it, member)),
            _ => false,
        }
    }
    let others = named
        .values()
        .filter(|it| it.pointer("/discriminator/mapping").is_none());
    others
        .chain([&document["paths"]])
        .any(|it| refers(it, member))
}

/// typify makes of a union that no field tells apart an untagged enum, of which the first member that decodes wins, or a
/// struct of all members, which drops what none of them knows. In a response it is any JSON.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L1482-L1498>.
pub(super) fn untold_unions(document: &mut Value, unions: &BTreeMap<String, Union>) -> Result<()> {
    let named = schemas(document);
    for name in in_responses(document) {
        if !unions.contains_key(&name) {
            let schema = &mut document["components"]["schemas"][&name];
            forget_untold(schema, &named).with_context(|| format!("in component {name}"))?;
        }
    }
    // A list of unions has no name.
    let items = document["paths"].as_object_mut();
    for (path, item) in items.into_iter().flatten() {
        for responses in METHODS.map(|it| format!("/{it}/responses")) {
            let Some(responses) = item.pointer_mut(&responses) else {
                continue;
            };
            let mut forgotten = Ok(());
            visit_objects_mut(responses, &mut |object| {
                if forgotten.is_ok()
                    && let Some(schema) = object.get_mut("schema")
                {
                    forgotten = forget_untold(schema, &named);
                }
            });
            forgotten.with_context(|| format!("in a response of {path}"))?;
        }
    }
    Ok(())
}

/// Makes any JSON of the unions in a schema.
fn forget_untold(schema: &mut Value, named: &Map<String, Value>) -> Result<()> {
    let mut unions = Vec::new();
    visit_schema_mut(schema, &mut |schema| {
        let members = |key: &str| {
            schema
                .get(key)
                .and_then(Value::as_array)
                .map_or(0, Vec::len)
        };
        if members("anyOf").max(members("oneOf")) > 1 {
            let doc = schema.remove("description");
            unions.push(Value::Object(std::mem::take(schema)));
            schema.extend(doc.map(|doc| ("description".to_owned(), doc)));
        }
    });
    let is_secret = |name: &String| named.get(name).is_some_and(|it| it["format"] == "password");
    if let Some(secret) = reachable(named, &unions).into_iter().find(is_secret) {
        bail!(
            "a union holds the secret {secret}, and nothing tells its members apart: give it a discriminator in the \
             overlay"
        );
    }
    Ok(())
}

/// typify's enums refuse a value that they do not know. An enum that a response may hold is emitted by us instead, as
/// one that keeps such a value.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L905>.
pub(super) fn open_enums(document: &mut Value) -> Result<BTreeMap<String, OpenEnum>> {
    let named = schemas(document);
    let open = in_responses(document);
    let mut enums = BTreeMap::new();
    for (name, schema) in named.iter().filter(|(name, _)| open.contains(*name)) {
        if let Some(found) = open_enum(schema).with_context(|| format!("in component {name}"))? {
            enums.insert(name.clone(), found);
        }
    }
    for name in enums.keys() {
        document["components"]["schemas"][name] = json!({ "type": "string" });
    }
    Ok(enums)
}

fn open_enum(schema: &Value) -> Result<Option<OpenEnum>> {
    let Some(values) = schema.get("enum").and_then(Value::as_array) else {
        return Ok(None);
    };
    if schema["type"] != "string" {
        return Ok(None);
    }
    let text = |value: &Value| {
        value
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("{value} is not a string"))
    };
    let values = values
        .iter()
        .filter(|value| !value.is_null())
        .map(text)
        .collect::<Result<_>>()?;
    Ok(Some(OpenEnum {
        doc: doc(schema),
        values,
    }))
}

/// Objects are open in JSON Schema, but typify drops fields it does not know unless `additionalProperties` is spelled
/// out. A field that the vendor adds must survive a round trip.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/structs.rs#L76-L83>.
pub(super) fn keep_unknown_fields(document: &mut Value) {
    for name in in_responses(document) {
        let schema = &mut document["components"]["schemas"][&name];
        if let Some(schema) = schema
            .as_object_mut()
            .filter(|schema| schema.contains_key("properties"))
        {
            let others = schema.entry("additionalProperties");
            let others = others.or_insert_with(|| json!({}));
            if others.is_boolean() {
                *others = json!({});
            }
        }
    }
}

/// typify makes plain strings of secrets (`format: password`), and of what holds them types whose `Debug` shows them.
/// Named ones are replaced by a type that does not.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L860-L873>.
pub(super) fn secrets(document: &Value) -> BTreeSet<String> {
    let named = schemas(document).into_iter();
    named
        .filter(|(_, schema)| schema["format"] == "password")
        .map(|(name, _)| name)
        .collect()
}
