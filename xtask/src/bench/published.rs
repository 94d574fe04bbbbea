//! A file of the shape and size in which the vendor publishes the description of everything it sells, made around a
//! slice. For the benchmark, and for the tests that take such files through the recipe.

use serde_json::{Map, Value, json};

use crate::json::{METHODS, SCHEMAS, escaped};

/// A whole description around a slice, with so many operations of other products beside its own.
///
/// What the slice says is said as the vendor says it: with prose, examples and extensions everywhere, and with
/// parameters, bodies and responses behind references. Importing the file gives the slice back.
pub fn published(slice: &Value, others: usize) -> Value {
    let mut document = slice.clone();
    document["components"]["examples"] = json!({ "any": { "value": { "a": 1 } } });
    let mut shared: [Map<String, Value>; 3] = std::array::from_fn(|_| Map::new());
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        said_once(path, item, &mut shared);
    }
    let [parameters, bodies, responses] = shared;
    document["components"]["parameters"] = parameters.into();
    document["components"]["requestBodies"] = bodies.into();
    document["components"]["responses"] = responses.into();
    talkative(&mut document, "");
    for number in 0..others {
        other(&mut document, number);
    }
    document["info"]["description"] = prose("the API").into();
    document["info"]["license"] = json!({ "name": "BSD-3-Clause" });
    document["x-stainless"] = json!({ "any": ["thing"] });
    document
}

/// Puts what the operations of a path have in common, and what is large, where it is referred to.
fn said_once(path: &str, item: &mut Value, shared: &mut [Map<String, Value>; 3]) {
    let [parameters, bodies, responses] = shared;
    let mut of_path = Vec::new();
    for method in METHODS {
        let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) else {
            continue;
        };
        let name = operation["operationId"].as_str().unwrap_or(path).to_owned();
        if let Some(own) = operation.remove("parameters") {
            of_path = own.as_array().cloned().unwrap_or_default();
        }
        if let Some(body) = operation.get_mut("requestBody") {
            bodies.insert(name.clone(), body.take());
            *body = json!({ "$ref": format!("#/components/requestBodies/{name}") });
        }
        if let Some(response) = operation["responses"].get_mut("default") {
            responses.insert(format!("{name}-failure"), response.take());
            *response = json!({ "$ref": format!("#/components/responses/{name}-failure") });
        }
        operation.insert("callbacks".into(), json!({ "onEvent": {} }));
    }
    let references = of_path.into_iter().map(|parameter| {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        let reference = json!({ "$ref": format!("#/components/parameters/{}", escaped(&name)) });
        parameters.insert(name, parameter);
        reference
    });
    item["parameters"] = references.collect();
}

/// Prose, examples and extensions on everything that is a schema, an operation or a response.
fn talkative(value: &mut Value, name: &str) {
    match value {
        Value::Object(map) => {
            for (name, child) in map.iter_mut() {
                if !matches!(name.as_str(), "enum" | "security" | "mapping" | "callbacks") {
                    talkative(child, name);
                }
            }
            if map.get("type").is_some_and(Value::is_string) && name != "properties" {
                map.insert("description".into(), prose(name).into());
                map.insert("example".into(), name.into());
                map.insert("x-auditable".into(), true.into());
            } else if map.contains_key("operationId") || map.contains_key("content") {
                map.insert("description".into(), prose(name).into());
                map.insert("x-api-token-group".into(), json!(["Magic Firewall"]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| talkative(item, name)),
        _ => {}
    }
}

fn prose(about: &str) -> String {
    format!(
        "About {about}: \"what it is for\", <b>where</b> it stands & how it is used.\n\nIt may be set, read, or left out.",
    )
}

/// One operation of another product, with schemas of its own.
fn other(document: &mut Value, number: usize) {
    let thing = format!("product-{}_thing-{number}", number % 97);
    let refer = |name: &str| json!({ "$ref": format!("{SCHEMAS}{name}") });
    let properties: Map<String, Value> = (0..12)
        .map(|field| {
            let field = format!("field_{field}");
            let schema = json!({
                "description": prose(&field), "example": "an example", "type": "string", "maxLength": 120,
                "x-auditable": true,
            });
            (field, schema)
        })
        .chain([
            ("parent".to_owned(), refer(&thing)),
            (
                "size".to_owned(),
                json!({ "type": "number", "minimum": 0, "exclusiveMinimum": true }),
            ),
        ])
        .collect();
    document["components"]["schemas"][&thing] =
        json!({ "description": prose(&thing), "type": "object", "properties": properties });
    let content = |schema: Value| json!({ "application/json": { "schema": schema } });
    document["paths"][format!(
        "/accounts/{{account_id}}/product-{}/things-{number}",
        number % 97
    )] = json!({
        "parameters": [{ "$ref": "#/components/parameters/account_id" }],
        "post": {
            "operationId": format!("{thing}-create"), "summary": "Create one.", "description": prose(&thing),
            "tags": ["Other"], "x-api-token-group": ["Other"],
            "requestBody": { "required": true, "content": content(refer(&thing)) },
            "responses": {
                "200": { "description": prose("a result"), "content": content(json!({ "allOf": [refer(&thing)] })) },
                "default": { "description": prose("a failure"), "content": content(json!({ "anyOf": [refer(&thing)] })) },
            },
        },
    });
}
