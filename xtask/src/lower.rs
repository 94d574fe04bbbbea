//! Workarounds for the generator's limits, made on a copy of the description that is never written.
//!
//! One function for each limit. None of them names a path or a type of the API at hand. What is wrong with the
//! *description* is mended in `spec/overlay.yaml` instead.
//!
//! Several rest on one rule: a response may lack any field, hold null in it, exceed any limit, and use any name in
//! place of a listed one. Nobody promised otherwise, and one odd entry must not cost the caller a whole list. So
//! generated types take everything that has the right shape; what a caller needs is checked by name above them.

mod parts;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use heck::ToPascalCase;
use serde_json::{Map, Value, json};

use crate::json::{
    METHODS, SCHEMAS, operations, reachable, resolve, rewrite_references, schemas,
    visit_objects_mut, visit_schema_mut, visit_schemas_mut,
};

/// What the generator is given, and what is emitted beside its output.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The description, within the generator's limits.
    pub document: Value,
    /// String types that keep values they do not know, by type name.
    pub open_enums: BTreeMap<String, OpenEnum>,
    /// Unions told apart by a field, by type name.
    pub unions: BTreeMap<String, Union>,
    /// Names of the strings that must not be shown.
    pub secrets: BTreeSet<String>,
}

/// A string type with known values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEnum {
    /// Documentation, may be empty.
    pub doc: String,
    /// The known values as they are on the wire.
    pub values: Vec<String>,
}

/// A union whose members are told apart by the value of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Union {
    /// Documentation, may be empty.
    pub doc: String,
    /// The name of the field.
    pub tag: String,
    /// Value of the field and type name of the member, in the description's order of values.
    pub members: BTreeMap<String, String>,
    /// Whether anything else is kept as it is (in responses) or refused (in requests).
    pub open: bool,
}

/// Lowers a description.
///
/// # Errors
///
/// When the description has a shape that the lowering does not know how to handle; the error names the place.
pub fn lower(description: &Value) -> Result<Lowered> {
    let mut document = types(description)?;
    let unions = tagged_unions(&mut document)?;
    let open_enums = open_enums(&mut document)?;
    keep_unknown_fields(&mut document);
    relax_responses(&mut document);
    drop_bounds(&mut document);
    drop_formats(&mut document);
    drop_defaults(&mut document);
    prune(&mut document);
    let secrets = secrets(&document);
    Ok(Lowered {
        document,
        open_enums,
        unions,
        secrets,
    })
}

/// The part of the lowering after which one component is one Rust type, with everything about it still there: what
/// [`crate::diff`] compares.
///
/// # Errors
///
/// As [`lower`].
pub fn types(description: &Value) -> Result<Value> {
    let mut document = description.clone();
    rust_names(&mut document)?;
    type_enums(&mut document);
    failures_by_class(&mut document)?;
    name_bodies(&mut document)?;
    parts::name_parts(&mut document)?;
    merge_all_of(&mut document)?;
    drop_scalar_enums(&mut document);
    inline_aliases(&mut document);
    prune(&mut document);
    Ok(document)
}

/// typify makes a type's name of any component's name (`MagicPcapCollectionThing` of `magic-pcap-collection_thing`); what
/// is emitted beside it must use the same.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/lib.rs#L692>.
fn rust_names(document: &mut Value) -> Result<()> {
    let mut renamed = Map::new();
    let mut names = BTreeMap::new();
    for (name, schema) in schemas(document) {
        let new = rust_name(&name);
        ensure!(
            renamed.insert(new.clone(), schema).is_none(),
            "two components would be named {new}: give one of them an x-name in the overlay"
        );
        names.insert(format!("{SCHEMAS}{name}"), format!("{SCHEMAS}{new}"));
    }
    document["components"]["schemas"] = Value::Object(renamed);
    rewrite_references(document, &names);
    Ok(())
}

/// A component's name as a type's.
pub(crate) fn rust_name(name: &str) -> String {
    let name = name.to_pascal_case();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("X{name}")
    } else {
        name
    }
}

/// typify refuses an enum of strings that does not say that it is one.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L1994-L2030>.
fn type_enums(document: &mut Value) {
    visit_schemas_mut(document, &mut |schema| {
        let values = schema.get("enum").and_then(Value::as_array);
        if values.is_some_and(|it| it.iter().all(|it| it.is_string() || it.is_null())) {
            schema.entry("type").or_insert_with(|| "string".into());
        }
    });
}

