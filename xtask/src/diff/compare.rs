//! The changes between two descriptions, from the point of view of who calls the generated client.
//!
//! The crate `drift` compares descriptions too. At 0.2 it leaves to the reader what this is for: a property or an enum
//! value that came or went is "unhandled", a changed `anyOf` as well, `nullable` is not looked at, and a media type that
//! changed makes it panic. This comparison knows more because it need not be general: both sides are of the shape
//! that [`crate::lower`] gives them, where one component is one Rust type, and the generated types' rules are known.
//!
//! Those rules, which `pcaps_api` promises to its users: responses take what they do not know, so what is *added* to one
//! breaks nobody; structs may gain optional fields in a compatible release; whatever changes a method's signature or a
//! field's type is breaking, and so is what adds a variant to an enum that lists all of them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anyhow::Result;
use heck::{ToShoutySnakeCase as _, ToSnakeCase as _};
use serde_json::{Map, Value};

use super::{
    headers,
    outline::{change_of, outline, parameter, parameters, responses, shape},
    side::Side,
};
use crate::lower;

/// What a change does to callers; the graver one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Everything that compiled and worked does so after.
    Compatible,
    /// Something may not.
    Breaking,
}

/// What a change of documentation is called.
pub(super) const DOCUMENTATION: &str = "documentation changed";

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

/// The changes from one effective description to another, each kind of operation's together, the graver ones first.
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
    comparison.whole();
    comparison.operations();
    comparison.headers();
    comparison.components();
    comparison.surface();
    let mut changes: Vec<_> = comparison.changes.into_iter().collect();
    let mut gravest = BTreeMap::new();
    for it in &changes {
        let class = gravest.entry(it.operations.clone()).or_insert(it.class);
        *class = it.class.max(*class);
    }
    changes.sort_by_cached_key(|it| {
        let group = (Reverse(gravest[&it.operations]), it.operations.clone());
        (group, Reverse(it.class))
    });
    Ok(changes)
}

use Class::{Breaking, Compatible};

struct Comparison<'a> {
    old: &'a Side,
    new: &'a Side,
    changes: BTreeSet<Change>,
}

