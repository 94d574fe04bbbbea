//! Lowering and emitting, on a description made up for the purpose.

use serde_json::{Value, json};
use xtask::{
    emit::emit,
    lower::{Lowered, lower},
};

/// One of everything that is lowered.
fn shop() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Shop", "version": "7" },
        "paths": {
            "/pets/{id}": {
                "get": {
                    "operationId": "get_pet",
                    "parameters": [{ "in": "path", "name": "id", "required": true, "schema": { "$ref": "#/components/schemas/Id" } }],
                    "responses": {
                        "200": { "description": "", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/PetEnvelope" } } } },
                        "default": { "description": "", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Failure" } } } }
                    }
                },
                "put": {
                    "operationId": "feed_pet",
                    "parameters": [{ "in": "path", "name": "id", "required": true, "schema": { "$ref": "#/components/schemas/Id" } }],
                    "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Meal" } } } },
                    "responses": {
                        "204": { "description": "" },
                        "default": { "description": "", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Failure" } } } }
                    }
                }
            }
        },
        "components": { "schemas": {
            "Id": { "type": "string", "pattern": "^[a-z]{1,8}$" },
            "Grams": { "type": "integer", "minimum": 1, "maximum": 500, "description": "How much." },
            "Token": { "type": "string", "format": "password" },
            "Unused": { "type": "object", "properties": {} },
            "Envelope": { "type": "object", "required": ["ok", "result"], "properties": {
                "ok": { "type": "boolean" },
                "result": { "anyOf": [{ "type": "object" }, { "type": "string" }] }
            } },
            "PetEnvelope": { "allOf": [
                { "$ref": "#/components/schemas/Envelope" },
                { "type": "object", "properties": { "result": { "$ref": "#/components/schemas/Pet" } } }
            ] },
            "Failure": { "type": "object", "required": ["reason"], "properties": { "reason": { "type": "string", "minLength": 1 } } },
            "Pet": {
                "description": "A pet.",
                "anyOf": [{ "$ref": "#/components/schemas/Cat" }, { "$ref": "#/components/schemas/Dog" }],
                "discriminator": { "propertyName": "kind", "mapping": {
                    "cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"
                } }
            },
            "Cat": { "type": "object", "required": ["kind"], "properties": {
                "kind": { "type": "string", "enum": ["cat"] },
                "mood": { "type": "string", "enum": ["hungry", "fast-asleep"] },
                "born": { "type": "string", "format": "date-time" },
                "weight": { "$ref": "#/components/schemas/Grams" },
                "toys": { "type": "array", "items": { "$ref": "#/components/schemas/Toy" } },
                "names": { "type": "array", "items": { "type": "string" }, "uniqueItems": true }
            } },
            "Dog": { "type": "object", "required": ["kind"], "properties": { "kind": { "type": "string", "enum": ["dog"] } } },
            "Toy": { "type": "object", "properties": { "pin": { "type": "string", "format": "password" } } },
            "Meal": { "type": "object", "required": ["grams"], "properties": {
                "grams": { "$ref": "#/components/schemas/Grams" },
                "key": { "$ref": "#/components/schemas/Token" }
            } }
        } }
    })
}

fn lowered() -> Lowered {
    lower(&shop()).unwrap()
}

fn schema<'a>(lowered: &'a Lowered, name: &str) -> &'a Value {
    &lowered.document["components"]["schemas"][name]
}

fn module(name: &str) -> String {
    let modules = emit(&shop(), &lowered()).unwrap();
    modules
        .into_iter()
        .find(|(file, _)| file == name)
        .unwrap()
        .1
}

/// The text without its layout, so that a test does not depend on where lines break.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_default_response_is_a_failure() {
    let responses = &lowered().document["paths"]["/pets/{id}"]["put"]["responses"];
    let names: Vec<_> = responses.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["204", "4XX", "5XX"]);
    let mut lonely = shop();
    lonely["paths"]["/pets/{id}"]["put"]["responses"]
        .as_object_mut()
        .unwrap()
        .remove("204");
    let error = lower(&lonely).unwrap_err().to_string();
    assert!(
        error.contains("put /pets/{id}") && error.contains("overlay"),
        "{error}"
    );
}

