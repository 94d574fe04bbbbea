//! The public items of the code that is generated from a description: what a comparison of descriptions must account for.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use quote::ToTokens;
use serde_json::Value;
use syn::{Attribute, Fields, ImplItem, Item, Visibility};

use crate::{emit, lower::Lowered};

/// Items by their path in `pcaps_api`, and what the compiler sees of each: derives, types, signatures.
pub(super) fn surface(description: &Value, lowered: &Lowered) -> Result<BTreeMap<String, String>> {
    let modules = emit::emit(description, lowered)?;
    let mut items = BTreeMap::new();
    for (name, text) in &modules {
        let prefix = match name.as_str() {
            "types.rs" => "types::",
            "client.rs" | "open.rs" => "",
            // Ranges are compared by their values.
            _ => continue,
        };
        let file = syn::parse_file(text).context("generated code is not Rust")?;
        for item in &file.items {
            add(item, prefix, &mut items);
        }
    }
    Ok(items)
}

fn add(item: &Item, prefix: &str, items: &mut BTreeMap<String, String>) {
    match item {
        Item::Struct(it) if matches!(it.vis, Visibility::Public(_)) => {
            let path = format!("{prefix}{}", it.ident);
            let tuple = match &it.fields {
                Fields::Named(_) => String::new(),
                fields => short(fields),
            };
            items.insert(path.clone(), format!("struct{tuple}{}", derives(&it.attrs)));
            for field in &it.fields {
                if let (Some(name), Visibility::Public(_)) = (&field.ident, &field.vis) {
                    items.insert(format!("{path}::{name}"), short(&field.ty));
                }
            }
        }
        Item::Enum(it) => {
            let path = format!("{prefix}{}", it.ident);
            items.insert(path.clone(), format!("enum{}", derives(&it.attrs)));
            for variant in &it.variants {
                items.insert(format!("{path}::{}", variant.ident), short(&variant.fields));
            }
        }
        Item::Impl(it) if it.trait_.is_none() => {
            for function in &it.items {
                if let ImplItem::Fn(function) = function
                    && matches!(function.vis, Visibility::Public(_))
                {
                    let path = format!("{prefix}{}::{}", short(&it.self_ty), function.sig.ident);
                    items.insert(path, short(&function.sig));
                }
            }
        }
        _ => {}
    }
}

/// What a type can do, in order, and whether it may grow.
fn derives(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for it in attributes {
        if it.path().is_ident("derive") || it.path().is_ident("non_exhaustive") {
            text.push(' ');
            text.push_str(&short(&it.meta));
        }
    }
    text
}

/// Rust as a person would write it, without the paths of what everybody knows.
fn short(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    let spaces = [
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" < ", "<"),
        (" <", "<"),
        (" >", ">"),
        (" ,", ","),
        (" :", ":"),
        (" (", "("),
        ("& 'a ", "&"),
        ("& ", "&"),
    ];
    let paths = [
        "::serde::",
        "serde::",
        "::std::option::",
        "::std::string::",
        "::std::vec::",
        "crate::generated::open::",
        "crate::",
        "self::",
    ];
    let text = spaces
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to));
    paths.iter().fold(text, |text, path| text.replace(path, ""))
}
