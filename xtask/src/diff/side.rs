//! A description as the comparison sees it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use super::{
    headers::{Headers, headers},
    surface::surface,
};
use crate::{json, lower};

/// A description in the shape that the generated code has.
pub(super) struct Side {
    pub(super) document: Value,
    /// The types that are not in the module `types`.
    pub(super) at_root: BTreeSet<String>,
    /// The types that take values which the description does not list.
    pub(super) open: BTreeSet<String>,
    /// By name: method, path, operation.
    pub(super) operations: BTreeMap<String, (String, Value)>,
    /// The types that a request holds, in its body or beside it.
    pub(super) sent: BTreeSet<String>,
    /// What the generated code has: by path, what the compiler sees.
    pub(super) surface: BTreeMap<String, String>,
    /// By component: the operations that use it.
    pub(super) used_by: BTreeMap<String, BTreeSet<String>>,
    pub(super) headers: Headers,
}

impl Side {
    pub(super) fn new(description: &Value) -> Result<Self> {
        let mut document = lower::types(description)?;
        drop_tags(&mut document);
        unwrap_references(&mut document);
        show_secrets(&mut document);
        lower::prune(&mut document);
        let lowered = lower::lower(description)?;
        let surface = surface(description, &lowered)?;
        let mut open: BTreeSet<_> = lowered.open_enums.keys().cloned().collect();
        let at_root = lowered.unions.keys().chain(&open).cloned().collect();
        let growing = lowered.unions.into_iter().filter(|(_, it)| it.open);
        open.extend(growing.map(|(name, _)| name));
        let schemas = json::schemas(&document);
        let parts = json::operations(&document)
            .flat_map(|(_, _, it)| [&it["requestBody"], &it["parameters"]]);
        let sent = json::reachable(&schemas, parts);
        let mut operations = BTreeMap::new();
        let mut used_by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, method, operation) in json::operations(&document) {
            let name = operation["operationId"].as_str().unwrap_or(path).to_owned();
            for component in json::reachable(&schemas, [operation]) {
                used_by.entry(component).or_default().insert(name.clone());
            }
            let place = format!("{} {path}", method.to_uppercase());
            operations.insert(name, (place, operation.clone()));
        }
        Ok(Self {
            document,
            at_root,
            open,
            operations,
            sent,
            surface,
            used_by,
            headers: headers(description),
        })
    }

    pub(super) fn schemas(&self) -> &Value {
        &self.document["components"]["schemas"]
    }
}

/// The field that tells the members of a union apart is not in them: the variant stands for it.
fn drop_tags(document: &mut Value) {
    for (_, union) in json::schemas(document) {
        let tag = union["discriminator"]["propertyName"].as_str();
        let members = union["discriminator"]["mapping"].as_object();
        for (tag, member) in tag
            .into_iter()
            .flat_map(|tag| members.into_iter().flatten().map(move |it| (tag, it.1)))
        {
            let member = member
                .as_str()
                .and_then(|it| it.strip_prefix(json::SCHEMAS));
            let fields = member
                .and_then(|it| document["components"]["schemas"][it]["properties"].as_object_mut());
            fields.and_then(|it| it.remove(tag));
        }
    }
}

/// An `allOf` around one reference is the reference, with something said beside it.
fn unwrap_references(document: &mut Value) {
    json::visit_objects_mut(document, &mut |object| {
        let members = object.get("allOf").and_then(Value::as_array);
        if let Some([only]) = members.map(Vec::as_slice)
            && let Some(reference) = only.get("$ref").cloned()
        {
            object.remove("allOf");
            object.insert("$ref".to_owned(), reference);
        }
    });
}

/// All secrets are of one type, whatever their names.
fn show_secrets(document: &mut Value) {
    let named = json::schemas(document);
    json::visit_objects_mut(document, &mut |object| {
        let target = object.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|it| named.get(it.strip_prefix(json::SCHEMAS)?));
        if let Some(Value::Object(secret)) = target
            && secret.get("format").is_some_and(|it| it == "password")
        {
            object.remove("$ref");
            object.extend(secret.clone());
        }
    });
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|_, it| it["format"] != "password");
    }
}
