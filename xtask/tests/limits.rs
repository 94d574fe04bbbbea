//! The generator's limits, as it has them: each test gives the generator what one function of the lowering would have
//! taken away, and fails when the limit is gone, so that the function can go as well.

use std::panic::{self, AssertUnwindSafe};

use progenitor::{GenerationSettings, Generator, InterfaceStyle};
use serde_json::{Value, json};

/// A description with these components and one operation, which answers with the first of them under `application/json`.
fn description(components: &Value) -> Value {
    let first = components.as_object().unwrap().keys().next().unwrap();
    json!({
        "openapi": "3.0.3",
        "info": { "title": "A", "version": "1" },
        "paths": { "/a": { "get": {
            "operationId": "get_a",
            "responses": { "200": { "description": "", "content": { "application/json": {
                "schema": { "$ref": format!("#/components/schemas/{first}") },
            } } } },
        } } },
        "components": { "schemas": components },
    })
}

/// What the generator makes of a description, without its layout; nothing when it refuses it, or panics.
fn generated(description: &Value) -> Option<String> {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_replacement("vendor-thing", "ours::Thing", std::iter::empty())
        .with_replacement("Replaced", "ours::Replaced", std::iter::empty());
    let document = serde_json::from_value(description.clone()).unwrap();
    let generate = || Generator::new(&settings).generate_tokens(&document);
    let tokens = panic::catch_unwind(AssertUnwindSafe(generate)).ok()?.ok()?;
    let text = prettyplease::unparse(&syn::parse2(tokens).unwrap());
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What the generator makes of components.
fn of(components: &Value) -> String {
    generated(&description(components)).expect("the generator refuses this by now")
}

/// The definition of a type: from its name to the next item.
fn definition<'a>(text: &'a str, head: &str) -> &'a str {
    let at = text
        .find(head)
        .unwrap_or_else(|| panic!("no {head} in: {text}"));
    let rest = &text[at..];
    let end = rest.find("} impl").or_else(|| rest.find("} /// `"));
    &rest[..end.unwrap_or(rest.len())]
}

/// Fails when a limit is gone.
#[track_caller]
fn still(limit: bool, function: &str, seen: &str) {
    assert!(
        limit,
        "the limit is gone: `lower::{function}` can be deleted, or serves something else by now. Seen: {seen}"
    );
}

#[test]
fn a_type_cannot_be_replaced_by_the_name_of_its_component() {
    let text = of(&json!({ "vendor-thing": { "type": "string", "enum": ["a"] } }));
    still(!text.contains("ours::Thing"), "rust_names", &text);
    assert!(text.contains("pub enum VendorThing"), "{text}");
}

#[test]
fn a_default_response_is_a_success_as_well() {
    let mut it = description(
        &json!({ "A": { "type": "object", "properties": { "b": { "type": "string" } } } }),
    );
    let responses = &mut it["paths"]["/a"]["get"]["responses"];
    responses["default"] = responses["200"].take();
    responses["200"] = json!({ "description": "", "content": { "application/octet-stream": {
        "schema": { "type": "string", "format": "binary" },
    } } });
    let text = generated(&it);
    still(
        text.is_none(),
        "failures_by_class",
        &text.unwrap_or_default(),
    );
    // With classes it is no trouble.
    let responses = &mut it["paths"]["/a"]["get"]["responses"];
    responses["4XX"] = responses["default"].take();
    responses.as_object_mut().unwrap().remove("default");
    assert!(generated(&it).is_some());
}

#[test]
fn json_without_a_schema_is_nothing() {
    let mut it = description(&json!({ "A": { "type": "string", "enum": ["a"] } }));
    let content = &mut it["paths"]["/a"]["get"]["responses"]["200"]["content"];
    content["application/json"] = json!({});
    let text = generated(&it);
    still(
        text.is_none(),
        "any_without_schema",
        &text.unwrap_or_default(),
    );
}

#[test]
fn failures_are_of_one_type() {
    let mut it = description(&json!({
        "A": { "type": "object", "properties": { "b": { "type": "string" } } },
        "B": { "type": "object", "properties": { "c": { "type": "string" } } },
    }));
    let responses = &mut it["paths"]["/a"]["get"]["responses"];
    responses["400"] = responses["200"].clone();
    let mut other = responses["200"].clone();
    other["content"]["application/json"]["schema"] = json!({ "$ref": "#/components/schemas/B" });
    for other in [other, json!({ "description": "" })] {
        it["paths"]["/a"]["get"]["responses"]["404"] = other;
        let text = generated(&it);
        still(
            text.is_none(),
            "one_type_of_failure",
            &text.unwrap_or_default(),
        );
    }
}

