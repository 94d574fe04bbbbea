//! The changes between two descriptions, from the point of view of who calls the generated client.
//!
//! The crate `drift` compares descriptions too. At 0.2 it leaves to the reader what this is for: a property or an enum
//! value that came or went is "unhandled", a changed `anyOf` as well, `nullable` is not looked at, and a media type that
//! changed makes it panic. This comparison knows more because it need not be general: both sides are of the shape
//! that [`crate::lower`] gives them, where one component is one Rust type, and the generated types' rules are known.
//!
//! Those rules: responses take what they do not know, so what is *added* to one breaks nobody; structs may gain
//! optional fields in a compatible release; whatever changes a method's signature or a field's type is breaking.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use heck::{ToPascalCase as _, ToShoutySnakeCase as _, ToSnakeCase as _};
use serde_json::{Map, Value};

use crate::{json, lower};

/// What a change does to callers; the graver one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Everything that compiled and worked does so after.
    Compatible,
    /// Something may not.
    Breaking,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The operations that it reaches, by name, in order. Empty for what no operation uses.
    pub operations: Vec<String>,
    /// What it does to callers.
    pub class: Class,
    /// The Rust item that it touches, as named in `pcaps_api`.
    pub item: String,
    /// What changed, in words.
    pub what: String,
}

/// The changes from one effective description to another, in order.
///
/// # Errors
///
/// When one of them is not of a shape that can be generated from.
pub fn compare(old: &Value, new: &Value) -> Result<Vec<Change>> {
    let old = Side::new(old)?;
    let new = Side::new(new)?;
    let mut comparison = Comparison {
        old: &old,
        new: &new,
        changes: BTreeSet::new(),
    };
    comparison.operations();
    comparison.components();
    Ok(comparison.changes.into_iter().collect())
}

/// A description in the shape that the generated code has.
struct Side {
    document: Value,
    /// By name: method, path, operation.
    operations: BTreeMap<String, (String, Value)>,
    requests: BTreeSet<String>,
    /// By component: the operations that use it.
    used_by: BTreeMap<String, BTreeSet<String>>,
}

impl Side {
    fn new(description: &Value) -> Result<Self> {
        let document = lower::types(description)?;
        let schemas = json::schemas(&document);
        let mut operations = BTreeMap::new();
        let mut used_by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, method, operation) in json::operations(&document) {
            let name = operation["operationId"].as_str().unwrap_or(path).to_owned();
            for component in json::reachable(&schemas, [operation]) {
                used_by.entry(component).or_default().insert(name.clone());
            }
            let place = format!("{} {path}", method.to_uppercase());
            operations.insert(name, (place, operation.clone()));
        }
        Ok(Self {
            requests: lower::in_requests(&document),
            document,
            operations,
            used_by,
        })
    }

    fn schemas(&self) -> &Value {
        &self.document["components"]["schemas"]
    }
}

use Class::{Breaking, Compatible};

struct Comparison<'a> {
    old: &'a Side,
    new: &'a Side,
    changes: BTreeSet<Change>,
}