/// progenitor takes a `default` response for a success *and* a failure, and cannot type an operation whose success is
/// binary or empty and whose default is JSON. A default that stands beside a success can only be a failure.
///
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/method.rs#L940>.
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/method.rs#L978>.
fn failures_by_class(document: &mut Value) -> Result<()> {
    let paths = document["paths"]
        .as_object_mut()
        .context("the description has no paths")?;
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let Some(responses) = operation
                .get_mut("responses")
                .and_then(Value::as_object_mut)
            else {
                continue;
            };
            let Some(default) = responses.remove("default") else {
                continue;
            };
            ensure!(
                responses.keys().any(|status| status.starts_with('2')),
                "{method} {path} has a default response and no 2xx one: say in the overlay what a success is"
            );
            for class in ["4XX", "5XX"] {
                responses.entry(class).or_insert_with(|| default.clone());
            }
        }
    }
    Ok(())
}

/// progenitor gives a body that is described in place to typify as it is, past everything that is done to components
/// here. It is made one, named after its operation.
///
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/method.rs#L472>.
fn name_bodies(document: &mut Value) -> Result<()> {
    let mut named = schemas(document);
    for item in document["paths"]
        .as_object_mut()
        .into_iter()
        .flat_map(|it| it.values_mut())
    {
        for method in METHODS {
            let Some(operation) = item.get_mut(method) else {
                continue;
            };
            let name = operation["operationId"].as_str().unwrap_or(method);
            let name = name.to_pascal_case();
            if let Some(body) = operation.get_mut("requestBody") {
                name_body(body, &format!("{name}Request"), &mut named)?;
            }
            let responses = operation
                .get_mut("responses")
                .and_then(Value::as_object_mut);
            for (status, response) in responses.into_iter().flatten() {
                let kind = match status.as_str() {
                    // One default, twice.
                    "4XX" | "5XX" => "Failure".to_owned(),
                    "200" => "Response".to_owned(),
                    status => format!("Response{status}"),
                };
                name_body(response, &format!("{name}{kind}"), &mut named)?;
            }
        }
    }
    document["components"]["schemas"] = named.into();
    Ok(())
}

fn name_body(body: &mut Value, name: &str, named: &mut Map<String, Value>) -> Result<()> {
    let contents = body.get_mut("content").and_then(Value::as_object_mut);
    for content in contents.into_iter().flat_map(|it| it.values_mut()) {
        let Some(schema) = content.get_mut("schema") else {
            continue;
        };
        let has_parts = [
            "properties",
            "additionalProperties",
            "allOf",
            "anyOf",
            "oneOf",
            "items",
        ];
        if !has_parts.iter().any(|it| schema.get(it).is_some()) {
            continue;
        }
        let reference = json!({ "$ref": format!("{SCHEMAS}{name}") });
        let schema = std::mem::replace(schema, reference);
        let taken = named.insert(name.to_owned(), schema.clone());
        ensure!(
            taken.is_none_or(|it| it == schema),
            "a body in place would be named {name}, which exists: give it an x-name in the overlay"
        );
    }
    Ok(())
}

