//! The packet capture operations and what they need, out of a description of a thousand others.

use std::{cell::Cell, collections::BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use percent_encoding::percent_decode_str;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::json::{METHODS, SCHEMAS, escaped, operations, reachable, referenced};

/// The paths that are taken: this one and everything below it. A parameter may have any name.
const ROOT: &str = "/accounts/{account_id}/pcaps";

/// Keywords that are prose, or that lead out of the slice. An extension (`x-…`) is dropped as well.
const DROPPED: [&str; 8] = [
    "callbacks",
    "description",
    "example",
    "examples",
    "externalDocs",
    "links",
    "summary",
    "title",
];

/// Keywords whose value maps names to things: a name is never a keyword, a property may be called `description`.
const NAMES: [&str; 9] = [
    "content",
    "encoding",
    "headers",
    "mapping",
    "patternProperties",
    "properties",
    "responses",
    "scopes",
    "variables",
];

/// Keywords whose value is data, not description; the keys in `security` are names.
const DATA: [&str; 3] = ["default", "enum", "security"];

/// How many values the slice may hold. The real one has a few thousand; references that multiply have no end.
const MOST_VALUES: usize = 1_000_000;

/// How deep the slice may be. Its readers refuse a document that is deeper than 128.
const DEEPEST_VALUE: usize = 96;

/// How many references, one inside of what the other leads to, are followed where they stand.
const DEEPEST: usize = 32;

/// The slice of a published description.
///
/// # Errors
///
/// When it is not OpenAPI 3.0, has none of the paths, or refers to something that is not in it; with the place.
pub(super) fn slice(document: &Value) -> Result<Value> {
    match document["openapi"].as_str() {
        Some(version) if version.starts_with("3.0.") => {}
        Some(version) => bail!("it is OpenAPI {version}: only 3.0 can be imported"),
        None => bail!("it is not an OpenAPI description: it has no `openapi: 3.0.…`"),
    }
    let published = document["paths"]
        .as_object()
        .context("it has no paths: is it only a part of the description?")?;
    let slicer = Slicer {
        document,
        values: Cell::new(0),
        depth: Cell::new(0),
    };
    let mut paths = Map::new();
    for (path, item) in published.iter().filter(|(path, _)| is_ours(path)) {
        let item = slicer.path_item(item, &format!("/paths/{}", escaped(path)))?;
        paths.insert(path.clone(), item);
    }
    ensure!(
        !paths.is_empty(),
        "none of its {} paths is {ROOT} or below it",
        published.len()
    );
    let mut slice = json!({
        "openapi": document["openapi"],
        "info": { "title": document["info"]["title"], "version": document["info"]["version"] },
        "paths": paths,
        "components": {},
    });
    if document["servers"].is_array() {
        slice["servers"] = slicer.thing(&document["servers"], "/servers", &mut Vec::new())?;
    }
    slice["components"]["schemas"] = slicer.schemas(&slice)?;
    let schemes = slicer.security_schemes(&slice)?;
    if !schemes.is_empty() {
        slice["components"]["securitySchemes"] = Value::Object(schemes);
    }
    check(&slice)?;
    Ok(slice)
}

fn is_ours(path: &str) -> bool {
    let parameter = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
    let mut segments = path.split('/');
    ROOT.split('/').all(|ours| {
        segments
            .next()
            .is_some_and(|it| it == ours || (parameter(it) && parameter(ours)))
    })
}

struct Slicer<'a> {
    document: &'a Value,
    /// How many values have been taken.
    values: Cell<usize>,
    /// How deep the one at hand stands.
    depth: Cell<usize>,
}

