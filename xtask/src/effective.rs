//! The effective description: the published one with our overlay applied, operations and components named.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail, ensure};
use heck::ToSnakeCase as _;
use roas_overlay::{
    apply::{Apply, ApplyErrorKind, ApplyOptions},
    v1_0::Overlay,
};
use serde_json::{Map, Value, json};

use crate::{
    json::{self, SCHEMAS},
    lower,
};

/// The mark of a property that an action adds to a schema, or of a header, so that one which the vendor has taken away is
/// not put back by an action that only meant to document it.
const ADDED: &str = "x-added";

/// Applies an overlay to a published description, and names what it has no names for.
///
/// # Errors
///
/// When either text does not parse; when an action of the overlay gives no reason, selects nothing, changes nothing, or
/// speaks of a property that is not there; when two things would end up with one name; or when a reference leads nowhere.
pub fn effective(upstream: &str, overlay: &str) -> Result<Value> {
    let mut document: Value =
        serde_json::from_str(upstream).context("cannot read the published description")?;
    let overlay: Overlay = serde_saphyr::from_str(overlay).context("cannot read the overlay")?;
    // The vendor's names are not ours: what has one after the overlay has been applied has it from there.
    for (_, _, operation) in json::operations_mut(&mut document) {
        operation.remove("operationId");
    }
    apply(&mut document, &overlay)?;
    name_operations(&mut document)?;
    rename(&mut document)?;
    if let Some((place, name)) = json::dangling(&document) {
        bail!("{place} refers to the schema {name}, which is not there");
    }
    Ok(document)
}

/// What works, and wants somebody's attention, a line each: operations that the vendor has added, and numbers whose range
/// is not checked because they may be fractions.
///
/// # Errors
///
/// When the description cannot be generated from.
pub fn notices(document: &Value) -> Result<Vec<String>> {
    let new = json::operations(document)
        .filter(|(_, _, operation)| operation.get("summary").is_none())
        .map(|(path, method, operation)| {
            format!(
                "{} {path} ({}) has no documentation of ours: add an action to spec/overlay.yaml",
                method.to_uppercase(),
                operation["operationId"].as_str().unwrap_or_default(),
            )
        });
    let mut notices: Vec<_> = new.collect();
    let types = lower::types(document)?;
    let named = json::schemas(&types);
    for name in lower::in_requests(&types) {
        for (field, schema) in named[&name]["properties"].as_object().into_iter().flatten() {
            let schema = json::resolve(&named, schema);
            let has_range = ["minimum", "maximum"]
                .iter()
                .any(|it| schema.get(it).is_some());
            if schema["type"] == "number" && has_range {
                notices.push(format!(
                    "{name}.{field} has a range that is not checked, as it may be a fraction: if it is an integer, say so in \
                     spec/overlay.yaml"
                ));
            }
        }
    }
    Ok(notices)
}

/// An operation that the overlay does not name is named after its method and path, so that a new one can be called at
/// once: `get_pcaps_quota` for `GET …/pcaps/quota`, `get_pcaps_by_pcap_id` for `GET …/pcaps/{pcap_id}`.
fn name_operations(document: &mut Value) -> Result<()> {
    let paths: Vec<Vec<String>> = document["paths"]
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .map(|path| path.split('/').skip(1).map(str::to_owned).collect())
        .collect();
    // What all paths begin with says nothing, except for its last word.
    let shared = match paths.split_first() {
        Some((first, others)) => first
            .iter()
            .enumerate()
            .take_while(|(at, segment)| others.iter().all(|path| path.get(*at) == Some(segment)))
            .count()
            .saturating_sub(1),
        None => 0,
    };
    let mut taken = BTreeMap::new();
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for method in json::METHODS {
            let Some(operation) = item.get_mut(method) else {
                continue;
            };
            if operation.get("operationId").is_none() {
                let words = path.split('/').skip(1 + shared).map(|segment| {
                    let parameter = segment.trim_start_matches('{').trim_end_matches('}');
                    let by = if parameter == segment { "" } else { "by " };
                    format!("{by}{parameter}").to_snake_case()
                });
                let words: Vec<_> = [method.to_owned()].into_iter().chain(words).collect();
                operation["operationId"] = words.join("_").into();
            }
            let id = operation["operationId"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let place = format!("{} {path}", method.to_uppercase());
            if let Some(other) = taken.insert(id.clone(), place.clone()) {
                bail!("{other} and {place} would both be named {id}: name one in the overlay");
            }
        }
    }
    Ok(())
}

