//! Which fields of a result are printed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::failure::Failure;

/// Paths into a result, such as `filter_v1.protocol`; none for all of it. A list is looked into: `files.file` is that
/// field of each of `files`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<String>);

impl Fields {
    pub(crate) fn new(paths: &[String]) -> Self {
        Self(paths.to_vec())
    }

    /// Whether all fields are printed.
    pub(super) fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes sure that a result of this schema has the fields.
    pub(crate) fn check(&self, schema: &Value) -> Result<(), Failure> {
        for path in &self.0 {
            let mut places = vec![schema];
            let mut known = Vec::new();
            for name in path.split('.') {
                let properties = properties(&places, schema);
                places = properties
                    .iter()
                    .filter(|it| it.0 == name)
                    .map(|it| it.1)
                    .collect();
                if places.is_empty() {
                    let names: BTreeSet<_> = properties.iter().map(|it| it.0.as_str()).collect();
                    let names = names.into_iter().collect::<Vec<_>>().join(", ");
                    let of = known.join(".");
                    return Err(Failure::usage(match (of.as_str(), names.as_str()) {
                        ("", "") => "the result has no fields".to_owned(),
                        ("", _) => format!("there is no field `{path}`: there are {names}"),
                        (_, "") => format!("there is no field `{path}`: `{of}` has no fields"),
                        _ => format!("there is no field `{path}`: `{of}` has {names}"),
                    }));
                }
                known.push(name);
            }
        }
        Ok(())
    }

    /// The result with these fields only. One that it does not have is null.
    pub(super) fn pick(&self, result: &Value) -> Value {
        let paths: Vec<Vec<_>> = self.0.iter().map(|it| it.split('.').collect()).collect();
        pick(result, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// The same for one member of the result.
    pub(super) fn below(&self, member: &str) -> Option<Self> {
        let rest = |path: &String| match path.split_once('.') {
            Some((first, rest)) => (first == member).then(|| rest.to_owned()),
            None => (path == member).then(String::new),
        };
        let rests: Vec<_> = self.0.iter().filter_map(rest).collect();
        let is_whole = rests.iter().any(String::is_empty);
        (!rests.is_empty()).then_some(Self(if is_whole { Vec::new() } else { rests }))
    }
}

fn pick(value: &Value, paths: &[&[&str]]) -> Value {
    if paths.iter().any(|path| path.is_empty()) {
        return value.clone();
    }
    match value {
        Value::Array(items) => items.iter().map(|it| pick(it, paths)).collect(),
        Value::Object(fields) => {
            let mut picked = Map::new();
            for name in paths.iter().filter_map(|path| path.first()) {
                let below =
                    |path: &&[&str]| path.split_first().is_some_and(|(first, _)| first == name);
                let below: Vec<_> = paths
                    .iter()
                    .filter(|it| below(it))
                    .map(|it| &it[1..])
                    .collect();
                let field = fields.get(*name).map_or(Value::Null, |it| pick(it, &below));
                picked.insert((*name).to_owned(), field);
            }
            picked.into()
        }
        // It has no fields.
        _ => Value::Null,
    }
}

/// What is at a path of a picked result; of a list, what is there in each.
pub(super) fn at(value: &Value, path: &str) -> Value {
    if let Value::Array(items) = value {
        return items.iter().map(|it| at(it, path)).collect();
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    match value.get(name) {
        None => Value::Null,
        Some(field) if rest.is_empty() => field.clone(),
        Some(field) => at(field, rest),
    }
}

/// The properties that values of these schemas may have, by name.
fn properties<'a>(schemas: &[&'a Value], root: &'a Value) -> Vec<(&'a String, &'a Value)> {
    let mut found = Vec::new();
    // A definition may lead to itself.
    let mut seen = BTreeSet::new();
    let mut left = schemas.to_vec();
    while let Some(schema) = left.pop() {
        if let Some(reference) = schema["$ref"].as_str()
            && seen.insert(reference)
            && let Some(definition) = root.pointer(reference.trim_start_matches('#'))
        {
            left.push(definition);
        }
        found.extend(schema["properties"].as_object().into_iter().flatten());
        let alternatives = ["anyOf", "oneOf", "allOf"].map(|it| &schema[it]);
        left.extend(
            alternatives
                .into_iter()
                .filter_map(Value::as_array)
                .flatten(),
        );
        left.extend(schema.get("items"));
    }
    found
}

/// Whether a result of this schema has one of these fields.
pub(crate) fn has_any(schema: &Value, paths: &[&str]) -> bool {
    let has = |path: &&str| Fields(vec![(*path).to_owned()]).check(schema).is_ok();
    paths.iter().any(has)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(paths: &[&str]) -> Fields {
        Fields(paths.iter().map(|it| (*it).to_owned()).collect())
    }

    #[test]
    fn lists_are_looked_into() {
        let result = json!({
            "files": [{"file": "a", "error": {"offset": 1}, "packets": 2}, {"file": "b", "error": null, "packets": 3}],
            "total": {"packets": 5},
        });
        assert_eq!(
            fields(&[
                "total.packets",
                "files.error.offset",
                "files.file",
                "files.odd"
            ])
            .pick(&result),
            json!({
                "files": [
                    {"error": {"offset": 1}, "file": "a", "odd": null},
                    {"error": null, "file": "b", "odd": null},
                ],
                "total": {"packets": 5},
            })
        );
        assert_eq!(
            fields(&["total.packets", "total"]).pick(&result),
            json!({"total": {"packets": 5}})
        );
        assert_eq!(at(&result, "files.packets"), json!([2, 3]));
        assert_eq!(at(&result, "files.error.offset"), json!([1, null]));
        let below = fields(&["total.packets", "files.file"]).below("files");
        assert_eq!(below.unwrap().0, ["file"]);
        assert!(fields(&["total.packets"]).below("files").is_none());
        assert!(
            fields(&["files.file", "files"])
                .below("files")
                .unwrap()
                .is_all()
        );
    }

    #[test]
    fn a_field_that_there_is_not_is_told_beside_those_that_there_are() {
        let schema = json!({
            "type": "array",
            "items": {"anyOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {"type": "string"}}}]},
            "$defs": {"A": {"properties": {"a": {"items": {"$ref": "#/$defs/A"}}, "c": {}}}},
        });
        fields(&["a", "b", "a.a.c"]).check(&schema).unwrap();
        for (path, told) in [
            ("d", "there is no field `d`: there are a, b, c"),
            ("a.d", "there is no field `a.d`: `a` has a, c"),
            ("b.d", "there is no field `b.d`: `b` has no fields"),
            ("", "there is no field ``: there are a, b, c"),
        ] {
            let failure = fields(&[path]).check(&schema).unwrap_err();
            assert_eq!(failure.message(), told);
        }
        assert!(has_any(&schema, &["x", "b"]) && !has_any(&schema, &["x", "b.a"]));
    }
}