impl Comparison<'_> {
    fn operations(&mut self) {
        let (old, new) = (self.old, self.new);
        for (name, (place, operation)) in &old.operations {
            let Some((new_place, new_operation)) = new.operations.get(name) else {
                self.of_operation(name, Breaking, format!("removed ({place})"));
                continue;
            };
            if place != new_place {
                self.of_operation(name, Breaking, format!("moved from {place} to {new_place}"));
            }
            self.operation(name, operation, new_operation);
        }
        for (name, (place, _)) in &new.operations {
            if !old.operations.contains_key(name) {
                self.of_operation(name, Compatible, format!("added ({place})"));
            }
        }
    }

    fn of_operation(&mut self, name: &str, class: Class, what: String) {
        self.changes.insert(Change {
            operations: vec![name.to_owned()],
            class,
            item: format!("Client::{name}"),
            what,
        });
    }

    fn operation(&mut self, name: &str, old: &Value, new: &Value) {
        let (olds, news) = (parameters(old), parameters(new));
        for (key, schema) in &olds {
            match news.get(key) {
                None => self.of_operation(name, Breaking, format!("parameter {key} removed")),
                Some(now) if now != schema => {
                    self.of_operation(
                        name,
                        Breaking,
                        format!("parameter {key} changed: {}", change_of(schema, now)),
                    );
                }
                Some(_) => {}
            }
        }
        for key in news.keys().filter(|key| !olds.contains_key(*key)) {
            // It is one more argument of the method, whether or not the service demands it.
            self.of_operation(name, Breaking, format!("parameter {key} added"));
        }
        for (what, old, new) in [
            ("request body", &old["requestBody"], &new["requestBody"]),
            ("success response", &success(old), &success(new)),
        ] {
            let (old, new) = (outline(old), outline(new));
            if old != new {
                self.of_operation(
                    name,
                    Breaking,
                    format!("{what} changed: {}", change_of(&old, &new)),
                );
            }
        }
        let prose = |it: &Value| (it["summary"].clone(), it["description"].clone());
        if prose(old) != prose(new) {
            self.of_operation(name, Compatible, "documentation changed".to_owned());
        }
    }

    fn components(&mut self) {
        let (old, new) = (self.old, self.new);
        let empty = Map::new();
        let (olds, news) = (
            old.schemas().as_object().unwrap_or(&empty),
            new.schemas().as_object().unwrap_or(&empty),
        );
        for (name, schema) in olds {
            match news.get(name) {
                None => self.of_type(name, None, Breaking, "type removed".to_owned()),
                Some(now) => self.component(name, schema, now),
            }
        }
        for name in news.keys().filter(|name| !olds.contains_key(*name)) {
            self.of_type(name, None, Compatible, "type added".to_owned());
        }
    }

    /// A change of a component, or of a part of it that is named after `::`.
    fn of_type(&mut self, name: &str, part: Option<&str>, class: Class, what: String) {
        let users = |side: &Side| side.used_by.get(name).cloned().unwrap_or_default();
        let operations = users(self.old).union(&users(self.new)).cloned().collect();
        let item = match part {
            Some(part) => format!("{name}::{part}"),
            None => name.to_owned(),
        };
        self.changes.insert(Change {
            operations,
            class,
            item: format!("types::{item}"),
            what,
        });
    }

    fn component(&mut self, name: &str, old: &Value, new: &Value) {
        let sent = self.old.requests.contains(name) || self.new.requests.contains(name);
        self.values(name, old, new);
        self.members(name, old, new);
        let required = |schema: &Value, field: &str| {
            let names = schema["required"].as_array().into_iter().flatten();
            sent && names.into_iter().any(|it| it == field)
        };
        let empty = Map::new();
        let fields = |schema: &'_ Value| schema["properties"].as_object().unwrap_or(&empty).clone();
        let (olds, news) = (fields(old), fields(new));
        for (field, schema) in &olds {
            let part = field.to_snake_case();
            let Some(now) = news.get(field) else {
                self.of_type(name, Some(&part), Breaking, "field removed".to_owned());
                continue;
            };
            let (before, after) = (outline(schema), outline(now));
            if before != after {
                let what = format!("type changed: {}", change_of(&before, &after));
                self.of_type(name, Some(&part), Breaking, what);
            }
            match (required(old, field), required(new, field)) {
                (false, true) => {
                    self.of_type(name, Some(&part), Breaking, "is now required".to_owned());
                }
                (true, false) => {
                    self.of_type(name, Some(&part), Breaking, "is now optional".to_owned());
                }
                _ => {}
            }
            if sent {
                self.range(name, field, schema, now);
            }
            if schema["description"] != now["description"] {
                self.of_type(
                    name,
                    Some(&part),
                    Compatible,
                    "documentation changed".to_owned(),
                );
            }
        }
        for field in news.keys().filter(|field| !olds.contains_key(*field)) {
            let part = field.to_snake_case();
            let (class, what) = if required(new, field) {
                (Breaking, "required field added")
            } else {
                (Compatible, "field added")
            };
            self.of_type(name, Some(&part), class, what.to_owned());
        }
        let (before, after) = (shape(old), shape(new));
        if before != after {
            let what = format!("type changed: {}", change_of(&before, &after));
            self.of_type(name, None, Breaking, what);
        }
        if old["description"] != new["description"] {
            self.of_type(name, None, Compatible, "documentation changed".to_owned());
        }
    }

    /// The values of an enum.
    fn values(&mut self, name: &str, old: &Value, new: &Value) {
        let values = |schema: &Value| -> BTreeSet<String> {
            let values = schema["enum"].as_array().into_iter().flatten();
            values
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let (olds, news) = (values(old), values(new));
        for value in olds.difference(&news) {
            let part = value.to_pascal_case();
            self.of_type(
                name,
                Some(&part),
                Breaking,
                format!("value {value} removed"),
            );
        }
        for value in news.difference(&olds) {
            let part = value.to_pascal_case();
            self.of_type(
                name,
                Some(&part),
                Compatible,
                format!("value {value} added"),
            );
        }
    }

    /// The members of a union that a field tells apart.
    fn members(&mut self, name: &str, old: &Value, new: &Value) {
        let mapping = |schema: &Value| {
            let mapping = schema.pointer("/discriminator/mapping");
            mapping
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        let (olds, news) = (mapping(old), mapping(new));
        for (value, target) in &olds {
            let part = value.to_pascal_case();
            match news.get(value) {
                None => self.of_type(
                    name,
                    Some(&part),
                    Breaking,
                    format!("member {value} removed"),
                ),
                Some(now) if now != target => {
                    let what = format!("member changed: {}", change_of(target, now));
                    self.of_type(name, Some(&part), Breaking, what);
                }
                Some(_) => {}
            }
        }
        for value in news.keys().filter(|value| !olds.contains_key(*value)) {
            let part = value.to_pascal_case();
            self.of_type(
                name,
                Some(&part),
                Compatible,
                format!("member {value} added"),
            );
        }
    }

    /// The range of a number that is sent.
    fn range(&mut self, name: &str, field: &str, old: &Value, new: &Value) {
        let (before, after) = (lower::range(old), lower::range(new));
        if before == after {
            return;
        }
        let within = |inner: (Option<i64>, Option<i64>), outer: (Option<i64>, Option<i64>)| {
            outer
                .0
                .is_none_or(|low| inner.0.is_some_and(|it| it >= low))
                && outer
                    .1
                    .is_none_or(|high| inner.1.is_some_and(|it| it <= high))
        };
        let class = if within(before, after) {
            Compatible
        } else {
            Breaking
        };
        let shown = |(low, high): (Option<i64>, Option<i64>)| {
            let end = |it: Option<i64>| it.map_or_else(String::new, |it| it.to_string());
            format!("{}..={}", end(low), end(high))
        };
        self.of_type(
            name,
            Some(&field.to_snake_case()),
            class,
            format!(
                "range changed: {} to {} (limits::{}::{})",
                shown(before),
                shown(after),
                name.to_snake_case(),
                field.to_shouty_snake_case()
            ),
        );
    }
}

/// What makes up the Rust type of a schema: not its documentation, bounds, or whether it may be null.
fn outline(schema: &Value) -> Value {
    const TELLS_NOTHING: [&str; 16] = [
        "deprecated",
        "description",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "multipleOf",
        "nullable",
        "readOnly",
        "required",
        "uniqueItems",
        "writeOnly",
    ];
    match schema {
        Value::Object(map) => {
            let says_nothing = |key: &str, value: &Value| {
                let timestamp = matches!(value.as_str(), Some("date-time" | "date"));
                TELLS_NOTHING.contains(&key) || (key == "format" && timestamp)
            };
            let kept = map.iter().filter(|(key, value)| !says_nothing(key, value));
            Value::Object(
                kept.map(|(key, value)| (key.clone(), outline(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(outline).collect()),
        other => other.clone(),
    }
}

/// The outline of a component without what is compared part by part.
fn shape(schema: &Value) -> Value {
    let mut outline = outline(schema);
    if let Some(map) = outline.as_object_mut() {
        for part in ["properties", "enum", "discriminator", "anyOf", "oneOf"] {
            if let Some(it) = map.get_mut(part) {
                *it = Value::Null;
            }
        }
    }
    outline
}

/// The parameters of an operation by name and place, in outline.
fn parameters(operation: &Value) -> BTreeMap<String, Value> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .map(|it| {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            let mut about = outline(&it["schema"]);
            // Whether it is an `Option` in the signature.
            if it["required"] != true && about.is_object() {
                about["optional"] = true.into();
            }
            (format!("{} (in {})", text("name"), text("in")), about)
        })
        .collect()
}

/// The responses of an operation that say that it worked.
fn success(operation: &Value) -> Value {
    let responses = operation["responses"].as_object().into_iter().flatten();
    let success = responses.filter(|(status, _)| status.starts_with('2'));
    Value::Object(
        success
            .map(|(status, it)| (status.clone(), it.clone()))
            .collect(),
    )
}

/// Both sides, as short as they can be shown.
fn change_of(old: &Value, new: &Value) -> String {
    format!("{} to {}", short(old), short(new))
}

fn short(schema: &Value) -> String {
    if let Some(text) = schema.as_str() {
        return text.strip_prefix(json::SCHEMAS).unwrap_or(text).to_owned();
    }
    if let Some(name) = json::referenced(schema) {
        return name.to_owned();
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
