//! What hand-written code still uses of the generated code must not go away unsaid.
//!
//! The compiler would find it, in words about Rust. Said here, before anything is written, it names what the vendor took
//! away and the line that needs it, while everything still compiles: that is the time to take the line out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use proc_macro2::{TokenStream, TokenTree};
use syn::{Fields, ImplItem, Item};

use crate::{generate::GENERATED, output::File};

/// Compares the items in the generated files that are there with those in `files`.
///
/// Only names that are gone altogether can be told from their use. Of a field that is gone from one type and stays in
/// another the compiler speaks.
///
/// # Errors
///
/// When hand-written code uses what is gone; with what, and the line.
pub(crate) fn check(root: &Path, files: &[File]) -> Result<()> {
    let mut before = BTreeMap::new();
    let mut after = BTreeMap::new();
    for file in files {
        if !file.path.starts_with(GENERATED) {
            continue;
        }
        items(&file.text, &mut after)?;
        // What is there may be absent, or edited until it is no Rust: then there is nothing to compare with.
        let present = fs::read_to_string(root.join(&file.path)).unwrap_or_default();
        let _ = items(&present, &mut before);
    }
    let gone: BTreeMap<_, _> = before
        .iter()
        .filter(|(name, _)| !after.contains_key(*name))
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    let mut uses = Vec::new();
    for source in sources(&root.join("crates"), &root.join(GENERATED))? {
        let text = fs::read_to_string(&source)?;
        let shown = source.strip_prefix(root).unwrap_or(&source).display();
        let tokens: TokenStream = text
            .parse()
            .map_err(|error| anyhow::anyhow!("{shown} is not Rust: {error}"))?;
        each_name(tokens, &mut |name, line| {
            for item in gone.get(&name).into_iter().flat_map(|it| it.iter()) {
                uses.push(format!("{item} is gone, and {shown}:{line} needs it"));
            }
        });
    }
    if !uses.is_empty() {
        bail!(
            "the description has lost what hand-written code needs:\n  {}\n\
             take the use out first, or keep the item by an action in spec/overlay.yaml; nothing was written",
            uses.join("\n  ")
        );
    }
    Ok(())
}

/// Methods and fields: bare name, and the full names that it stands for.
fn items(text: &str, into: &mut BTreeMap<String, BTreeSet<String>>) -> Result<()> {
    let file = syn::parse_file(text).context("generated code is not Rust")?;
    let mut add = |owner: &syn::Ident, name: &syn::Ident| {
        let full = format!("{owner}.{name}");
        into.entry(name.to_string()).or_default().insert(full);
    };
    for item in &file.items {
        match item {
            Item::Struct(it) => {
                if let Fields::Named(fields) = &it.fields {
                    let names = fields.named.iter().filter_map(|field| field.ident.as_ref());
                    names.for_each(|name| add(&it.ident, name));
                }
            }
            Item::Enum(it) => it
                .variants
                .iter()
                .for_each(|variant| add(&it.ident, &variant.ident)),
            Item::Impl(it) if it.trait_.is_none() => {
                let syn::Type::Path(owner) = &*it.self_ty else {
                    continue;
                };
                let Some(owner) = owner.path.get_ident() else {
                    continue;
                };
                for item in &it.items {
                    if let ImplItem::Fn(function) = item {
                        add(owner, &function.sig.ident);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Calls `visit` with every name in code, inside of macros too, and its line.
fn each_name(tokens: TokenStream, visit: &mut impl FnMut(String, usize)) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => each_name(group.stream(), visit),
            TokenTree::Ident(name) => visit(name.to_string(), name.span().start().line),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The Rust files below a folder, in order, without those below another.
fn sources(folder: &Path, without: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if path != without && path.file_name() != Some("target".as_ref()) {
                    folders.push(path);
                }
            } else if path.extension() == Some("rs".as_ref()) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