#[test]
fn a_class_comes_before_what_is_in_it() {
    let mut it = description(
        &json!({ "A": { "type": "object", "properties": { "b": { "type": "string" } } } }),
    );
    let responses = &mut it["paths"]["/a"]["get"]["responses"];
    responses["404"] = responses["200"].clone();
    responses["4XX"] = responses["200"].clone();
    let text = generated(&it).unwrap();
    let unreachable = text.find("400u16..=499u16 =>") < text.find("404u16 =>");
    still(unreachable, "one_type_of_failure", &text);
}

#[test]
fn a_body_in_place_is_no_component() {
    let mut it = description(&json!({ "B": { "type": "string", "enum": ["a"] } }));
    it["paths"]["/a"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] =
        json!({ "type": "object", "properties": { "b": { "$ref": "#/components/schemas/B" } } });
    let text = generated(&it).unwrap();
    // It has a type, which nothing in the document stands for.
    still(
        text.contains("pub struct GetAResponse"),
        "name_bodies",
        &text,
    );
}

#[test]
fn a_member_of_an_all_of_that_refines_a_property_makes_no_sense() {
    let it = description(&json!({
        "A": { "allOf": [{ "$ref": "#/components/schemas/Success" }, { "$ref": "#/components/schemas/Failure" }] },
        "Failure": { "type": "object", "required": ["ok"], "properties": { "ok": { "type": "boolean", "enum": [false] } } },
        "Success": { "type": "object", "required": ["ok"], "properties": { "ok": { "type": "boolean", "enum": [true] } } },
    }));
    let text = generated(&it).unwrap_or_default();
    let sense = text.contains("pub struct A {") && text.contains("pub ok:");
    still(!sense, "merge_all_of", &text);
}

#[test]
fn every_named_scalar_is_a_type() {
    let text = of(&json!({
        "A": { "type": "object", "properties": { "size": { "$ref": "#/components/schemas/Size" } } },
        "Size": { "type": "integer" },
    }));
    still(
        text.contains("pub struct Size(pub i64)"),
        "inline_aliases",
        &text,
    );
}

#[test]
fn a_discriminator_is_not_looked_at() {
    let text = of(&json!({
        "A": {
            "oneOf": [{ "$ref": "#/components/schemas/B" }, { "$ref": "#/components/schemas/C" }],
            "discriminator": { "propertyName": "kind", "mapping": {
                "b": "#/components/schemas/B", "c": "#/components/schemas/C",
            } },
        },
        "B": { "type": "object", "properties": { "kind": { "type": "string" } } },
        "C": { "type": "object", "properties": { "kind": { "type": "string" }, "d": { "type": "string" } } },
    }));
    still(
        text.contains("#[serde(untagged)] pub enum A {"),
        "tagged_unions",
        &text,
    );
}

#[test]
fn what_is_emitted_in_place_of_a_union_is_not_put_in_a_box() {
    let text = of(&json!({
        "A": { "type": "object", "properties": { "b": { "$ref": "#/components/schemas/Replaced" } } },
        "Replaced": { "anyOf": [{ "$ref": "#/components/schemas/A" }] },
    }));
    let fields = definition(&text, "pub struct A {");
    let held = fields.contains("pub b: ::std::option::Option<ours::Replaced>");
    still(held, "tagged_unions (`Union::recursive`)", fields);
}

#[test]
fn the_first_member_wins_where_nothing_tells_them_apart() {
    for key in ["oneOf", "anyOf"] {
        let text = of(&json!({
            "A": { key: [{ "$ref": "#/components/schemas/B" }, { "$ref": "#/components/schemas/C" }] },
            "B": { "type": "object", "properties": { "d": { "type": "string" } } },
            "C": { "type": "object", "properties": { "e": { "type": "string" } } },
        }));
        let untold = text.contains("#[serde(untagged)] pub enum A {")
            || definition(&text, "pub struct A {").contains("#[serde(flatten");
        still(untold, "untold_unions", &text);
    }
}

#[test]
fn an_enum_has_no_room_for_other_values() {
    let text = of(&json!({ "A": {
        "type": "string", "enum": ["b", "c"], "x-extensible-enum": ["b", "c"],
    } }));
    let variants = definition(&text, "pub enum A {");
    let closed = !variants.contains("untagged") && !variants.contains("String");
    still(closed, "open_enums", variants);
    // As the vendor's guide would have it: open by a second member. It becomes a struct of both.
    let text = of(
        &json!({ "A": { "anyOf": [{ "type": "string", "enum": ["b", "c"] }, { "type": "string" }] } }),
    );
    still(!text.contains("pub enum A {"), "open_enums", &text);
}