/// Applies the overlay's actions one by one, so that each can be held to have done something. Those that cannot be
/// applied are told together: after an import there may be several.
fn apply(document: &mut Value, overlay: &Overlay) -> Result<()> {
    let mut wrong = Vec::new();
    for (index, action) in overlay.actions.iter().enumerate() {
        let one = Overlay {
            actions: vec![action.clone()],
            ..overlay.clone()
        };
        if let Err(error) = apply_one(document, &one) {
            let reason = action.description.as_deref().unwrap_or("no description");
            let place = format!("action {} on {}", index + 1, action.target);
            wrong.push(format!("{place} ({:?}) {error:#}", reason.trim()));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!(
        "the overlay does not fit what is published; change or remove these in spec/overlay.yaml:\n  {}",
        wrong.join("\n  ")
    )
}

fn apply_one(document: &mut Value, overlay: &Overlay) -> Result<()> {
    let action = &overlay.actions[0];
    ensure!(
        action
            .description
            .as_ref()
            .is_some_and(|it| !it.trim().is_empty()),
        "does not say why it is there"
    );
    let before = document.clone();
    overlay
        .apply(document, ApplyOptions::ErrorOnZeroMatch.into())
        .map_err(|error| match error.kind {
            ApplyErrorKind::ZeroMatch => anyhow!("is about something that is not there"),
            _ => anyhow!("cannot be applied: {error}"),
        })?;
    ensure!(*document != before, "changes nothing");
    check_added(&before, document, false)
}

/// A property or a header that an action adds says so, one that it only describes must be there. The keys of the value at
/// hand may be `names`, which are no keywords.
fn check_added(before: &Value, after: &mut Value, names: bool) -> Result<()> {
    let (before, after) = match (before, after) {
        (Value::Object(before), Value::Object(after)) => (before, after),
        (Value::Array(before), Value::Array(after)) => {
            let pairs = before.iter().zip(after);
            return pairs
                .into_iter()
                .try_for_each(|(before, after)| check_added(before, after, false));
        }
        _ => return Ok(()),
    };
    for (key, after) in after {
        let Some(before) = before.get(key) else {
            // All of it is added: marks inside of it say nothing more.
            json::visit_objects_mut(after, &mut |it| drop(it.remove(ADDED)));
            continue;
        };
        let kind = match key.as_str() {
            "properties" if !names => Some("property"),
            "headers" if !names => Some("header"),
            _ => None,
        };
        if let (Some(kind), Value::Object(before), Value::Object(after)) =
            (kind, before, &mut *after)
        {
            for (name, part) in after {
                let marked = part
                    .as_object_mut()
                    .and_then(|it| it.remove(ADDED))
                    .is_some();
                match (before.contains_key(name), marked) {
                    (false, false) => bail!(
                        "speaks of the {kind} {name}, which is not there: drop it from the action, or mark it \
                         `{ADDED}: true` to add it"
                    ),
                    (true, true) => bail!(
                        "adds the {kind} {name}, which is there by now: take the mark {ADDED} from it"
                    ),
                    _ => {}
                }
            }
        }
        check_added(before, after, kind.is_some())?;
    }
    Ok(())
}

/// Gives each schema that has an `x-name` that name: a component is renamed, with the references to it, and a schema
/// that was written in place becomes a component.
fn rename(document: &mut Value) -> Result<()> {
    let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    else {
        return Ok(());
    };
    let mut names = BTreeMap::new();
    let mut renamed = Map::new();
    for (name, mut schema) in std::mem::take(schemas) {
        let new = take_name(&mut schema)?.unwrap_or_else(|| name.clone());
        hoist(&mut schema, &mut renamed).with_context(|| format!("in component {name}"))?;
        insert(&mut renamed, &new, schema)?;
        names.insert(format!("{SCHEMAS}{name}"), format!("{SCHEMAS}{new}"));
    }
    *schemas = renamed;
    json::rewrite_references(document, &names);
    Ok(())
}

/// Moves every schema below this one that has an `x-name` into `components`, innermost first.
fn hoist(schema: &mut Value, components: &mut Map<String, Value>) -> Result<()> {
    let children: Vec<&mut Value> = match schema {
        Value::Object(map) => map.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => return Ok(()),
    };
    for child in children {
        hoist(child, components)?;
        if let Some(name) = take_name(child)? {
            let reference = json!({ "$ref": format!("{SCHEMAS}{name}") });
            insert(components, &name, std::mem::replace(child, reference))?;
        }
    }
    Ok(())
}

fn take_name(schema: &mut Value) -> Result<Option<String>> {
    match schema
        .as_object_mut()
        .and_then(|schema| schema.remove("x-name"))
    {
        None => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(other) => bail!("an x-name must be a string, not {other}"),
    }
}

fn insert(components: &mut Map<String, Value>, name: &str, schema: Value) -> Result<()> {
    let taken = components.insert(name.to_owned(), schema).is_some();
    ensure!(!taken, "two components would be named {name}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const UPSTREAM: &str = r##"{
        "info": {},
        "paths": {"/x": {"get": {"schema": {"$ref": "#/components/schemas/vendor_thing"}}}},
        "components": {"schemas": {
            "vendor_thing": {"type": "object", "properties": {"size": {"type": "number"}}},
            "other": {"discriminator": {"mapping": {"thing": "#/components/schemas/vendor_thing"}}}
        }}
    }"##;

    fn with(actions: &str) -> Result<Value> {
        effective(
            UPSTREAM,
            &format!("overlay: 1.0.0\ninfo: {{title: t, version: '1'}}\nactions:\n{actions}"),
        )
    }

    fn message(actions: &str) -> String {
        format!("{:#}", with(actions).unwrap_err())
    }

    #[test]
    fn updates_merge_and_renames_reach_every_reference() {
        let document = with(
            "- {target: $.components.schemas.vendor_thing, description: why, update: {x-name: Thing, properties: {size: {type: integer}}}}",
        )
        .unwrap();
        assert_eq!(
            document,
            json!({
                "info": {},
                "paths": {"/x": {"get": {"operationId": "get_x", "schema": {"$ref": "#/components/schemas/Thing"}}}},
                "components": {"schemas": {
                    "Thing": {"type": "object", "properties": {"size": {"type": "integer"}}},
                    "other": {"discriminator": {"mapping": {"thing": "#/components/schemas/Thing"}}}
                }}
            })
        );
    }

    #[test]
    fn an_action_needs_a_reason_a_match_and_an_effect() {
        let all = message(
            "- {target: $.info, update: {a: 1}}\n\
             - {target: $.nothing, description: the reason, update: {a: 1}}\n\
             - {target: $.components.schemas.vendor_thing, description: r, update: {type: object}}",
        );
        let lines: Vec<_> = all.lines().skip(1).map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "action 1 on $.info (\"no description\") does not say why it is there",
                "action 2 on $.nothing (\"the reason\") is about something that is not there",
                "action 3 on $.components.schemas.vendor_thing (\"r\") changes nothing",
            ]
        );
    }

    #[test]
    fn two_components_cannot_share_a_name() {
        let clash = message(
            "- {target: $.components.schemas.other, description: r, update: {x-name: vendor_thing}}",
        );
        assert!(clash.contains("vendor_thing"), "{clash}");
    }

    #[test]
    fn a_schema_in_place_becomes_a_component() {
        let action = "- {target: $.components.schemas.vendor_thing.properties.size, description: r, update: {x-name: Size}}";
        let document = with(action).unwrap();
        assert_eq!(
            document["components"]["schemas"]["Size"],
            json!({"type": "number"})
        );
        let reference = &document["components"]["schemas"]["vendor_thing"]["properties"]["size"];
        assert_eq!(*reference, json!({"$ref": "#/components/schemas/Size"}));
    }

    #[test]
    fn a_property_is_described_where_it_is_and_added_where_it_is_not() {
        let action = |property: &str| {
            format!(
                "- {{target: $.components.schemas.vendor_thing, description: r, update: {{properties: {{{property}}}}}}}"
            )
        };
        let gone = message(&action("weight: {description: d}"));
        assert!(
            gone.contains("action 1") && gone.contains("the property weight, which is not there"),
            "{gone}"
        );
        let added = with(&action("weight: {type: number, x-added: true}")).unwrap();
        let properties = &added["components"]["schemas"]["vendor_thing"]["properties"];
        assert_eq!(properties["weight"], json!({"type": "number"}));
        let there = message(&action("size: {description: d, x-added: true}"));
        assert!(
            there.contains("the property size, which is there by now"),
            "{there}"
        );
    }

    #[test]
    fn a_header_is_added_where_it_is_not() {
        let upstream = r#"{"paths": {"/a": {"get": {"responses": {"200": {
            "headers": {"Here": {"schema": {"properties": {"headers": {"type": "object"}}}}}}}}}}}"#;
        let with = |header: &str| {
            effective(
                upstream,
                &format!(
                    "overlay: 1.0.0\ninfo: {{title: t, version: '1'}}\nactions:\n\
                     - {{target: '$.paths[*][*].responses[*]', description: r, update: {{headers: {{{header}}}}}}}"
                ),
            )
        };
        let message = |header: &str| format!("{:#}", with(header).unwrap_err());
        let there = message("Here: {x-added: true, required: true}");
        assert!(
            there.contains("the header Here, which is there by now"),
            "{there}"
        );
        let gone = message("Gone: {required: true}");
        assert!(
            gone.contains("the header Gone, which is not there"),
            "{gone}"
        );
        let document = with("New: {x-added: true, required: true}").unwrap();
        let headers = &document["paths"]["/a"]["get"]["responses"]["200"]["headers"];
        assert_eq!(headers["New"], json!({"required": true}));
        // A property of that name is no headers.
        with("Here: {schema: {properties: {headers: {description: d}}}}").unwrap();
    }

    #[test]
    fn a_name_that_the_vendor_has_as_well_is_a_name() {
        let upstream = r#"{"paths": {"/a": {"get": {"operationId": "list_a"}}}}"#;
        let overlay = "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n- {target: \"$.paths['/a'].get\", description: r, update: {operationId: list_a}}";
        let document = effective(upstream, overlay).unwrap();
        assert_eq!(document["paths"]["/a"]["get"]["operationId"], "list_a");
    }

    #[test]
    fn marks_do_not_stay() {
        let action = "- {target: $.components.schemas.vendor_thing, description: r, update: {properties: \
                      {box: {x-added: true, type: object, properties: {lid: {x-added: true, type: string}}}}}}";
        assert!(!with(action).unwrap().to_string().contains(ADDED));
    }

    #[test]
    fn an_operation_without_a_name_gets_one_and_is_told_of() {
        let upstream = r#"{"paths": {
            "/a/{b}/c": {"get": {"operationId": "vendor-one"}, "post": {"operationId": "vendor-two"}},
            "/a/{b}/c/{c_id}": {"get": {}},
            "/a/{b}/c/{c_id}/more-of-it": {"put": {"operationId": "vendor-four"}}
        }}"#;
        let overlay = "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n- {target: \"$.paths['/a/{b}/c'].post\", description: r, update: {operationId: make_c, summary: s}}";
        let document = effective(upstream, overlay).unwrap();
        let names: Vec<_> = json::operations(&document)
            .map(|(_, _, operation)| operation["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "get_c",
                "make_c",
                "get_c_by_c_id",
                "put_c_by_c_id_more_of_it"
            ]
        );
        let notices = notices(&document).unwrap();
        assert_eq!(notices.len(), 3);
        assert!(
            notices[2]
                .starts_with("PUT /a/{b}/c/{c_id}/more-of-it (put_c_by_c_id_more_of_it) has no"),
            "{notices:?}"
        );
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_an_error() {
        let removed =
            message("- {target: $.components.schemas.vendor_thing, description: r, remove: true}");
        assert!(
            removed.contains("/paths/~1x/get/schema refers to the schema vendor_thing"),
            "{removed}"
        );
    }

    #[test]
    fn text_that_does_not_parse_is_an_error_with_a_place() {
        assert!(format!("{:#}", effective("{", "").unwrap_err()).contains("line 1"));
        assert!(message("- {target").contains("cannot read the overlay"));
    }
}