/// typify intersects the members of an `allOf` one schema keyword at a time, and gives up or makes a type without
/// values where a later member *refines* a property (an envelope's `result`). Here the last word on a property wins.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/merge.rs#L1095-L1118>.
fn merge_all_of(document: &mut Value) -> Result<()> {
    fn merged(schemas: &Map<String, Value>, schema: &Value, depth: usize) -> Result<Value> {
        ensure!(depth < 32, "an allOf refers to itself");
        let Some(members) = schema.get("allOf").and_then(Value::as_array) else {
            return Ok(schema.clone());
        };
        let mut result = json!({ "type": "object", "properties": {}, "required": [] });
        let mut own = schema.clone();
        own.as_object_mut()
            .into_iter()
            .for_each(|own| drop(own.remove("allOf")));
        for member in members.iter().chain([&own]) {
            let member = merged(schemas, resolve(schemas, member), depth + 1)?;
            for (key, value) in member.as_object().into_iter().flatten() {
                match (key.as_str(), value) {
                    ("properties", Value::Object(properties)) => {
                        for (name, property) in properties {
                            result["properties"][name] = property.clone();
                        }
                    }
                    ("required", Value::Array(names)) => {
                        let required = result["required"]
                            .as_array_mut()
                            .context("required is not a list")?;
                        required.extend(
                            names
                                .iter()
                                .filter(|name| !required.contains(name))
                                .cloned()
                                .collect::<Vec<_>>(),
                        );
                    }
                    _ => result[key] = value.clone(),
                }
            }
        }
        Ok(result)
    }
    let named = schemas(document);
    for (name, schema) in &named {
        // Only objects are merged: an `allOf` around a scalar is a reference with documentation beside it.
        let says = |member: &Value, keys: &[&str]| {
            let target = resolve(&named, member);
            keys.iter().any(|key| target.get(key).is_some())
        };
        let is_object = |member: &Value| {
            says(member, &["properties", "allOf"]) || resolve(&named, member)["type"] == "object"
        };
        let is_remark = |member: &Value| !says(member, &["anyOf", "enum", "not", "oneOf", "type"]);
        if let Some(members) = schema.get("allOf").and_then(Value::as_array)
            && members.iter().any(is_object)
            && members.iter().all(|it| is_object(it) || is_remark(it))
        {
            document["components"]["schemas"][name] =
                merged(&named, schema, 0).with_context(|| format!("in component {name}"))?;
        }
    }
    Ok(())
}

/// typify makes a new type of every named schema: a `ByteLimit` struct around an integer serves nobody. Named scalars,
/// lists and maps are put in place of the references to them, unless they have a pattern to be checked, are an enum, or hold
/// a secret.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/lib.rs#L769-L786>.
fn inline_aliases(document: &mut Value) {
    let named = schemas(document);
    let is_alias = |schema: &Value| {
        let is_simple = match schema["type"].as_str() {
            Some("string" | "integer" | "number" | "boolean" | "array") => true,
            Some("object") => ["properties", "allOf", "anyOf", "oneOf"]
                .iter()
                .all(|it| schema.get(it).is_none()),
            _ => false,
        };
        is_simple
            && schema.get("enum").is_none()
            && schema.get("pattern").is_none()
            && schema["format"] != "password"
    };
    let aliases: BTreeSet<_> = named
        .iter()
        .filter(|(_, schema)| is_alias(schema))
        .map(|(name, _)| name.as_str())
        .collect();
    // An alias may be a list of another alias: as often as there are aliases is often enough.
    for _ in 0..=aliases.len() {
        visit_objects_mut(document, &mut |object| {
            let target = object
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|it| it.strip_prefix(SCHEMAS));
            if let Some(target) = target.filter(|target| aliases.contains(target))
                && let Some(schema) = named[target].as_object()
            {
                *object = schema.clone();
            }
        });
    }
    // An `allOf` around an alias is the alias, with documentation beside it.
    visit_schemas_mut(document, &mut |schema| {
        if let Some([Value::Object(only)]) = schema
            .get("allOf")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            && !only.contains_key("$ref")
        {
            let mut only = only.clone();
            schema.remove("allOf");
            only.append(schema);
            *schema = only;
        }
    });
}

/// typify makes of an enum of numbers or booleans a type around one that refuses every other. What it may be is left to
/// its documentation.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L1957-L1965>.
fn drop_scalar_enums(document: &mut Value) {
    visit_schemas_mut(document, &mut |schema| {
        let ty = schema.get("type").and_then(Value::as_str);
        if matches!(ty, Some("boolean" | "integer" | "number")) {
            schema.remove("enum");
        }
    });
}

/// typify ignores `discriminator` and makes an untagged enum of a union of references, of which the first member that
/// decodes wins; with every field optional that is the first member, always. A union with a mapping is emitted by us.
///
/// Limit: <https://github.com/oxidecomputer/progenitor/blob/da76239296829cf58dd532729ce49274e9c1227f/progenitor-impl/src/to_schema.rs#L73-L96>.
fn tagged_unions(document: &mut Value) -> Result<BTreeMap<String, Union>> {
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
        for (value, target) in mapping {
            let member = target
                .as_str()
                .and_then(|target| target.strip_prefix(SCHEMAS));
            let member = member.filter(|member| named.contains_key(*member));
            let member = member.with_context(|| {
                format!("{name} maps {value} to {target}, which does not exist")
            })?;
            members.insert(value.clone(), member.to_owned());
            // The enum around the member holds the field: it is not in the member as well.
            let schema = &mut document["components"]["schemas"][member];
            if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
                properties.remove(tag);
            }
            if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
                required.retain(|field| field != tag);
            }
        }
        ensure!(
            !members.is_empty(),
            "the discriminator of {name} maps nothing"
        );
        unions.insert(
            name.clone(),
            Union {
                doc: doc(schema),
                tag: tag.to_owned(),
                members,
                open: open.contains(name),
            },
        );
    }
    Ok(unions)
}