#[test]
fn failures_are_of_one_type_and_successes_have_to_be() {
    let mut odd = shop();
    let responses = &mut odd["paths"]["/pets/{id}"]["get"]["responses"];
    let mut token = responses["200"].clone();
    token["content"]["application/json"]["schema"] =
        json!({ "$ref": "#/components/schemas/Token" });
    responses["404"] = json!({ "description": "" });
    responses["409"] = responses["default"].clone();
    let failures = |document: &Value| -> Vec<(String, Value)> {
        let lowered = lower(document).unwrap().document;
        let responses = lowered["paths"]["/pets/{id}"]["get"]["responses"].clone();
        let failures = responses.as_object().unwrap().iter();
        let failures = failures.filter(|it| !it.0.starts_with('2'));
        let schema = |it: &Value| it["content"]["application/json"]["schema"].clone();
        failures
            .map(|(status, it)| (status.clone(), schema(it)))
            .collect()
    };
    let failure = json!({ "$ref": "#/components/schemas/Failure" });
    let expected = ["4XX", "5XX"].map(|it| (it.to_owned(), failure.clone()));
    assert_eq!(failures(&odd), expected);
    odd["paths"]["/pets/{id}"]["get"]["responses"]["409"] = token.clone();
    let expected = ["4XX", "5XX"].map(|it| (it.to_owned(), json!({})));
    assert_eq!(failures(&odd), expected);
    odd["paths"]["/pets/{id}"]["get"]["responses"]["201"] = token;
    let error = lower(&odd).unwrap_err().to_string();
    assert!(error.contains("the successes of get /pets/{id}"), "{error}");
}

#[test]
fn the_last_word_on_a_property_wins_in_an_all_of() {
    let lowered = lowered();
    let envelope = schema(&lowered, "PetEnvelope");
    assert_eq!(
        envelope["properties"]["result"],
        json!({ "$ref": "#/components/schemas/Pet" })
    );
    assert_eq!(envelope["properties"]["ok"]["type"], "boolean");
    assert!(envelope.get("allOf").is_none());
}

#[test]
fn aliases_are_inlined_except_what_is_checked_or_secret() {
    let lowered = lowered();
    assert_eq!(schema(&lowered, "Grams"), &Value::Null);
    assert_eq!(
        schema(&lowered, "Meal")["properties"]["grams"],
        json!({ "type": "integer", "description": "How much." })
    );
    assert_eq!(schema(&lowered, "Id")["pattern"], "^[a-z]{1,8}$");
    assert_eq!(
        lowered.secrets.iter().collect::<Vec<_>>(),
        ["Token", "ToyPin"]
    );
}

#[test]
fn a_list_of_itself_is_left_as_it_is() {
    let mut endless = shop();
    let list = json!({ "type": "array", "items": { "$ref": "#/components/schemas/List" } });
    let schemas = &mut endless["components"]["schemas"];
    schemas["Meal"]["properties"]["list"] = json!({ "$ref": "#/components/schemas/List" });
    schemas["List"] = list.clone();
    assert_eq!(schema(&lower(&endless).unwrap(), "List"), &list);
}

#[test]
fn documentation_in_an_all_of_makes_no_type() {
    let mut noted = shop();
    let schemas = &mut noted["components"]["schemas"];
    let note = json!({ "description": "Why." });
    for (field, what) in [
        ("cause", json!({ "type": "string" })),
        ("grams", json!({ "$ref": "#/components/schemas/Grams" })),
        ("mood", json!({ "$ref": "#/components/schemas/CatMood" })),
        ("size", json!({ "$ref": "#/components/schemas/Size" })),
        ("toy", json!({ "$ref": "#/components/schemas/Toy" })),
    ] {
        schemas["Meal"]["properties"][field] = json!({ "allOf": [what, note.clone()] });
    }
    schemas["Meal"]["properties"]["nothing"] = json!({ "allOf": [note] });
    schemas["Size"] =
        json!({ "allOf": [{ "$ref": "#/components/schemas/Grams" }, { "description": "Big." }] });
    let lowered = lower(&noted).unwrap();
    let fields = &schema(&lowered, "Meal")["properties"];
    assert_eq!(
        fields["cause"],
        json!({ "type": "string", "description": "Why." })
    );
    assert_eq!(
        fields["grams"],
        json!({ "type": "integer", "description": "Why." })
    );
    assert_eq!(
        fields["size"],
        json!({ "type": "integer", "description": "Why." })
    );
    assert_eq!(fields["nothing"], json!({ "description": "Why." }));
    for (field, name) in [("mood", "CatMood"), ("toy", "Toy")] {
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        assert_eq!(
            fields[field],
            json!({ "allOf": [reference], "description": "Why." })
        );
    }
}