impl Slicer<'_> {
    /// The operations of a path, each complete in itself: with the path's parameters and the document's security.
    fn path_item(&self, item: &Value, place: &str) -> Result<Value> {
        // What a path item refers to is a path item.
        let item = self.thing(item, place, &mut Vec::new())?;
        let Value::Object(mut item) = item else {
            bail!("{place} is not an object");
        };
        let shared = list(item.remove("parameters"), place)?;
        let has_servers = |it: &Map<String, Value>| it.contains_key("servers");
        ensure!(
            !has_servers(&item),
            "{place} has servers of its own, to which the client cannot follow"
        );
        for method in METHODS {
            let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) else {
                continue;
            };
            let place = format!("{place}/{method}");
            ensure!(
                !has_servers(operation),
                "{place} has servers of its own, to which the client cannot follow"
            );
            let own = list(operation.remove("parameters"), &place)?;
            let parameters = merged(&shared, &own);
            if !parameters.is_empty() {
                operation.insert("parameters".to_owned(), parameters.into());
            }
            if let Some(security) = self.document.get("security") {
                operation
                    .entry("security")
                    .or_insert_with(|| security.clone());
            }
        }
        Ok(Value::Object(item))
    }

    /// A description of something, without prose, its references to anything but a schema resolved.
    fn thing(&self, value: &Value, place: &str, trail: &mut Vec<String>) -> Result<Value> {
        self.values.set(self.values.get() + 1);
        ensure!(
            self.values.get() <= MOST_VALUES,
            "{place}: what the packet capture operations need has more than {MOST_VALUES} parts"
        );
        ensure!(
            self.depth.get() < DEEPEST_VALUE,
            "{place} is nested more than {DEEPEST_VALUE} levels deep"
        );
        self.depth.set(self.depth.get() + 1);
        let thing = self.thing_within(value, place, trail);
        self.depth.set(self.depth.get() - 1);
        thing
    }

    fn thing_within(&self, value: &Value, place: &str, trail: &mut Vec<String>) -> Result<Value> {
        match value {
            Value::Object(map) => match map.get("$ref") {
                Some(reference) => self.reference(reference, place, trail),
                None => self.object(map, place, trail),
            },
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items =
                    items.map(|(index, item)| self.thing(item, &format!("{place}/{index}"), trail));
                Ok(Value::Array(items.collect::<Result<_>>()?))
            }
            scalar => Ok(scalar.clone()),
        }
    }

    fn object(
        &self,
        map: &Map<String, Value>,
        place: &str,
        trail: &mut Vec<String>,
    ) -> Result<Value> {
        let mut result = Map::new();
        for (key, value) in map {
            let place = format!("{place}/{}", escaped(key));
            if DROPPED.contains(&key.as_str()) || key.starts_with("x-") {
                continue;
            }
            let value = if DATA.contains(&key.as_str()) {
                value.clone()
            } else if NAMES.contains(&key.as_str()) {
                self.named(key, value, &place, trail)?
            } else {
                let mut value = self.thing(value, &place, trail)?;
                // A set, which may come in another order the next time.
                if let ("required", Value::Array(names)) = (key.as_str(), &mut value) {
                    names.sort_by_key(Value::to_string);
                }
                value
            };
            result.insert(key.clone(), value);
        }
        spell_out_mapping(&mut result);
        Ok(Value::Object(result))
    }

    /// A map of names to things.
    fn named(
        &self,
        key: &str,
        value: &Value,
        place: &str,
        trail: &mut Vec<String>,
    ) -> Result<Value> {
        let Value::Object(map) = value else {
            bail!("{place} is not an object");
        };
        let mut result = Map::new();
        for (name, value) in map {
            // A property may be called so; among responses it is an extension.
            if key == "responses" && name.starts_with("x-") {
                continue;
            }
            let place = format!("{place}/{}", escaped(name));
            let mut value = self.thing(value, &place, trail)?;
            match (key, &mut value) {
                // OpenAPI demands a description of a response.
                ("responses", Value::Object(response)) => {
                    response.insert("description".to_owned(), "".into());
                }
                // A discriminator may name a schema without saying that it is one.
                ("mapping", Value::String(schema)) => {
                    let reference = if schema.contains(['/', '#']) {
                        schema.clone()
                    } else {
                        format!("{SCHEMAS}{schema}")
                    };
                    let name = self.component(&reference, &place)?.with_context(|| {
                        format!("{place} does not name a schema in components: {reference}")
                    })?;
                    *schema = format!("{SCHEMAS}{name}");
                }
                _ => {}
            }
            result.insert(name.clone(), value);
        }
        Ok(Value::Object(result))
    }

    /// A reference to a whole schema stays one; what any other leads to takes its place.
    fn reference(&self, reference: &Value, place: &str, trail: &mut Vec<String>) -> Result<Value> {
        let text = reference
            .as_str()
            .with_context(|| format!("{place}/$ref is not a string"))?;
        if let Some(name) = self.component(text, place)? {
            return Ok(json!({ "$ref": format!("{SCHEMAS}{name}") }));
        }
        let (pointer, target) = self.target(text, place)?;
        ensure!(
            !trail.iter().any(|it| it == text),
            "{place} refers to {text}, which refers back to itself"
        );
        ensure!(
            trail.len() < DEEPEST,
            "{place} refers to {text} at the end of a chain of {DEEPEST} references"
        );
        trail.push(text.to_owned());
        let resolved = self.thing(target, &pointer, trail)?;
        trail.pop();
        Ok(resolved)
    }

    /// The name of the component schema that a reference leads to, if it leads to a whole one.
    fn component(&self, reference: &str, place: &str) -> Result<Option<String>> {
        let (pointer, _) = self.target(reference, place)?;
        let prefix = &SCHEMAS[1..];
        let Some(name) = pointer.strip_prefix(prefix).filter(|it| !it.contains('/')) else {
            return Ok(None);
        };
        let allowed = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
        ensure!(
            name.chars().all(allowed),
            "{place} refers to {reference}: the name of a component has only letters, digits, dots, hyphens and underscores"
        );
        Ok(Some(name.to_owned()))
    }

    /// What a reference leads to, and the pointer to it.
    fn target(&self, reference: &str, place: &str) -> Result<(String, &Value)> {
        let pointer = reference.strip_prefix('#').with_context(|| {
            format!(
                "{place} refers to another file ({reference}): import one that holds everything"
            )
        })?;
        let pointer = percent_decode_str(pointer).decode_utf8_lossy().into_owned();
        let target = self.document.pointer(&pointer);
        let target =
            target.with_context(|| format!("{place} refers to {reference}, which is not there"))?;
        Ok((pointer, target))
    }

    /// Every schema that the slice needs.
    fn schemas(&self, slice: &Value) -> Result<Value> {
        let published = self.document.pointer("/components/schemas");
        let mut schemas = Map::new();
        loop {
            let needed = reachable(&schemas, [&slice["paths"], &Value::Object(schemas.clone())]);
            let missing: Vec<_> = needed
                .into_iter()
                .filter(|name| !schemas.contains_key(name))
                .collect();
            if missing.is_empty() {
                return Ok(Value::Object(schemas));
            }
            for name in missing {
                let place = format!("/components/schemas/{}", escaped(&name));
                let schema = published.and_then(|it| it.get(&name));
                let schema = schema.with_context(|| format!("{place} is not there"))?;
                let schema = self.thing(schema, &place, &mut Vec::new())?;
                schemas.insert(name, schema);
            }
        }
    }

    fn security_schemes(&self, slice: &Value) -> Result<Map<String, Value>> {
        let mut names = BTreeSet::new();
        for (_, _, operation) in operations(slice) {
            let requirements = operation["security"].as_array().into_iter().flatten();
            names.extend(
                requirements
                    .filter_map(Value::as_object)
                    .flat_map(Map::keys),
            );
        }
        let mut schemes = Map::new();
        for name in names {
            let place = format!("/components/securitySchemes/{}", escaped(name));
            let scheme = self.document.pointer(&place);
            let scheme = scheme.with_context(|| {
                format!("an operation needs the security scheme {name}, and {place} is not there")
            })?;
            schemes.insert(name.clone(), self.thing(scheme, &place, &mut Vec::new())?);
        }
        Ok(schemes)
    }
}

