//! Small operations on JSON documents that hold an OpenAPI description.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Where component schemas live in references.
pub const SCHEMAS: &str = "#/components/schemas/";

/// The document as text: keys sorted, two spaces, a newline at the end. Equal documents give equal text.
pub fn canonical(document: &Value) -> String {
    let mut text = format!("{:#}", sorted(document));
    text.push('\n');
    text
}

/// The document as one line: keys sorted, nothing between the parts, a newline at the end. Equal documents give equal text.
pub fn compact(document: &Value) -> String {
    let mut text = sorted(document).to_string();
    text.push('\n');
    text
}

/// A copy whose keys are sorted at every level, whether or not `serde_json` keeps insertion order in this build.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries = entries
                .into_iter()
                .map(|(key, value)| (key.clone(), sorted(value)));
            Value::Object(entries.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Calls `visit` on every object in the document, parents before children.
pub fn visit_objects_mut(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            visit(map);
            for child in map.values_mut() {
                visit_objects_mut(child, visit);
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| visit_objects_mut(item, visit)),
        _ => {}
    }
}

/// Calls `visit` on every schema at or below a schema, parents before children.
///
/// Unlike [`visit_objects_mut`] it tells a schema from an object that maps property names to schemas, so that a
/// property that is *named* `required` is not taken for the keyword.
pub fn visit_schema_mut(schema: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    let Value::Object(map) = schema else { return };
    visit(map);
    for (key, child) in map.iter_mut() {
        match (key.as_str(), child) {
            ("properties", Value::Object(properties)) => {
                properties
                    .values_mut()
                    .for_each(|property| visit_schema_mut(property, visit));
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(members)) => {
                for member in members {
                    visit_schema_mut(member, visit);
                }
            }
            ("items" | "additionalProperties" | "not", child) => visit_schema_mut(child, visit),
            _ => {}
        }
    }
}

/// Calls `visit` on every schema of components, and of parameters and bodies, parents before children.
pub fn visit_schemas_mut(document: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    let named = document["components"]["schemas"].as_object_mut();
    for schema in named.into_iter().flat_map(|it| it.values_mut()) {
        visit_schema_mut(schema, visit);
    }
    visit_objects_mut(&mut document["paths"], &mut |object| {
        if let Some(schema) = object.get_mut("schema") {
            visit_schema_mut(schema, visit);
        }
    });
}

/// Replaces references, in `$ref` and in the mappings of discriminators, that are keys of `names` by their values.
pub fn rewrite_references(document: &mut Value, names: &BTreeMap<String, String>) {
    let rewrite = |reference: &mut Value| {
        if let Value::String(reference) = reference
            && let Some(new) = names.get(reference)
        {
            reference.clone_from(new);
        }
    };
    visit_objects_mut(document, &mut |object| {
        if let Some(reference) = object.get_mut("$ref") {
            rewrite(reference);
        }
        let mapping = object
            .get_mut("discriminator")
            .and_then(|it| it.get_mut("mapping"));
        if let Some(mapping) = mapping.and_then(Value::as_object_mut) {
            mapping.values_mut().for_each(rewrite);
        }
    });
}

/// The component schemas of a document, empty when it has none.
pub fn schemas(document: &Value) -> Map<String, Value> {
    document["components"]["schemas"]
        .as_object()
        .cloned()
        .unwrap_or_default()
}

/// The component that a schema refers to, when it is a reference to one.
pub fn referenced(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)
}