#[test]
fn a_union_takes_the_discriminator_out_of_its_members() {
    let lowered = lowered();
    let union = &lowered.unions["Pet"];
    assert_eq!(
        (union.tag.as_str(), union.open, union.doc.as_str()),
        ("kind", true, "A pet.")
    );
    assert_eq!(union.members["cat"], "Cat");
    assert!(schema(&lowered, "Cat")["properties"].get("kind").is_none());
    let mut broken = shop();
    broken["components"]["schemas"]["Pet"]["discriminator"]["mapping"]["eel"] =
        json!("#/components/schemas/Eel");
    let error = lower(&broken).unwrap_err().to_string();
    assert!(error.contains("Pet maps eel"), "{error}");
}

#[test]
fn a_union_that_nothing_tells_apart_is_any_json_in_a_response_and_holds_no_secret() {
    let union = json!({ "description": "Fed?", "anyOf": [
        { "type": "string" }, { "type": "object", "properties": { "at": { "type": "string" } } },
    ] });
    let mut untold = shop();
    let schemas = &mut untold["components"]["schemas"];
    schemas["Dog"]["properties"]["fed"] = union.clone();
    schemas["Meal"]["properties"]["fed"] = union;
    let lowered = lower(&untold).unwrap();
    assert_eq!(
        schema(&lowered, "Dog")["properties"]["fed"],
        json!({ "description": "Fed?", "nullable": true })
    );
    let kept = &schema(&lowered, "Meal")["properties"]["fed"]["anyOf"];
    assert_eq!(kept.as_array().unwrap().len(), 2);
    untold["components"]["schemas"]["Dog"]["properties"]["fed"]["anyOf"][0] =
        json!({ "$ref": "#/components/schemas/Toy" });
    let error = format!("{:#}", lower(&untold).unwrap_err());
    assert!(
        error.contains("in component Dog") && error.contains("the secret ToyPin"),
        "{error}"
    );
}

#[test]
fn a_member_that_stands_alone_keeps_its_tag() {
    let mut alone = shop();
    let schemas = &mut alone["components"]["schemas"];
    schemas["Toy"]["properties"]["of"] = json!({ "$ref": "#/components/schemas/Cat" });
    let lowered = lower(&alone).unwrap();
    let union = &lowered.unions["Pet"];
    assert_eq!(
        (&*union.members["cat"], &*union.members["dog"]),
        ("PetCat", "Dog")
    );
    let has_tag = |name: &str| schema(&lowered, name)["properties"].get("kind").is_some();
    assert!(has_tag("Cat") && !has_tag("PetCat") && !has_tag("Dog"));
    let schemas = &mut alone["components"]["schemas"];
    schemas["PetCat"] = json!({ "type": "object", "properties": {} });
    schemas["Dog"]["properties"]["friend"] = json!({ "$ref": "#/components/schemas/PetCat" });
    let error = lower(&alone).unwrap_err().to_string();
    assert!(error.contains("PetCat, which exists"), "{error}");
}

#[test]
fn an_enum_in_a_response_is_open_and_has_a_name() {
    let lowered = lowered();
    assert_eq!(
        lowered.open_enums["CatMood"].values,
        ["hungry", "fast-asleep"]
    );
    assert_eq!(
        schema(&lowered, "Cat")["properties"]["mood"],
        json!({ "$ref": "#/components/schemas/CatMood" })
    );
}

#[test]
fn responses_are_taken_as_they_come_and_requests_are_not_loosened() {
    let lowered = lowered();
    let cat = schema(&lowered, "Cat");
    assert_eq!(cat["additionalProperties"], json!({}));
    assert_eq!(
        cat["properties"]["names"],
        json!({ "type": "array", "items": { "type": "string" }, "nullable": true })
    );
    assert_eq!(
        cat["properties"]["born"],
        json!({ "type": "string", "nullable": true })
    );
    assert!(schema(&lowered, "Failure").get("required").is_none());
    assert!(
        schema(&lowered, "Failure")["properties"]["reason"]
            .get("minLength")
            .is_none()
    );
    assert_eq!(schema(&lowered, "Meal")["required"], json!(["grams"]));
}

