//! Schemas of OpenAPI 3.0 as JSON Schema (draft 2020-12), which they resemble and are not.
//!
//! Everything stays where it was in the description, so that the place of an error is one that a reader finds there.

use serde_json::{Map, Value, json};

const COMPONENTS: &str = "#/components/schemas/";

/// Where the components stand a second time, open to fields that they do not have: as members of an `allOf`, whose other
/// members have those. The whole is closed then.
pub(super) const OPEN: &str = "open";

/// Keywords that mean the same in both.
const SAME: [&str; 14] = [
    "enum",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minItems",
    "minLength",
    "minProperties",
    "multipleOf",
    "pattern",
    "required",
    "uniqueItems",
    "maximum",
    "minimum",
];

/// Keywords that refuse no value, or are read with another.
const SILENT: [&str; 12] = [
    "default",
    "deprecated",
    "description",
    "discriminator",
    "example",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "externalDocs",
    "nullable",
    "readOnly",
    "title",
    "writeOnly",
];

/// Converts schemas of one description.
pub(super) struct Converter<'a> {
    pub(super) document: &'a Value,
    /// Whether an object may have only the fields that are described.
    pub(super) strict: bool,
}

impl Converter<'_> {
    /// All components, to be the ground on which the other schemas stand.
    pub(super) fn components(&self) -> Result<Map<String, Value>, String> {
        let (mut closed, mut open) = (Map::new(), Map::new());
        let schemas = self.document["components"]["schemas"].as_object();
        for (name, schema) in schemas.into_iter().flatten() {
            let place = format!("{COMPONENTS}{name}");
            closed.insert(name.clone(), self.convert(schema, &place, true)?);
            open.insert(name.clone(), self.convert(schema, &place, false)?);
        }
        let mut ground = Map::new();
        ground.insert("components".to_owned(), json!({ "schemas": closed }));
        ground.insert(OPEN.to_owned(), open.into());
        Ok(ground)
    }

    /// One schema. It is `closed` to fields that it does not have, unless it is a part of one that may have them.
    pub(super) fn convert(
        &self,
        schema: &Value,
        place: &str,
        closed: bool,
    ) -> Result<Value, String> {
        let map = schema
            .as_object()
            .ok_or_else(|| format!("{place} is no schema"))?;
        if let Some(reference) = map.get("$ref") {
            // What stands beside it does not count.
            return self.reference(reference, place, closed);
        }
        let mut result = Map::new();
        let mut parts = Vec::new();
        let tag = map.get("discriminator");
        for (key, value) in map {
            let place = format!("{place}/{key}");
            let one = |closed| self.convert(value, &place, closed);
            let members = |closed| self.list(value, &place, closed);
            match key.as_str() {
                "type" if map.get("nullable") == Some(&true.into()) => {
                    result.insert(key.clone(), json!([value, "null"]));
                }
                "type" => drop(result.insert(key.clone(), value.clone())),
                "minimum" | "maximum" => {
                    let exclusive = format!("exclusiveM{}", &key[1..]);
                    let is_exclusive = map.get(&exclusive) == Some(&true.into());
                    let key = if is_exclusive { &exclusive } else { key };
                    result.insert(key.clone(), value.clone());
                }
                "properties" => {
                    let mut properties = Map::new();
                    for (name, value) in value.as_object().into_iter().flatten() {
                        let place = format!("{place}/{name}");
                        properties.insert(name.clone(), self.convert(value, &place, true)?);
                    }
                    result.insert(key.clone(), properties.into());
                }
                "additionalProperties" if value.is_boolean() => {
                    result.insert(key.clone(), value.clone());
                }
                "items" | "additionalProperties" => drop(result.insert(key.clone(), one(true)?)),
                "not" => drop(result.insert(key.clone(), one(false)?)),
                "allOf" => parts.extend(members(false)?),
                "anyOf" | "oneOf" => match tag {
                    Some(tag) => parts.extend(self.tagged(tag, &place, closed)?),
                    None => drop(result.insert(key.clone(), members(false)?.into())),
                },
                key if SAME.contains(&key) => {
                    result.insert(key.to_owned(), value.clone());
                }
                key if SILENT.contains(&key) || key.starts_with("x-") => {}
                _ => return Err(format!("{place} is a keyword that the check does not know")),
            }
        }
        if !parts.is_empty() {
            result.insert("allOf".to_owned(), parts.into());
        }
        let is_open = map.contains_key("additionalProperties");
        // The members of a union that a field tells apart are closed themselves.
        if self.strict && closed && !is_open && tag.is_none() && self.has_fields(schema, 0) {
            result.insert("unevaluatedProperties".to_owned(), false.into());
        }
        Ok(result.into())
    }

    fn reference(&self, reference: &Value, place: &str, closed: bool) -> Result<Value, String> {
        let name = reference
            .as_str()
            .and_then(|it| it.strip_prefix(COMPONENTS));
        let name = name.filter(|it| self.document["components"]["schemas"].get(it).is_some());
        let name = name.ok_or_else(|| format!("{place} refers to something that is not there"))?;
        Ok(if closed || !self.strict {
            json!({ "$ref": format!("{COMPONENTS}{name}") })
        } else {
            json!({ "$ref": format!("#/{OPEN}/{name}") })
        })
    }

    fn list(&self, members: &Value, place: &str, closed: bool) -> Result<Vec<Value>, String> {
        let members = members.as_array().into_iter().flatten().enumerate();
        members
            .map(|(index, it)| self.convert(it, &format!("{place}/{index}"), closed))
            .collect()
    }

    /// A union whose members a field tells apart: the one that it names must hold, and errors are about that one.
    fn tagged(&self, tag: &Value, place: &str, closed: bool) -> Result<Vec<Value>, String> {
        let (Some(field), Some(mapping)) =
            (tag["propertyName"].as_str(), tag["mapping"].as_object())
        else {
            return Err(format!("{place} has a discriminator without a mapping"));
        };
        let values: Vec<_> = mapping.keys().collect();
        let is = |it: Value| json!({ "required": [field], "properties": { field: it } });
        let mut parts = vec![is(json!({ "enum": values }))];
        for (value, target) in mapping {
            let member = self.reference(target, place, closed)?;
            parts.push(json!({ "if": is(json!({ "const": value })), "then": member }));
        }
        Ok(parts)
    }

    /// Whether a schema names fields. One that does not, and is of an object, is of any.
    fn has_fields(&self, schema: &Value, depth: usize) -> bool {
        let schema = resolve(schema, self.document);
        let members = ["allOf", "anyOf", "oneOf"].into_iter();
        let mut members = members.filter_map(|it| schema[it].as_array()).flatten();
        // A schema that holds itself says nothing new further down.
        schema.get("properties").is_some()
            || (depth < 32 && members.any(|it| self.has_fields(it, depth + 1)))
    }
}

/// What a reference leads to, or the schema itself.
pub(super) fn resolve<'a>(mut schema: &'a Value, document: &'a Value) -> &'a Value {
    // A chain that is longer leads round in a circle.
    for _ in 0..32 {
        let target = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
        match target.and_then(|it| document.pointer(it)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}
