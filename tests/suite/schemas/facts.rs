//! What the description says of a component, and what a type's derived JSON Schema says, in one form.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use xtask::json::referenced;

/// What is said of a component: by place (`errors[]`, empty for the component itself) and subject (`type`), a value.
pub(super) type Facts = BTreeMap<(String, String), String>;

/// What limits values, and not their type.
pub(super) const BOUNDS: [&str; 6] = [
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "pattern",
    "uniqueItems",
];

/// What is compared as it is written.
const KEPT: [&str; 2] = ["default", "format"];

pub(super) fn fact(place: &str, subject: &str) -> (String, String) {
    (place.to_owned(), subject.to_owned())
}

/// The description's components.
pub(super) struct Description {
    pub(super) schemas: Map<String, Value>,
    /// Names of the components that have a type.
    pub(super) types: BTreeSet<String>,
}

impl Description {
    /// Adds what a schema says.
    pub(super) fn read(&self, schema: &Value, place: &str, facts: &mut Facts) {
        if let Some(name) = referenced(schema) {
            if !place.is_empty() && self.types.contains(name) {
                facts.insert(fact(place, "ref"), name.to_owned());
            } else {
                self.read(&self.schemas[name], place, facts);
            }
            return;
        }
        let mut merged = Map::new();
        self.merge(schema, &mut merged);
        if let Some(union) = merged.get("discriminator") {
            let name = |it: &Value| referenced(&json!({ "$ref": it })).unwrap().to_owned();
            facts.insert(
                fact(place, "tag"),
                union["propertyName"].as_str().unwrap().to_owned(),
            );
            let members: BTreeSet<_> = merged["anyOf"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| name(&it["$ref"]))
                .collect();
            let mapping = union["mapping"].as_object().unwrap();
            assert_eq!(members, mapping.values().map(name).collect(), "{place}");
            for (value, target) in mapping {
                facts.insert(fact(&format!("={value}"), "ref"), name(target));
            }
            return;
        }
        let ty = merged.get("type").map_or("any", |it| it.as_str().unwrap());
        facts.insert(fact(place, "type"), ty.to_owned());
        if ty == "any" || merged.get("nullable") == Some(&json!(true)) {
            facts.insert(fact(place, "nullable"), "true".into());
        }
        for (subject, value) in &merged {
            match (subject.as_str(), value) {
                ("type" | "nullable" | "description" | "required", _) => {}
                ("enum", Value::Array(values)) => {
                    facts.insert(fact(place, "values"), list(values.iter()));
                }
                ("items", items) => self.read(items, &format!("{place}[]"), facts),
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        self.read(property, &inside(place, name), facts);
                    }
                }
                (subject, value) if KEPT.contains(&subject) || BOUNDS.contains(&subject) => {
                    facts.insert(fact(place, subject), text(value));
                }
                _ => panic!("the test does not know {subject} in {merged:?}"),
            }
        }
        require(&merged, place, facts);
    }

    /// Joins what stands in an `allOf`: the last word on a property wins.
    fn merge(&self, schema: &Value, into: &mut Map<String, Value>) {
        let schema = referenced(schema).map_or(schema, |name| &self.schemas[name]);
        for member in schema["allOf"].as_array().into_iter().flatten() {
            self.merge(member, into);
        }
        for (key, value) in schema.as_object().unwrap() {
            match (into.get_mut(key), value) {
                _ if key == "allOf" => {}
                (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.clone()),
                (Some(Value::Array(old)), Value::Array(new)) if key == "required" => {
                    old.extend(new.clone());
                }
                _ => drop(into.insert(key.clone(), value.clone())),
            }
        }
    }

    /// If a component is a member of a union: the field that tells members apart, and this one's value in it.
    pub(super) fn tag_of(&self, name: &str) -> Option<(String, String)> {
        self.schemas.values().find_map(|schema| {
            let union = schema.get("discriminator")?;
            let reference = json!(format!("#/components/schemas/{name}"));
            let (value, _) = union["mapping"]
                .as_object()?
                .iter()
                .find(|(_, it)| **it == reference)?;
            Some((text(&union["propertyName"]), value.clone()))
        })
    }

    /// Adds what a derived schema says. Types that stand for no component are written out.
    pub(super) fn read_derived(
        &self,
        whole: &Value,
        schema: &Value,
        place: &str,
        facts: &mut Facts,
    ) {
        let yes = || "true".to_owned();
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.strip_prefix("#/$defs/").unwrap();
            if self.types.contains(name) {
                facts.insert(fact(place, "ref"), name.to_owned());
            } else {
                self.read_derived(whole, &whole["$defs"][name], place, facts);
            }
            return;
        }
        if let Some(members) = schema
            .get("anyOf")
            .or(schema.get("oneOf"))
            .and_then(Value::as_array)
        {
            for member in members {
                if let Some((tag, value)) = tag(member) {
                    facts.insert(fact(place, "tag"), tag);
                    facts.insert(
                        fact(&format!("={value}"), "ref"),
                        member["$ref"].as_str().unwrap().replace("#/$defs/", ""),
                    );
                } else if let Some(value) = member.get("const") {
                    let values = facts.entry(fact(place, "values")).or_default();
                    *values = list([json!(values.as_str()), value.clone()].iter());
                    facts.insert(fact(place, "type"), text(&member["type"]));
                } else if *member == json!({ "type": "null" }) {
                    facts.insert(fact(place, "nullable"), yes());
                } else if is_anything(member) && members.iter().any(|it| tag(it).is_some()) {
                    facts.insert(fact(place, "open"), yes());
                } else if is_anything(member) {
                    facts.insert(fact(place, "odd"), yes());
                } else if members.iter().any(|it| it.get("const").is_some()) {
                    assert_eq!(member["type"], "string");
                    facts.insert(fact(place, "open"), yes());
                } else {
                    self.read_derived(whole, member, place, facts);
                }
            }
            return;
        }
        let named: Vec<_> = match &schema["type"] {
            Value::Array(types) => types.iter().map(text).collect(),
            Value::Null => vec!["any".into(), "null".into()],
            ty => vec![text(ty)],
        };
        for ty in named {
            if ty == "null" {
                facts.insert(fact(place, "nullable"), yes());
            } else {
                let twin = facts.insert(fact(place, "type"), ty);
                assert!(twin.is_none(), "{place} has two types");
            }
        }
        for (subject, value) in schema.as_object().into_iter().flatten() {
            match (subject.as_str(), value) {
                ("type" | "description" | "title" | "required" | "$schema" | "$defs", _) => {}
                ("items", items) => self.read_derived(whole, items, &format!("{place}[]"), facts),
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        self.read_derived(whole, property, &inside(place, name), facts);
                    }
                }
                ("additionalProperties", value) => {
                    facts.insert(fact(place, "additional"), text(value));
                }
                (subject, value) if KEPT.contains(&subject) || BOUNDS.contains(&subject) => {
                    facts.insert(fact(place, subject), text(value));
                }
                _ => panic!("the test does not know {subject} in {schema}"),
            }
        }
        require(schema.as_object().unwrap(), place, facts);
    }
}

/// Marks the fields that a schema requires.
fn require(schema: &Map<String, Value>, place: &str, facts: &mut Facts) {
    for name in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        facts.insert(fact(&inside(place, &text(name)), "required"), "true".into());
    }
}

fn inside(place: &str, name: &str) -> String {
    if place.is_empty() {
        name.to_owned()
    } else {
        format!("{place}.{name}")
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Values in order, one list whatever the order they came in.
fn list<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    let values: Vec<_> = values.map(text).collect();
    let mut values: Vec<_> = values
        .iter()
        .flat_map(|it| it.split(' '))
        .filter(|it| !it.is_empty())
        .collect();
    values.sort_unstable();
    values.join(" ")
}

/// The field and value by which a member of a union is known.
fn tag(member: &Value) -> Option<(String, String)> {
    let (name, property) = member["properties"].as_object()?.iter().next()?;
    assert_eq!(member["required"], json!([name]));
    Some((name.clone(), text(property.get("const")?)))
}

fn is_anything(schema: &Value) -> bool {
    schema
        .as_object()
        .is_some_and(|it| it.keys().all(|key| key == "description"))
}