#[test]
fn a_component_that_may_be_null_says_so_where_it_stands() {
    let mut nullable = shop();
    let schemas = &mut nullable["components"]["schemas"];
    schemas["Toy"]["nullable"] = json!(true);
    schemas["Size"] = json!({ "type": "string", "enum": ["small", null], "nullable": true });
    schemas["Pet"]["nullable"] = json!(true);
    schemas["Meal"]["properties"]["size"] = json!({ "$ref": "#/components/schemas/Size" });
    schemas["Meal"]["properties"]["for"] =
        json!({ "allOf": [{ "$ref": "#/components/schemas/Pet" }], "description": "Whose." });
    let lowered = lower(&nullable).unwrap();
    assert_eq!(
        schema(&lowered, "Size"),
        &json!({ "type": "string", "enum": ["small"] })
    );
    assert!(schema(&lowered, "Toy").get("nullable").is_none());
    let reference = |name: &str| json!([{ "$ref": format!("#/components/schemas/{name}") }]);
    assert_eq!(
        schema(&lowered, "Cat")["properties"]["toys"]["items"],
        json!({ "allOf": reference("Toy"), "nullable": true })
    );
    let fields = &schema(&lowered, "Meal")["properties"];
    assert_eq!(
        fields["size"],
        json!({ "allOf": reference("Size"), "nullable": true })
    );
    assert_eq!(
        fields["for"],
        json!({ "allOf": reference("Pet"), "nullable": true, "description": "Whose." })
    );
}

#[test]
fn what_nothing_refers_to_is_not_generated() {
    assert_eq!(schema(&lowered(), "Unused"), &Value::Null);
}