/// A discriminator that maps nothing means the names of the union's members, which are about to be changed.
fn spell_out_mapping(schema: &mut Map<String, Value>) {
    let members: Map<_, _> = ["anyOf", "oneOf"]
        .iter()
        .filter_map(|key| schema.get(*key)?.as_array())
        .flatten()
        .filter_map(|member| Some((referenced(member)?.to_owned(), member["$ref"].clone())))
        .collect();
    if let Some(Value::Object(discriminator)) = schema.get_mut("discriminator")
        && !members.is_empty()
    {
        discriminator
            .entry("mapping")
            .or_insert(Value::Object(members));
    }
}

/// The parameters of a path or an operation.
fn list(parameters: Option<Value>, place: &str) -> Result<Vec<Value>> {
    match parameters {
        None => Ok(Vec::new()),
        Some(Value::Array(parameters)) => Ok(parameters),
        Some(_) => bail!("{place}/parameters is not a list"),
    }
}

/// The parameters of a path and those of an operation, which win where both have one. In order: whether one is written
/// at the path or at the operation is no difference.
fn merged(shared: &[Value], own: &[Value]) -> Vec<Value> {
    let same =
        |one: &Value, other: &Value| one["name"] == other["name"] && one["in"] == other["in"];
    let shared = shared
        .iter()
        .filter(|it| !own.iter().any(|own| same(own, it)));
    let mut parameters: Vec<_> = shared.chain(own).cloned().collect();
    parameters.sort_by_key(|it| [it["in"].to_string(), it["name"].to_string()]);
    parameters
}

/// Says which part is not OpenAPI 3.0, in place of that some part is not.
fn check(slice: &Value) -> Result<()> {
    for (name, schema) in slice["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
    {
        openapiv3::Schema::deserialize(schema).with_context(|| {
            format!("/components/schemas/{name} is not a schema of OpenAPI 3.0")
        })?;
    }
    for (path, method, operation) in operations(slice) {
        ensure!(
            method != "trace",
            "/paths/{}/trace is an operation that the client cannot send",
            escaped(path)
        );
        openapiv3::Operation::deserialize(operation).with_context(|| {
            format!(
                "/paths/{}/{method} is not an operation of OpenAPI 3.0",
                escaped(path)
            )
        })?;
    }
    openapiv3::OpenAPI::deserialize(slice).context("it is not OpenAPI 3.0")?;
    Ok(())
}
