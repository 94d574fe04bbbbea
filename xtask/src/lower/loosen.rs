//! What the generator would make too much of is taken away.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{in_requests, in_responses};
use crate::json::{SCHEMAS, reachable, referenced, schemas, visit_schema_mut, visit_schemas_mut};

/// The keywords for how much a value may be or hold.
pub(crate) const BOUNDS: [&str; 10] = [
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maximum",
    "maxItems",
    "maxLength",
    "minimum",
    "minItems",
    "minLength",
    "multipleOf",
    "uniqueItems",
];

/// typify makes of an enum of numbers or booleans a type around one that refuses every other. What it may be is left to
/// its documentation.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L1957-L1965>.
pub(super) fn drop_scalar_enums(document: &mut Value) {
    visit_schemas_mut(document, &mut |schema| {
        let ty = schema.get("type").and_then(Value::as_str);
        if matches!(ty, Some("boolean" | "integer" | "number")) {
            schema.remove("enum");
        }
    });
}

/// typify makes a required field one without which nothing decodes, and a list one that null does not decode into.
/// It checks a string with a pattern. See the module's rule on responses.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/structs.rs#L135-L136>.
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/structs.rs#L357-L361>.
pub(super) fn relax_responses(document: &mut Value) {
    let requests = in_requests(document);
    let named = schemas(document);
    let is_checked = |schema: &Map<String, Value>| {
        schema.contains_key("pattern") && schema.get("format").is_none_or(|it| it != "password")
    };
    for name in in_responses(document).difference(&requests) {
        // It may stand in a path as well, where it is checked.
        if named[name].as_object().is_some_and(is_checked) {
            continue;
        }
        let schema = &mut document["components"]["schemas"][name];
        visit_schema_mut(schema, &mut |schema| {
            let target = schema.get("$ref").and_then(Value::as_str);
            let target = target.and_then(|it| named[it.strip_prefix(SCHEMAS)?].as_object());
            if let Some(target) = target.filter(|it| is_checked(it)) {
                *schema = target.clone();
            }
            if is_checked(schema) {
                schema.remove("pattern");
            }
            schema.remove("required");
            for property in schema
                .get_mut("properties")
                .and_then(Value::as_object_mut)
                .into_iter()
                .flat_map(|it| it.values_mut())
            {
                if let Some(property) = property
                    .as_object_mut()
                    .filter(|it| !it.contains_key("$ref"))
                {
                    property.insert("nullable".to_owned(), Value::Bool(true));
                }
            }
        });
    }
}

/// typify makes of a component that may be null a type around an `Option`, and one that is emitted by us would lose the
/// null. Whether null is allowed becomes the business of whoever refers to it.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L93-L102>.
pub(super) fn null_in_place(document: &mut Value) {
    fn said(value: &mut Value, nullable: &BTreeSet<String>) {
        let is_nullable = |it: &Value| referenced(it).is_some_and(|it| nullable.contains(it));
        let one = value.get("allOf").and_then(Value::as_array);
        let one = one.filter(|it| it.len() == 1);
        if one.is_some_and(|it| is_nullable(&it[0])) {
            value["nullable"] = Value::Bool(true);
        } else if is_nullable(value) {
            *value = json!({ "allOf": [value.take()], "nullable": true });
        } else {
            match value {
                Value::Object(map) => map.values_mut().for_each(|it| said(it, nullable)),
                Value::Array(items) => items.iter_mut().for_each(|it| said(it, nullable)),
                _ => {}
            }
        }
    }
    let mut nullable = BTreeSet::new();
    let named = document["components"]["schemas"].as_object_mut();
    for (name, schema) in named.into_iter().flatten() {
        let null = schema.as_object_mut().and_then(|it| it.remove("nullable"));
        if null == Some(Value::Bool(true)) {
            nullable.insert(name.clone());
            if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
                values.retain(|it| !it.is_null());
            }
        }
    }
    said(document, &nullable);
}

/// typify turns a minimum of 1 into `NonZeroU64`, ignores maxima, and wraps each bounded string in a type of its own.
/// Bounds would also refuse responses. They are emitted as constants instead ([`crate::emit`]), to be checked before a
/// request is made. A string with a pattern (an id that stands in a path) keeps its bounds.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L1101-L1102>.
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L875-L897>.
pub(super) fn drop_bounds(document: &mut Value) {
    visit_schemas_mut(document, &mut |schema| {
        if !schema.contains_key("pattern") {
            schema.retain(|key, _| !BOUNDS.contains(&key.as_str()));
        }
    });
}

/// typify makes types of formats: `chrono`'s of timestamps, which an empty string (on the wire: no timestamp) does not
/// decode into and which drop digits, `uuid`'s, addresses, and integers that are too small for what may come. They stay
/// text and `i64` here; the layer above reads them.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L806-L856>.
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L1079-L1105>.
pub(super) fn drop_formats(document: &mut Value) {
    visit_schemas_mut(document, &mut |schema| {
        if schema.get("format").is_some_and(|it| !is_kept(it)) {
            schema.remove("format");
        }
    });
}

/// Whether a format makes a difference to Rust.
pub(crate) fn is_kept(format: &Value) -> bool {
    format == "password" || format == "binary"
}

/// typify makes a field with a default one that is never absent: a response would come back with what it did not hold,
/// and a request could not leave it to the service.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/structs.rs#L427>.
pub(super) fn drop_defaults(document: &mut Value) {
    visit_schemas_mut(document, &mut |schema| drop(schema.remove("default")));
}

/// progenitor emits every component, used or not. The ones that were inlined or merged are no longer used.
///
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/lib.rs#L368-L374>.
pub(crate) fn prune(document: &mut Value) {
    let named = schemas(document);
    let used = reachable(&named, [&document["paths"]]);
    if let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    {
        schemas.retain(|name, _| used.contains(name));
    }
}
