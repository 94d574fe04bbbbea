//! The effective description: the published one with our overlay applied and components renamed.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use roas_overlay::{
    apply::{Apply, ApplyOptions},
    v1_0::Overlay,
};
use serde_json::{Map, Value, json};

use crate::json::{self, SCHEMAS};

/// Applies an overlay to a published description and renames its components.
///
/// # Errors
///
/// When either text does not parse, an action of the overlay gives no reason, selects nothing or changes nothing, or
/// two components would end up with one name.
pub fn effective(upstream: &str, overlay: &str) -> Result<Value> {
    let mut document =
        serde_json::from_str(upstream).context("cannot read the published description")?;
    let overlay: Overlay = serde_saphyr::from_str(overlay).context("cannot read the overlay")?;
    apply(&mut document, &overlay)?;
    rename(&mut document)?;
    Ok(document)
}

/// Applies the overlay's actions one by one, so that each can be held to have done something.
fn apply(document: &mut Value, overlay: &Overlay) -> Result<()> {
    for (index, action) in overlay.actions.iter().enumerate() {
        let place = format!("overlay action {} (target {})", index + 1, action.target);
        let reason = action.description.as_deref().unwrap_or_default().trim();
        ensure!(
            !reason.is_empty(),
            "{place} has no description: say why it is there"
        );
        let before = document.clone();
        let one = Overlay {
            actions: vec![action.clone()],
            ..overlay.clone()
        };
        one.apply(document, ApplyOptions::ErrorOnZeroMatch.into())
            .with_context(|| format!("{place} cannot be applied; its reason was: {reason}"))?;
        ensure!(
            *document != before,
            "{place} changes nothing: remove it; its reason was: {reason}"
        );
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
                "paths": {"/x": {"get": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "components": {"schemas": {
                    "Thing": {"type": "object", "properties": {"size": {"type": "integer"}}},
                    "other": {"discriminator": {"mapping": {"thing": "#/components/schemas/Thing"}}}
                }}
            })
        );
    }

    #[test]
    fn an_action_needs_a_reason_a_match_and_an_effect() {
        assert!(
            message("- {target: $.paths, update: {a: 1}}")
                .contains("action 1 (target $.paths) has no description")
        );
        let nothing = message("- {target: $.nothing, description: the reason, update: {a: 1}}");
        assert!(
            nothing.contains("action 1 (target $.nothing)") && nothing.contains("the reason"),
            "{nothing}"
        );
        let idle = message(
            "- {target: $.components.schemas.vendor_thing, description: r, update: {type: object}}",
        );
        assert!(idle.contains("changes nothing"), "{idle}");
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
    fn text_that_does_not_parse_is_an_error_with_a_place() {
        assert!(format!("{:#}", effective("{", "").unwrap_err()).contains("line 1"));
        assert!(message("- {target").contains("cannot read the overlay"));
    }
}