/// typify's enums refuse a value that they do not know. An enum that a response may hold is emitted by us instead, as
/// one that keeps such a value.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L905>.
fn open_enums(document: &mut Value) -> Result<BTreeMap<String, OpenEnum>> {
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
fn keep_unknown_fields(document: &mut Value) {
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

/// typify makes a required field one without which nothing decodes, and a list one that null does not decode into.
/// It checks a string with a pattern. See the module's rule on responses.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/structs.rs#L135-L136>.
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/structs.rs#L357-L361>.
fn relax_responses(document: &mut Value) {
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
        visit_schema_mut(
            &mut document["components"]["schemas"][name],
            &mut |schema| {
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
            },
        );
    }
}

/// typify turns a minimum of 1 into `NonZeroU64`, ignores maxima, and wraps each bounded string in a type of its own.
/// Bounds would also refuse responses. They are emitted as constants instead ([`crate::emit`]), to be checked before a
/// request is made. A string with a pattern (an id that stands in a path) keeps its bounds.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L1101-L1102>.
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L875-L897>.
fn drop_bounds(document: &mut Value) {
    const BOUNDS: [&str; 10] = [
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
fn drop_formats(document: &mut Value) {
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
fn drop_defaults(document: &mut Value) {
    visit_schemas_mut(document, &mut |schema| drop(schema.remove("default")));
}

/// typify makes plain strings of secrets (`format: password`), and of what holds them types whose `Debug` shows them.
/// Named ones are replaced by a type that does not.
///
/// Limit: <https://github.com/oxidecomputer/typify/blob/03e51a2785d6f4dc1bbc1b949f9eb99fda5e91a1/typify-impl/src/convert.rs#L860-L873>.
fn secrets(document: &Value) -> BTreeSet<String> {
    let named = schemas(document).into_iter();
    named
        .filter(|(_, schema)| schema["format"] == "password")
        .map(|(name, _)| name)
        .collect()
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

/// Names of the components that a response can hold.
fn in_responses(document: &Value) -> BTreeSet<String> {
    reachable(
        &schemas(document),
        operations(document).map(|(_, _, operation)| &operation["responses"]),
    )
}

/// Names of the components that a request can hold.
pub(crate) fn in_requests(document: &Value) -> BTreeSet<String> {
    reachable(
        &schemas(document),
        operations(document).map(|(_, _, operation)| &operation["requestBody"]),
    )
}

/// The whole numbers that a schema allows, from and to: OpenAPI 3.0 says with a flag that a bound itself is not allowed.
pub(crate) fn range(schema: &Value) -> (Option<i64>, Option<i64>) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and in range"
    )]
    let bound = |key: &str| {
        let whole = |it: f64| (it.fract() == 0.0 && it.abs() < 9.0e15).then_some(it as i64);
        schema[key]
            .as_i64()
            .or_else(|| whole(schema[key].as_f64()?))
    };
    let excludes = |key: &str| i64::from(schema[key] == true);
    (
        bound("minimum").map(|it| it + excludes("exclusiveMinimum")),
        bound("maximum").map(|it| it - excludes("exclusiveMaximum")),
    )
}

/// The documentation of a schema.
pub(crate) fn doc(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The generator reads the lowered document through `openapiv3`.
///
/// # Errors
///
/// When it is not an OpenAPI 3.0 document.
pub fn openapi(document: &Value) -> Result<openapiv3::OpenAPI> {
    match document["openapi"].as_str() {
        Some(version) if version.starts_with("3.0.") => {}
        version => bail!("the description is OpenAPI {version:?}, not 3.0"),
    }
    // Through text: numbers and the order of keys are then those of a file, whatever features `serde_json` is built with.
    serde_json::from_str(&crate::json::canonical(document))
        .context("the lowered description is not OpenAPI 3.0")
}