#[test]
fn emitted_types_read_whole_floats_and_keep_what_they_do_not_know() {
    let types = squeezed(&module("types.rs"));
    assert!(types.contains("pub extra: crate::Extra"), "{types}");
    assert!(
        types.contains("pub toys: ::std::option::Option<::std::vec::Vec<crate::Entry<Toy>>>"),
        "{types}"
    );
    assert!(
        types.contains(r#"#[serde(deserialize_with = "crate::integer::required")] pub grams: i64"#),
        "{types}"
    );
    assert!(
        types.contains(
            r#"#[serde(default, deserialize_with = "crate::integer::optional")] pub weight"#
        ),
        "{types}"
    );
    assert!(
        types.contains("pub key: ::std::option::Option<crate::Secret>"),
        "{types}"
    );
    assert!(
        types.contains(
            r#"#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))] pub struct Cat"#
        ),
        "{types}"
    );
    assert!(!types.contains("<details>"), "{types}");
    let open = squeezed(&module("open.rs"));
    assert!(
        open.contains(r#"#[serde(rename = "fast-asleep")] FastAsleep, "#),
        "{open}"
    );
    assert!(
        open.contains("#[serde(untagged)] Other(String), } impl CatMood"),
        "{open}"
    );
    assert!(
        open.contains(r#"#[serde(tag = "kind")] pub enum Pet"#),
        "{open}"
    );
}

#[test]
fn the_emitted_client_has_the_operations_and_no_panicking_constructor() {
    let client = squeezed(&module("client.rs"));
    assert!(
        client.contains("pub async fn get_pet<'a>( &'a self, id: &'a types::Id, )"),
        "{client}"
    );
    assert!(
        !client.contains("pub fn new(") && !client.contains("unwrap"),
        "{client}"
    );
}

#[test]
fn generated_code_is_allowed_nothing_and_imports_what_it_needs() {
    for (name, text) in emit(&shop(), &lowered()).unwrap() {
        assert!(!text.contains("allow("), "{name}: {text}");
    }
    let client = squeezed(&module("client.rs"));
    assert!(
        client.contains("use progenitor_client::{encode_path, ClientHooks, OperationInfo};"),
        "{client}"
    );
}

#[test]
fn a_pattern_is_checked_without_a_panic_and_is_in_the_schema() {
    let types = squeezed(&module("types.rs"));
    assert!(!types.contains("unwrap"), "{types}");
    assert!(
        types.contains("if PATTERN.as_ref().is_none_or(|it| it.find(value).is_none()) {"),
        "{types}"
    );
    assert!(
        types.contains(r#"schemars(extend("pattern" = "^[a-z]{1,8}$"))"#),
        "{types}"
    );
    let mut broken = shop();
    broken["components"]["schemas"]["Id"]["pattern"] = json!("(");
    assert!(emit(&broken, &lower(&broken).unwrap()).is_err());
}

#[test]
fn descriptions_are_text_wherever_they_stand() {
    let hostile = "a <tag> [b]\n\n    code\n```\n<details>`x`";
    let mut described = shop();
    let schemas = &mut described["components"]["schemas"];
    for place in [
        "/Token",
        "/Grams",
        "/Pet",
        "/Cat",
        "/Cat/properties/mood",
        "/Cat/properties/born",
    ] {
        schemas.pointer_mut(place).unwrap()["description"] = json!(hostile);
    }
    described["paths"]["/pets/{id}"]["get"]["summary"] = json!(hostile);
    let mut seen = 0;
    for (_, text) in emit(&described, &lower(&described).unwrap()).unwrap() {
        let text = text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        let escaped = "/// a \\<tag\\> \\[b]\n///\n/// code\n/// \\`\\`\\`\n/// \\<details\\>`x`\n";
        seen += text.matches(escaped).count();
        assert_eq!(
            text.matches("code\n").count(),
            text.matches(escaped).count(),
            "{text}"
        );
    }
    // What `Grams` says stands at two fields and a limit; all else stands once.
    assert_eq!(seen, 6 + 3);
}

#[test]
fn a_version_that_is_no_header_is_refused() {
    let mut odd = shop();
    odd["info"]["version"] = json!("1\n2");
    let error = emit(&odd, &lower(&odd).unwrap()).unwrap_err();
    assert!(error.to_string().contains(r#""1\n2""#), "{error:#}");
}

#[test]
fn limits_of_requests_are_constants() {
    let limits = squeezed(&module("limits.rs"));
    assert!(limits.contains("pub mod meal { /// How much. pub const GRAMS: std::ops::RangeInclusive<i64> = 1..=500; }"), "{limits}");
    assert!(
        !limits.contains("mod cat"),
        "limits of responses are nobody's: {limits}"
    );
}

#[test]
fn every_module_says_where_it_comes_from_and_output_is_stable() {
    let first = emit(&shop(), &lowered()).unwrap();
    assert_eq!(first, emit(&shop(), &lowered()).unwrap());
    for (name, text) in first {
        assert!(
            text.starts_with(
                "// Generated by `cargo xtask generate` from spec/pcaps.json, version 7."
            ),
            "{name}"
        );
        assert!(!text.contains('\r'), "{name}");
    }
}

#[test]
fn what_is_not_openapi_3_0_is_refused() {
    let mut newer = shop();
    newer["openapi"] = json!("3.1.0");
    let error = emit(&newer, &lower(&newer).unwrap()).unwrap_err();
    assert!(format!("{error:#}").contains("not 3.0"), "{error:#}");
    assert!(lower(&json!({})).is_err());
}

#[test]
fn a_panic_of_the_generator_is_an_error() {
    let mut odd = shop();
    odd["paths"]["/pets/{id}"]["get"]["responses"]["200"]["content"]["application/json"]["encoding"] =
        json!({ "name": {} });
    let error = emit(&odd, &lower(&odd).unwrap()).unwrap_err().to_string();
    assert!(
        error.contains("gave up: assertion failed: mt.encoding.is_empty(); simplify"),
        "{error}"
    );
}

#[test]
fn values_that_cannot_be_names_are_refused() {
    let mut odd = shop();
    odd["components"]["schemas"]["Cat"]["properties"]["mood"]["enum"] = json!(["a-b", "a_b"]);
    let error = format!("{:#}", emit(&odd, &lower(&odd).unwrap()).unwrap_err());
    assert!(
        error.contains("CatMood") && error.contains("a_b"),
        "{error}"
    );
}

#[test]
fn a_component_without_a_name_of_ours_flows_through() {
    let text = shop().to_string();
    let vendor = text.replace("schemas/Pet\"", "schemas/vendor-shop_pet\"");
    let vendor = vendor.replace("\"Pet\":", "\"vendor-shop_pet\":");
    let vendor: Value = serde_json::from_str(&vendor).unwrap();
    let modules = emit(&vendor, &lower(&vendor).unwrap()).unwrap();
    assert!(
        modules
            .iter()
            .any(|(_, text)| text.contains("pub enum VendorShopPet"))
    );
}

#[test]
fn a_field_that_cannot_be_a_name_is_refused() {
    let mut odd = shop();
    odd["components"]["schemas"]["Meal"]["properties"]["2nd"] =
        json!({ "$ref": "#/components/schemas/Grams" });
    let error = format!("{:#}", emit(&odd, &lower(&odd).unwrap()).unwrap_err());
    assert!(
        error.contains("2ND") && error.contains("overlay"),
        "{error}"
    );
}

#[test]
fn a_list_that_holds_itself_has_a_type() {
    let mut cyclic = shop();
    let named = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let schemas = &mut cyclic["components"]["schemas"];
    schemas["Tree"] = json!({ "type": "array", "items": named("Tree") });
    schemas["Odd"] = json!({ "type": "object", "additionalProperties": named("Even") });
    schemas["Even"] = json!({ "type": "array", "items": named("Odd") });
    schemas["Toy"]["properties"]["tree"] = named("Tree");
    schemas["Toy"]["properties"]["odd"] = named("Odd");
    let modules = emit(&cyclic, &lower(&cyclic).unwrap()).unwrap();
    let types = &modules
        .iter()
        .find(|(name, _)| name == "types.rs")
        .unwrap()
        .1;
    for name in ["Tree", "Odd", "Even"] {
        assert!(types.contains(&format!("pub struct {name}(")), "{types}");
    }
}

#[test]
fn who_inherits_from_a_union_is_none() {
    let mut inherited = shop();
    let schemas = &mut inherited["components"]["schemas"];
    schemas["Pet"] = json!({
        "type": "object", "properties": { "kind": { "type": "string" }, "age": { "type": "integer" } },
        "discriminator": schemas["Pet"]["discriminator"],
    });
    for name in ["Cat", "Dog"] {
        schemas[name] = json!({ "allOf": [
            { "$ref": "#/components/schemas/Pet" }, { "type": "object", "properties": { "tail": { "type": "boolean" } } },
        ] });
    }
    let lowered = lower(&inherited).unwrap();
    assert_eq!(lowered.unions.keys().collect::<Vec<_>>(), ["Pet"]);
    let cat = &lowered.document["components"]["schemas"]["Cat"]["properties"];
    assert_eq!(cat["age"]["type"], "integer");
    assert_eq!(cat["tail"]["type"], "boolean");
}

#[test]
fn a_range_at_the_end_of_all_numbers_is_none_to_stumble_over() {
    let mut odd = shop();
    odd["components"]["schemas"]["Grams"] = json!({
        "type": "integer", "minimum": i64::MAX, "exclusiveMinimum": true, "maximum": i64::MAX,
    });
    emit(&odd, &lower(&odd).unwrap()).unwrap();
}

#[test]
fn two_names_that_would_be_one_are_refused() {
    let grams = json!({ "$ref": "#/components/schemas/Grams" });
    let mut fields = shop();
    fields["components"]["schemas"]["Meal"]["properties"]["of-what"] = grams.clone();
    fields["components"]["schemas"]["Meal"]["properties"]["of_what"] = grams.clone();
    let mut parameters = shop();
    let all = parameters["paths"]["/pets/{id}"]["get"]["parameters"]
        .as_array_mut()
        .unwrap();
    for name in ["of-what", "of_what"] {
        all.push(json!({ "in": "query", "name": name, "schema": grams }));
    }
    for (odd, place) in [(fields, "Meal"), (parameters, "get_pet")] {
        let error = format!("{:#}", emit(&odd, &lower(&odd).unwrap()).unwrap_err());
        assert!(
            error.contains(&format!("{place} would have two things named of_what")),
            "{error}"
        );
    }
}

#[test]
fn headers_of_responses_make_no_difference() {
    let plain = shop();
    let mut with = shop();
    with["components"]["headers"] = json!({ "Trace": {
        "description": "A trace.",
        "schema": { "$ref": "#/components/schemas/Token" },
    } });
    let responses = &mut with["paths"]["/pets/{id}"]["get"]["responses"];
    responses["200"]["headers"] = json!({
        "Trace": { "$ref": "#/components/headers/Trace" },
        "Wait": { "schema": { "type": "integer" } },
    });
    responses["default"]["headers"] = json!({ "Trace": { "$ref": "#/components/headers/Trace" } });
    let generated = |it: &Value| emit(it, &lower(it).unwrap()).unwrap();
    assert_eq!(generated(&plain), generated(&with));
}
