//! What the generated types say of themselves, against the description that they were made from.
//!
//! Both are brought to one form, [`Facts`]. [`RULES`] is the list of what may differ: each rule says, for the whole
//! description, what becomes of a fact in a type. What the rules make of the description must be what the types say, so
//! that a field, a type, a value or a format that was lost or added on either side fails, and so does a rule that there
//! is no more need for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use pcaps_api::{Capture, CaptureRequest, CaptureStatus, OwnershipStatus, System, types};
use serde_json::{Map, Value, json};
use syn::Item;
use xtask::{
    generate::GENERATED,
    json::{operations, reachable, referenced, schemas},
};

use crate::support::root;

/// Every generated type by its name, with the JSON Schema that is derived from it.
macro_rules! derived {
    ($($name:path),* $(,)?) => {
        BTreeMap::from([$({
            let name = stringify!($name).rsplit(':').next().unwrap().trim();
            (name, schemars::schema_for!($name).to_value())
        }),*])
    };
}

fn derived() -> BTreeMap<&'static str, Value> {
    derived![
        Capture,
        CaptureRequest,
        CaptureStatus,
        OwnershipStatus,
        System,
        types::CaptureEnvelope,
        types::CaptureListEnvelope,
        types::Failure,
        types::Filter,
        types::FullCapture,
        types::FullCaptureRequest,
        types::Identifier,
        types::Message,
        types::MessageSource,
        types::Ownership,
        types::OwnershipEnvelope,
        types::OwnershipListEnvelope,
        types::RegisterBucketRequest,
        types::ResultInfo,
        types::SimpleCapture,
        types::SimpleCaptureRequest,
        types::ValidateBucketRequest,
    ]
}

/// Types that stand for a schema within a component, and where that is.
const WITHIN: [(&str, &str); 1] = [("OwnershipStatus", "/Ownership/properties/status")];

/// What is said of a component: by place (`errors[]`, empty for the component itself) and subject (`type`), a value.
type Facts = BTreeMap<(String, String), String>;

/// A component that the rules are applied to.
struct Component<'a> {
    name: &'a str,
    in_request: bool,
    in_response: bool,
    description: &'a Description,
}

/// Makes of what the description says what a type is expected to say.
type Rule = fn(&mut Facts, &Component);

/// What may differ, and why.
const RULES: [(&str, Rule); 11] = [
    // `type` is held by `Capture` around a `FullCapture`: `lower::tagged_unions`.
    (
        "the discriminator is the union's, not its members'",
        |facts, component| {
            if let Some((tag, value)) = component.description.tag_of(component.name) {
                assert_eq!(
                    facts.get(&fact(&tag, "values")),
                    Some(&value),
                    "{}",
                    component.name
                );
                assert!(
                    facts.contains_key(&fact(&tag, "required")),
                    "{}",
                    component.name
                );
                facts.retain(|(place, _), _| *place != tag);
            }
        },
    ),
    // Nobody promised that a response has it: `lower::relax_responses`.
    ("nothing is required in a response", |facts, component| {
        if component.in_response && !component.in_request {
            facts.retain(|(_, subject), _| subject != "required");
        }
    }),
    // `Option` decodes from null, and from nothing.
    ("a field that may be absent may be null", |facts, _| {
        for place in fields(facts) {
            if !facts.contains_key(&fact(&place, "required")) {
                facts.insert(fact(&place, "nullable"), "true".into());
            }
        }
    }),
    // A value that the vendor adds must not cost the caller the response: `lower::open_enums`.
    (
        "an enum that a response may hold takes any text",
        |facts, component| {
            let values: Vec<_> = facts
                .keys()
                .filter(|(_, subject)| subject == "values")
                .cloned()
                .collect();
            for (place, _) in values {
                if component.in_response && facts[&fact(&place, "type")] == "string" {
                    facts.insert(fact(&place, "open"), "true".into());
                }
            }
        },
    ),
    // An enum of booleans has no type in Rust, and a failure that says that it is a success is read all the same.
    (
        "the success of a failure is any boolean",
        |facts, component| {
            if component.name == "Failure" {
                facts.remove(&fact("success", "values"));
            }
        },
    ),
    // They are in `pcaps_api::limits`, to be checked before a request is made: `lower::drop_bounds`. What has a pattern
    // is a type that checks itself, and keeps them.
    ("bounds are constants, not a part of types", |facts, _| {
        if !facts.contains_key(&fact("", "pattern")) {
            facts.retain(|(_, it), _| it == "pattern" || !BOUNDS.contains(&it.as_str()));
        }
    }),
    // An empty string is no timestamp, and is sent in place of one: `lower::drop_timestamps`.
    ("timestamps are text", |facts, _| {
        facts.retain(|(_, subject), value| subject != "format" || value != "date-time");
    }),
    // The description gives no size.
    ("integers have 64 bits", |facts, _| {
        let integers: Vec<_> = facts
            .iter()
            .filter(|((_, subject), it)| subject == "type" && *it == "integer")
            .map(|((place, _), _)| place.clone())
            .collect();
        for place in integers {
            facts.insert(fact(&place, "format"), "int64".into());
        }
    }),
    // JSON Schema's objects are open. Those in responses keep what they do not know in `extra`, and say so.
    (
        "objects in responses have other fields",
        |facts, component| {
            if component.in_response
                && facts
                    .get(&fact("", "type"))
                    .is_some_and(|it| it == "object")
            {
                facts.insert(fact("", "additional"), "true".into());
            }
        },
    ),
    // As `Capture::Other`.
    (
        "unions in responses take anything else",
        |facts, component| {
            if component.in_response && facts.contains_key(&fact("", "tag")) {
                facts.insert(fact("", "open"), "true".into());
            }
        },
    ),
    // As `Entry::Other`: one odd entry must not cost the caller the list. A union takes it by itself.
    (
        "lists of objects in responses take anything else",
        |facts, component| {
            let lists: Vec<_> = facts
                .iter()
                .filter(|((place, subject), _)| place.ends_with("[]") && subject == "ref")
                .map(|((place, _), name)| (place.clone(), name.clone()))
                .collect();
            for (place, name) in lists {
                if component.in_response
                    && component.description.schemas[&name]
                        .get("discriminator")
                        .is_none()
                {
                    facts.insert(fact(&place, "odd"), "true".into());
                }
            }
        },
    ),
];