#[test]
fn unknown_fields_are_dropped() {
    let text =
        of(&json!({ "A": { "type": "object", "properties": { "b": { "type": "string" } } } }));
    let fields = definition(&text, "pub struct A {");
    still(!fields.contains("flatten"), "keep_unknown_fields", fields);
}

#[test]
fn what_is_required_must_be_there_and_a_list_is_not_null() {
    let text = of(&json!({ "A": {
        "type": "object", "required": ["b"],
        "properties": { "b": { "type": "string" }, "c": { "type": "array", "items": { "type": "string" } } },
    } }));
    let fields = definition(&text, "pub struct A {");
    still(
        fields.contains("pub b: ::std::string::String"),
        "relax_responses",
        fields,
    );
    still(
        fields.contains("pub c: ::std::vec::Vec<"),
        "relax_responses",
        fields,
    );
}

#[test]
fn what_may_be_null_is_two_types() {
    let text = of(&json!({ "A": {
        "type": "object", "nullable": true, "properties": { "b": { "type": "string" } },
    } }));
    still(
        text.contains("pub struct A(pub ::std::option::Option<AInner>)"),
        "null_in_place",
        &text,
    );
}

#[test]
fn bounds_make_types() {
    let text = of(&json!({ "A": { "type": "object", "properties": {
        "size": { "type": "integer", "minimum": 1, "maximum": 5 },
        "name": { "type": "string", "maxLength": 5 },
    } } }));
    let fields = definition(&text, "pub struct A {");
    still(fields.contains("NonZero"), "drop_bounds", fields);
    still(
        fields.contains("pub name: ::std::option::Option<AName>"),
        "drop_bounds",
        fields,
    );
}

#[test]
fn formats_make_types() {
    let text = of(&json!({ "A": { "type": "object", "properties": {
        "at": { "type": "string", "format": "date-time" },
        "id": { "type": "string", "format": "uuid" },
        "address": { "type": "string", "format": "ipv4" },
        "count": { "type": "integer", "format": "int32" },
    } } }));
    let fields = definition(&text, "pub struct A {");
    for ty in ["::chrono::DateTime<", "::uuid::Uuid", "::Ipv4Addr", "i32"] {
        still(fields.contains(ty), "drop_formats", fields);
    }
}

#[test]
fn a_password_is_shown() {
    let text = of(&json!({ "A": {
        "type": "object", "properties": { "b": { "type": "string", "format": "password" } },
    } }));
    let fields = definition(&text, "pub struct A {");
    let shown = fields.contains("pub b: ::std::option::Option<::std::string::String>");
    still(shown, "secrets", fields);
}

#[test]
fn what_is_written_in_place_is_no_component() {
    let text = of(&json!({ "A": { "type": "object", "properties": {
        "vendor-thing": { "type": "string", "format": "vendor-thing" },
        "part": { "type": "object", "properties": { "b": { "type": "string" } } },
    } } }));
    still(!text.contains("ours::Thing"), "parts::name_parts", &text);
    still(
        text.contains("pub struct APart {"),
        "parts::name_parts",
        &text,
    );
}

#[test]
fn an_enum_that_may_be_null_must_say_what_it_is_of() {
    let it = description(&json!({ "A": { "enum": ["b", "c"], "nullable": true } }));
    let text = generated(&it);
    still(text.is_none(), "type_enums", &text.unwrap_or_default());
}

#[test]
fn an_enum_of_numbers_is_closed() {
    let text = of(&json!({ "A": { "type": "integer", "enum": [1, 2] } }));
    still(
        text.contains("impl ::std::convert::TryFrom<i64> for A"),
        "drop_scalar_enums",
        &text,
    );
}

#[test]
fn a_default_is_never_absent() {
    let text = of(&json!({ "A": {
        "type": "object", "properties": { "b": { "type": "string", "default": "c" } },
    } }));
    let fields = definition(&text, "pub struct A {");
    still(
        fields.contains("pub b: ::std::string::String"),
        "drop_defaults",
        fields,
    );
}

#[test]
fn what_nothing_uses_is_a_type_all_the_same() {
    let text = of(&json!({
        "A": { "type": "string", "enum": ["a"] },
        "Unused": { "type": "object", "properties": { "b": { "type": "string" } } },
    }));
    still(text.contains("pub struct Unused"), "prune", &text);
}