impl Comparison<'_> {
    /// What is said of all operations at once: where the service is, who may ask it, which version it is.
    fn whole(&mut self) {
        for (what, class, pointer) in [
            ("server", Breaking, "/servers/0/url"),
            ("authentication", Breaking, "/components/securitySchemes"),
            ("version", Compatible, "/info/version"),
        ] {
            let of = |side: &Side| outline(side.document.pointer(pointer).unwrap_or(&Value::Null));
            let (old, new) = (of(self.old), of(self.new));
            if old != new {
                let what = if old.is_object() {
                    format!("{what} changed")
                } else {
                    format!("{what} changed: {}", change_of(&old, &new))
                };
                self.changes.insert(Change {
                    operations: self.new.operations.keys().cloned().collect(),
                    class,
                    item: "Client".to_owned(),
                    what,
                });
            }
        }
    }

    /// What the compiler sees changed and nothing above accounts for: a type that is now sent as well as received, say.
    fn surface(&mut self) {
        let (old, new) = (self.old, self.new);
        let mut told: BTreeSet<_> = self
            .changes
            .iter()
            .map(|it| (it.item.clone(), it.class))
            .collect();
        let is_field = |path: &str| {
            let owner = path
                .rsplit_once("::")
                .and_then(|(it, _)| old.surface.get(it));
            owner.is_some_and(|it| it.starts_with("struct")) && !path.starts_with("Client")
        };
        let paths: BTreeSet<_> = old.surface.keys().chain(new.surface.keys()).collect();
        for path in paths {
            let (class, what) = match (old.surface.get(path), new.surface.get(path)) {
                (Some(before), Some(after)) if before != after => (
                    Breaking,
                    format!("in Rust changed: `{before}` to `{after}`"),
                ),
                (Some(_), None) => (Breaking, "in Rust removed".to_owned()),
                // Who makes the struct must fill it in.
                (None, Some(ty)) if is_field(path) && !ty.starts_with("Option") => {
                    (Breaking, format!("in Rust added: `{ty}`"))
                }
                (None, Some(_)) => (Compatible, "in Rust added".to_owned()),
                _ => continue,
            };
            let is_told = |item: &str| {
                let classes = [class, Breaking];
                classes
                    .iter()
                    .any(|it| told.contains(&(item.to_owned(), *it)))
            };
            // That a type came or went holds for its parts.
            let owner = path.rsplit_once("::").map_or(path.as_str(), |it| it.0);
            let whole = old.surface.contains_key(owner) != new.surface.contains_key(owner);
            let is_told = is_told(path) || (whole && is_told(owner));
            if is_told {
                continue;
            }
            told.insert((path.clone(), class));
            let mut names = path.trim_start_matches("types::").split("::");
            let (name, part) = (names.next().unwrap_or_default(), names.next());
            match (name, part) {
                ("Client", Some(operation)) => self.of_operation(operation, class, what),
                _ => self.of_item(name, path.clone(), class, what),
            }
        }
    }

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
        for (key, before) in &olds {
            let Some(after) = news.get(key) else {
                self.of_operation(name, Breaking, format!("parameter {key} removed"));
                continue;
            };
            let (was, is) = (parameter(before), parameter(after));
            if was != is {
                let what = format!("parameter {key} changed: {}", change_of(&was, &is));
                self.of_operation(name, Breaking, what);
            }
            self.constraints(
                &before["schema"],
                &after["schema"],
                false,
                &|it, class, what| {
                    it.of_operation(name, class, format!("parameter {key}: {what}"));
                },
            );
            self.deprecation(before, after, |it, what| {
                it.of_operation(name, Compatible, format!("parameter {key} {what}"));
            });
            if before["description"] != after["description"] {
                self.of_operation(name, Compatible, DOCUMENTATION.to_owned());
            }
        }
        for key in news.keys().filter(|key| !olds.contains_key(*key)) {
            // It is one more argument of the method, whether or not the service demands it.
            self.of_operation(name, Breaking, format!("parameter {key} added"));
        }
        let body = |it: &Value| outline(&it["requestBody"]["content"]);
        let mut parts = vec![("request body".to_owned(), body(old), body(new))];
        let (olds, news) = (responses(old), responses(new));
        let statuses: BTreeSet<_> = olds.keys().chain(news.keys()).collect();
        for status in statuses {
            let of = |side: &BTreeMap<String, Value>| side.get(status).cloned().unwrap_or_default();
            parts.push((format!("{status} response"), of(&olds), of(&news)));
        }
        for (what, old, new) in parts {
            if old != new {
                let what = format!("{what} changed: {}", change_of(&old, &new));
                self.of_operation(name, Breaking, what);
            }
        }
        if old["security"] != new["security"] {
            self.of_operation(name, Breaking, "authentication changed".to_owned());
        }
        self.deprecation(old, new, |it, what| it.of_operation(name, Compatible, what));
        let prose = |it: &Value| (it["summary"].clone(), it["description"].clone());
        if prose(old) != prose(new) {
            self.of_operation(name, Compatible, DOCUMENTATION.to_owned());
        }
    }

    fn headers(&mut self) {
        let (old, new) = (self.old, self.new);
        // That an operation came or went holds for its parts.
        let stays =
            |it: &String| old.operations.contains_key(it) && new.operations.contains_key(it);
        for (what, operations) in headers::changes(&old.headers, &new.headers) {
            let operations: Vec<_> = operations.into_iter().filter(|it| stays(it)).collect();
            if !operations.is_empty() {
                self.changes.insert(Change {
                    operations,
                    class: Compatible,
                    item: "Client".to_owned(),
                    what,
                });
            }
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
        let item = match part {
            Some(part) => format!("{name}::{part}"),
            None => name.to_owned(),
        };
        let at_root = self.new.at_root.contains(name) || self.old.at_root.contains(name);
        let item = if at_root {
            item
        } else {
            format!("types::{item}")
        };
        // A name that is a word of Rust's, or taken, has something after it.
        let known =
            |it: &String| self.old.surface.contains_key(it) || self.new.surface.contains_key(it);
        let other = format!("{item}_");
        let item = if !known(&item) && known(&other) {
            other
        } else {
            item
        };
        self.of_item(name, item, class, what);
    }

    /// A change of an item that belongs to a component.
    fn of_item(&mut self, component: &str, item: String, class: Class, what: String) {
        // A type that has no component is named after the one that it is a part of.
        let users = |side: &Side| {
            let owners = side
                .used_by
                .iter()
                .filter(|it| component.starts_with(it.0.as_str()));
            let closest = owners.max_by_key(|(name, _)| name.len());
            closest.map(|(_, users)| users.clone()).unwrap_or_default()
        };
        self.changes.insert(Change {
            operations: users(self.old).union(&users(self.new)).cloned().collect(),
            class,
            item,
            what,
        });
    }

    /// What it does to callers that a type has one more value or member.
    fn growth(&self, name: &str) -> Class {
        if self.old.open.contains(name) {
            Compatible
        } else {
            Breaking
        }
    }

    fn deprecation(&mut self, old: &Value, new: &Value, tell: impl Fn(&mut Self, String)) {
        match (old["deprecated"] == true, new["deprecated"] == true) {
            (false, true) => tell(self, "is now deprecated".to_owned()),
            (true, false) => tell(self, "is no longer deprecated".to_owned()),
            _ => {}
        }
    }

    fn component(&mut self, name: &str, old: &Value, new: &Value) {
        let sent = self.old.sent.contains(name) || self.new.sent.contains(name);
        self.values(name, old, new);
        self.members(name, old, new);
        // What is sent is there, or is an `Option`; in what arrives everything may be absent.
        let required = |schema: &Value, field: &str| {
            let names = schema["required"].as_array().into_iter().flatten();
            let nullable = schema["properties"][field]["nullable"] == true;
            sent && !nullable && names.into_iter().any(|it| it == field)
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
                self.constraints(schema, now, true, &|it, class, what| {
                    it.of_type(name, Some(&part), class, what);
                });
            }
            self.deprecation(schema, now, |it, what| {
                it.of_type(name, Some(&part), Compatible, what);
            });
            if schema["description"] != now["description"] {
                self.of_type(name, Some(&part), Compatible, DOCUMENTATION.to_owned());
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
        if sent {
            self.constraints(old, new, false, &|it, class, what| {
                it.of_type(name, None, class, what);
            });
        }
        let (before, after) = (shape(old), shape(new));
        if before != after {
            let what = format!("type changed: {}", change_of(&before, &after));
            self.of_type(name, None, Breaking, what);
        }
        if old["description"] != new["description"] {
            self.of_type(name, None, Compatible, DOCUMENTATION.to_owned());
        }
    }

    fn variant(&self, name: &str, value: &str) -> String {
        let open = self.old.open.contains(name) || self.new.open.contains(name);
        lower::variant_name(value, open)
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
            let part = self.variant(name, value);
            let what = format!("value {value} removed");
            self.of_type(name, Some(&part), Breaking, what);
        }
        for value in news.difference(&olds) {
            let part = self.variant(name, value);
            let what = format!("value {value} added");
            self.of_type(name, Some(&part), self.growth(name), what);
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
            let part = self.variant(name, value);
            match news.get(value) {
                None => {
                    let what = format!("member {value} removed");
                    self.of_type(name, Some(&part), Breaking, what);
                }
                Some(now) if now != target => {
                    let what = format!("member changed: {}", change_of(target, now));
                    self.of_type(name, Some(&part), Breaking, what);
                }
                Some(_) => {}
            }
        }
        for value in news.keys().filter(|value| !olds.contains_key(*value)) {
            let part = self.variant(name, value);
            let what = format!("member {value} added");
            self.of_type(name, Some(&part), self.growth(name), what);
        }
    }

    /// What else the service may refuse in what is sent: nothing here checks it before. Looks into lists and maps.
    fn constraints(
        &mut self,
        old: &Value,
        new: &Value,
        ranges: bool,
        tell: &dyn Fn(&mut Self, Class, String),
    ) {
        // Where whole numbers have a range, it is told as one.
        let ranges = ranges && lower::range(old) != lower::range(new);
        for key in lower::BOUNDS.into_iter().chain(["format", "pattern"]) {
            let (before, after) = (&old[key], &new[key]);
            let told = ranges && key.to_lowercase().ends_with("imum");
            if before == after || told || lower::is_kept(before) || lower::is_kept(after) {
                continue;
            }
            let wider = match (before.as_f64(), after.as_f64()) {
                (Some(before), Some(after)) if key.starts_with("max") => before < after,
                (Some(before), Some(after)) if key.starts_with("min") => before > after,
                _ => after.is_null() || after == false,
            };
            let class = if wider { Compatible } else { Breaking };
            tell(
                self,
                class,
                format!("{key} changed: {}", change_of(before, after)),
            );
        }
        if old["default"] != new["default"] {
            let what = format!(
                "default changed: {}",
                change_of(&old["default"], &new["default"])
            );
            tell(self, Compatible, what);
        }
        for key in ["items", "additionalProperties"] {
            if let (Some(old), Some(new)) = (old.get(key), new.get(key)) {
                self.constraints(old, new, false, &|it, class, what| {
                    tell(it, class, format!("in its {key} {what}"));
                });
            }
        }
    }

    /// The range of a number that is sent.
    fn range(&mut self, name: &str, field: &str, old: &Value, new: &Value) {
        let (before, after) = (lower::range(old), lower::range(new));
        if before == after {
            return;
        }
        let within = |(low, high), outer: (Option<i64>, Option<i64>)| {
            let above = outer.0.is_none_or(|it| low >= it);
            above && outer.1.is_none_or(|it| high <= it)
        };
        // A range with two ends is a constant, which is missed when it goes.
        let class = match (before, after) {
            ((Some(low), Some(high)), (Some(_), Some(_))) if within((low, high), after) => {
                Compatible
            }
            _ => Breaking,
        };
        let shown = |range| match range {
            (None, None) => "any".to_owned(),
            (Some(low), None) => format!("{low} or more"),
            (None, Some(high)) => format!("{high} or less"),
            (Some(low), Some(high)) => format!("{low}..={high}"),
        };
        let mut what = format!("range changed: {} to {}", shown(before), shown(after));
        // A range with two ends is a constant.
        let constant = |range| matches!(range, (Some(_), Some(_)));
        if constant(before) || constant(after) {
            let (module, name) = (name.to_snake_case(), field.to_shouty_snake_case());
            let _ = write!(what, " (limits::{module}::{name})");
        }
        self.of_type(name, Some(&field.to_snake_case()), class, what);
    }
}