const BOUNDS: [&str; 6] = [
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "pattern",
    "uniqueItems",
];

/// What is compared as it is written.
const KEPT: [&str; 2] = ["default", "format"];

fn fact(place: &str, subject: &str) -> (String, String) {
    (place.to_owned(), subject.to_owned())
}

/// The places that are fields, not entries of lists or the component itself.
fn fields(facts: &Facts) -> BTreeSet<String> {
    let places = facts.keys().map(|(place, _)| place.clone());
    places
        .filter(|place| !place.is_empty() && !place.ends_with("[]") && !place.starts_with('='))
        .collect()
}

/// The description's components.
struct Description {
    schemas: Map<String, Value>,
    /// Names of the components that have a type.
    types: BTreeSet<String>,
}

impl Description {
    /// Adds what a schema says.
    fn read(&self, schema: &Value, place: &str, facts: &mut Facts) {
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
                    old.extend(new.clone())
                }
                _ => drop(into.insert(key.clone(), value.clone())),
            }
        }
    }

    /// If a component is a member of a union: the field that tells members apart, and this one's value in it.
    fn tag_of(&self, name: &str) -> Option<(String, String)> {
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
    fn read_derived(&self, whole: &Value, schema: &Value, place: &str, facts: &mut Facts) {
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

/// Names of the public types in the generated files.
fn generated() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in ["open.rs", "types.rs"] {
        let text = fs::read_to_string(root().join(GENERATED).join(file)).unwrap();
        for item in syn::parse_file(&text).unwrap().items {
            match item {
                Item::Struct(it) => drop(names.insert(it.ident.to_string())),
                Item::Enum(it) => drop(names.insert(it.ident.to_string())),
                _ => {}
            }
        }
    }
    names
}

#[test]
fn types_say_of_themselves_what_the_description_says_of_them() {
    let text = fs::read_to_string(root().join("spec/pcaps.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let derived = derived();
    for name in generated() {
        assert!(
            derived.contains_key(name.as_str()),
            "{name} is generated and not compared: add it to `derived!` in tests/suite/schemas.rs"
        );
    }
    let schemas = schemas(&document);
    let used = |part: &str| reachable(&schemas, operations(&document).map(|(_, _, it)| &it[part]));
    let (requests, responses) = (used("requestBody"), used("responses"));
    let types = schemas
        .keys()
        .filter(|name| derived.contains_key(name.as_str()));
    let description = Description {
        types: types.cloned().collect(),
        schemas: schemas.clone(),
    };

    let mut idle: BTreeSet<_> = RULES.iter().map(|(name, _)| *name).collect();
    let mut differences = Vec::new();
    for (name, schema) in &derived {
        let within = WITHIN
            .iter()
            .find(|(it, _)| it == name)
            .map(|(_, place)| *place);
        let place = within.map_or(format!("/{name}"), str::to_owned);
        let of = place.split('/').nth(1).unwrap();
        let all = Value::Object(schemas.clone());
        let described = all.pointer(&place).unwrap_or_else(|| {
            panic!("{name} is not in the description: say in WITHIN where it is")
        });
        let mut expected = Facts::new();
        description.read(described, "", &mut expected);
        let component = Component {
            name,
            in_request: requests.contains(of),
            in_response: responses.contains(of),
            description: &description,
        };
        for (rule, apply) in RULES {
            let before = expected.clone();
            apply(&mut expected, &component);
            if before != expected {
                idle.remove(rule);
            }
        }
        let mut found = Facts::new();
        description.read_derived(schema, schema, "", &mut found);
        for key in expected.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
            let (expected, found) = (expected.get(key), found.get(key));
            if expected != found {
                let (place, subject) = key;
                let or_nothing =
                    |it: Option<&String>| it.map_or("nothing".to_owned(), |it| format!("{it:?}"));
                differences.push(format!(
                    "{name}.{place}: {subject} should be {}, is {}",
                    or_nothing(expected),
                    or_nothing(found)
                ));
            }
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    assert!(
        idle.is_empty(),
        "rules that nothing needs any more: {idle:?}"
    );
}