/// Follows a chain of references to the schema at its end. A reference that leads nowhere, or round in a circle, ends
/// the chain where it breaks.
pub fn resolve<'a>(schemas: &'a Map<String, Value>, mut schema: &'a Value) -> &'a Value {
    for _ in 0..schemas.len() {
        match referenced(schema).and_then(|name| schemas.get(name)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// The names of the component schemas reachable from `roots` through references, those of discriminators included. A
/// reference that leads nowhere counts.
pub fn reachable<'a>(
    schemas: &Map<String, Value>,
    roots: impl IntoIterator<Item = &'a Value>,
) -> BTreeSet<String> {
    fn references(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                into.extend(referenced(value).map(str::to_owned));
                let mapping = value.pointer("/discriminator/mapping");
                let mapping = mapping.and_then(Value::as_object).into_iter().flatten();
                into.extend(mapping.filter_map(|(_, target)| {
                    Some(target.as_str()?.strip_prefix(SCHEMAS)?.to_owned())
                }));
                map.values().for_each(|child| references(child, into));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, into)),
            _ => {}
        }
    }
    let mut pending = Vec::new();
    roots
        .into_iter()
        .for_each(|root| references(root, &mut pending));
    let mut found = BTreeSet::new();
    while let Some(name) = pending.pop() {
        let schema = schemas.get(&name);
        if found.insert(name)
            && let Some(schema) = schema
        {
            references(schema, &mut pending);
        }
    }
    found
}

/// The first reference to a component schema that is not there: its place as a JSON pointer, and the schema's name.
pub fn dangling(document: &Value) -> Option<(String, String)> {
    fn find(value: &Value, schemas: &Value, place: &str) -> Option<(String, String)> {
        let missing = |name: &str| schemas.get(name).is_none();
        match value {
            Value::Object(map) => {
                if let Some(name) = referenced(value).filter(|name| missing(name)) {
                    return Some((place.to_owned(), name.to_owned()));
                }
                map.iter().find_map(|(key, child)| {
                    find(child, schemas, &format!("{place}/{}", escaped(key)))
                })
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, item)| find(item, schemas, &format!("{place}/{index}"))),
            _ => None,
        }
    }
    find(document, &document["components"]["schemas"], "")
}

/// A name as part of a JSON pointer.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The methods that a path may have an operation for.
pub const METHODS: [&str; 8] = [
    "delete", "get", "head", "options", "patch", "post", "put", "trace",
];

/// Every operation of the document: path, method, operation object.
pub fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS
            .iter()
            .filter_map(move |method| Some((path.as_str(), *method, item.get(method)?)))
    })
}

/// Every operation, to be changed: path, method, operation object. What is no object is left out.
pub fn operations_mut(
    document: &mut Value,
) -> impl Iterator<Item = (&str, &str, &mut Map<String, Value>)> {
    let paths = document
        .get_mut("paths")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten();
    paths.flat_map(|(path, item)| {
        let items = item.as_object_mut().into_iter().flatten();
        items.filter_map(move |(method, operation)| {
            METHODS.contains(&method.as_str()).then_some(())?;
            Some((path.as_str(), method.as_str(), operation.as_object_mut()?))
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn canonical_text_does_not_depend_on_the_order_of_keys() {
        let one: Value = serde_json::from_str(r#"{"b": [{"z": 1, "y": 2}], "a": 0}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"a": 0, "b": [{"y": 2, "z": 1}]}"#).unwrap();
        assert_eq!(canonical(&one), canonical(&two));
        assert!(canonical(&one).starts_with("{\n  \"a\": 0,"));
        assert_eq!(compact(&one), compact(&two));
        assert_eq!(compact(&one), "{\"a\":0,\"b\":[{\"y\":2,\"z\":1}]}\n");
    }

    #[test]
    fn reachable_follows_chains_and_survives_cycles() {
        let schemas = json!({
            "A": { "$ref": "#/components/schemas/B" },
            "B": { "properties": { "a": { "$ref": "#/components/schemas/A" } } },
            "C": {}
        });
        let schemas = schemas.as_object().unwrap();
        let found = reachable(
            schemas,
            [&json!({ "schema": { "$ref": "#/components/schemas/A" } })],
        );
        assert_eq!(found, BTreeSet::from(["A".to_owned(), "B".to_owned()]));
        resolve(schemas, &json!({ "$ref": "#/components/schemas/A" }));
    }

    #[test]
    fn a_property_named_like_a_keyword_is_not_a_keyword() {
        let mut schema = json!({ "properties": { "items": { "type": "string" }, "required": { "type": "boolean" } } });
        let mut seen = 0;
        visit_schema_mut(&mut schema, &mut |schema| {
            seen += usize::from(schema.contains_key("type"));
        });
        assert_eq!(seen, 2);
    }
}
