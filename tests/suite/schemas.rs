//! What the generated types say of themselves, against the description that they were made from.
//!
//! Both are brought to one form, [`Facts`]. [`RULES`] is the list of what may differ: each rule says, for the whole
//! description, what becomes of a fact in a type. What the rules make of the description must be what the types say, so
//! that a field, a type, a value or a format that was lost or added on either side fails, and so does a rule that there
//! is no more need for.

mod facts;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use pcaps_api::{Capture, CaptureRequest, CaptureStatus, OwnershipStatus, System, types};
use serde_json::Value;
use syn::Item;
use xtask::{
    generate::GENERATED,
    json::{operations, reachable, schemas},
};

use self::facts::{BOUNDS, Description, Facts, fact};
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

/// The places that are fields, not entries of lists or the component itself.
fn fields(facts: &Facts) -> BTreeSet<String> {
    let places = facts.keys().map(|(place, _)| place.clone());
    places
        .filter(|place| !place.is_empty() && !place.ends_with("[]") && !place.starts_with('='))
        .collect()
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
