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
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::format_ident;
use syn::{Fields, ImplItem, Item};

use crate::{generate::GENERATED, output::File};

/// The generated crate's name in Rust.
const CRATE: &str = "pcaps_api";

/// What types belong to: those that the crate's root shows are there as well.
const TYPES: &str = "types";

/// Items by what they belong to: the fields of a struct, the variants of an enum, the methods of a type, the constants
/// of a module.
type Items = BTreeMap<String, BTreeSet<String>>;

/// Compares the items in the generated files that are there with those in `files`.
///
/// A use counts where it cannot be one of something else: a field between the braces of its struct, a variant or a
/// constant after its owner's name, where the owner is imported or named with its path; a type where it is imported or
/// named with its path; an operation wherever it is named. A field that is only read, by a name that other
/// structs have too, is left to the compiler.
///
/// # Errors
///
/// When hand-written code uses what is gone; with what, and the line.
pub(crate) fn check(root: &Path, files: &[File]) -> Result<()> {
    let mut before = Items::new();
    let mut after = Items::new();
    for file in files {
        let is_rust = file.path.extension().is_some_and(|it| it == "rs");
        if !is_rust || !file.path.starts_with(GENERATED) {
            continue;
        }
        items(&file.text, &mut after)?;
        // What is there may be absent, or edited until it is no Rust: then there is nothing to compare with.
        let present = fs::read_to_string(root.join(&file.path)).unwrap_or_default();
        let _ = items(&present, &mut before);
    }
    let gone = gone(before, &after);
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
        let mut imported = BTreeMap::new();
        imports(tokens.clone(), &mut imported);
        let lost = gone.get(TYPES);
        for (name, line) in imported.values() {
            if lost.is_some_and(|it| it.contains(name)) {
                uses.push(format!(
                    "{TYPES}.{name} is gone, and {shown}:{line} needs it"
                ));
            }
        }
        let scan = Scan {
            gone: &gone,
            imported: &imported,
        };
        scan.tokens(tokens, &mut |item, line| {
            uses.push(format!("{item} is gone, and {shown}:{line} needs it"));
        });
    }
    // A type that is imported by its path is found by both.
    let mut told = BTreeSet::new();
    uses.retain(|it| told.insert(it.clone()));
    if !uses.is_empty() {
        bail!(
            "the description has lost what hand-written code needs:\n  {}\n\
             change these lines first (xtask builds without them), or keep the item by an action in spec/overlay.yaml; \
             nothing was written",
            uses.join("\n  ")
        );
    }
    Ok(())
}

/// What `before` has and `after` lacks. A whole owner that is gone has all of its items with it.
fn gone(before: Items, after: &Items) -> Items {
    let none = BTreeSet::new();
    before
        .into_iter()
        .filter_map(|(owner, items)| {
            let left = after.get(&owner).unwrap_or(&none);
            let lost: BTreeSet<_> = items.difference(left).cloned().collect();
            (!lost.is_empty()).then_some((owner, lost))
        })
        .collect()
}

/// Adds the public names that a generated file defines.
fn items(text: &str, into: &mut Items) -> Result<()> {
    let file = syn::parse_file(text).context("generated code is not Rust")?;
    let mut add = |owner: &syn::Ident, name: &syn::Ident| {
        let names = into.entry(owner.to_string()).or_default();
        names.insert(name.to_string());
    };
    for item in &file.items {
        if let Item::Struct(syn::ItemStruct { ident, .. })
        | Item::Enum(syn::ItemEnum { ident, .. }) = item
        {
            add(&format_ident!("{TYPES}"), ident);
        }
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
            Item::Mod(it) => {
                for item in it.content.iter().flat_map(|(_, items)| items) {
                    if let Item::Const(constant) = item {
                        add(&it.ident, &constant.ident);
                    }
                }
            }
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

/// What a file imports of the generated crate: by the name that it has there, the name that it has here.
fn imports(tokens: TokenStream, into: &mut BTreeMap<String, (String, usize)>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    while let [first, others @ ..] = rest {
        rest = others;
        match (first, others) {
            (TokenTree::Group(group), _) => imports(group.stream(), into),
            (TokenTree::Ident(word), [TokenTree::Ident(from), ..])
                if word == "use" && from == CRATE =>
            {
                let end =
                    |it: &TokenTree| matches!(it, TokenTree::Punct(it) if it.as_char() == ';');
                let end = others.iter().position(end).unwrap_or(others.len());
                names(&others[..end], into);
                rest = &others[end..];
            }
            _ => {}
        }
    }
}

/// Every name in an import, and what it is called from there on.
fn names(tokens: &[TokenTree], into: &mut BTreeMap<String, (String, usize)>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let tokens: Vec<_> = group.stream().into_iter().collect();
                names(&tokens, into);
            }
            TokenTree::Ident(name) => {
                let line = name.span().start().line;
                let name = name.to_string();
                let alias = match &tokens[at + 1..] {
                    [word, alias, ..] if word_of(word).is_some_and(|it| it == "as") => {
                        word_of(alias)
                    }
                    _ => None,
                };
                // The alias itself comes by as well.
                into.entry(alias.unwrap_or_else(|| name.clone()))
                    .or_insert((name, line));
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// What stands before `::` at the end of tokens.
fn before_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let colon = |it: &TokenTree| matches!(it, TokenTree::Punct(it) if it.as_char() == ':');
    match tokens {
        [before @ .., one, two] if colon(one) && colon(two) => Some(before),
        _ => None,
    }
}

fn word_of(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(it) => Some(it.to_string()),
        _ => None,
    }
}

struct Scan<'a> {
    gone: &'a Items,
    imported: &'a BTreeMap<String, (String, usize)>,
}

impl Scan<'_> {
    /// Calls `visit` with every use of what is gone, inside of macros too, and its line.
    fn tokens(&self, tokens: TokenStream, visit: &mut impl FnMut(String, usize)) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let before = &tokens[..at];
            match token {
                TokenTree::Group(group) => {
                    if group.delimiter() == Delimiter::Brace
                        && let Some(owner) = self.owner(before)
                    {
                        self.braces(&owner, group, visit);
                    }
                    self.tokens(group.stream(), visit);
                }
                TokenTree::Ident(name) => {
                    let line = name.span().start().line;
                    let text = name.to_string();
                    let defined = matches!(before, [.., TokenTree::Ident(it)] if it == "fn");
                    if !defined && self.lost("Client", &text) {
                        visit(format!("Client.{text}"), line);
                    }
                    if let Some(owner) = before_colons(before).and_then(|it| self.owner(it))
                        && self.lost(&owner, &text)
                    {
                        visit(format!("{owner}.{text}"), line);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// The generated type or module that tokens end in: by a path to it, or by a name that was imported.
    fn owner(&self, tokens: &[TokenTree]) -> Option<String> {
        let (last, before) = tokens.split_last()?;
        let name = word_of(last)?;
        match before_colons(before)
            .and_then(<[_]>::last)
            .and_then(word_of)
        {
            Some(module) => ["limits", "types", CRATE]
                .contains(&module.as_str())
                .then_some(name),
            None if name == TYPES => Some(name),
            None => self.imported.get(&name).map(|(name, _)| name.clone()),
        }
    }

    /// The fields between the braces of a struct, in an expression or a pattern.
    fn braces(&self, owner: &str, group: &Group, visit: &mut impl FnMut(String, usize)) {
        let mut begins = true;
        for token in group.stream() {
            if let TokenTree::Ident(name) = &token
                && begins
                && self.lost(owner, &name.to_string())
            {
                visit(format!("{owner}.{name}"), name.span().start().line);
            }
            begins = matches!(&token, TokenTree::Punct(it) if it.as_char() == ',');
        }
    }

    fn lost(&self, owner: &str, name: &str) -> bool {
        self.gone.get(owner).is_some_and(|it| it.contains(name))
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

#[cfg(test)]
mod tests {
    use super::*;

    const GENERATED_BEFORE: &str = "
        pub struct Client { baseurl: String }
        impl Client { pub async fn get_pet(&self) {} pub async fn feed_pet(&self) {} }
        pub struct Cat { pub name: String, pub age: i64 }
        pub struct Dog { pub name: String }
        pub enum Pet { Cat(Cat), Dog(Dog) }
        pub mod meal { pub const GRAMS: u8 = 1; }
    ";

    /// What is said when `hand` is written by hand, and generated code goes from the above to `after`.
    fn said(after: &str, hand: &str) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        let path = Path::new(GENERATED).join("types.rs");
        let hand_written = root.path().join("crates/pets/src/lib.rs");
        for (path, text) in [
            (root.path().join(&path), GENERATED_BEFORE),
            (hand_written, hand),
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let text = after.to_owned();
        let error = check(root.path(), &[File { path, text }]).err()?;
        Some(
            format!("{error:#}")
                .lines()
                .skip(1)
                .take_while(|it| it.starts_with(' '))
                .collect::<Vec<_>>()
                .join("\n"),
        )
    }

    fn without(part: &str) -> String {
        assert!(GENERATED_BEFORE.contains(part));
        GENERATED_BEFORE.replace(part, "")
    }

    #[test]
    fn a_use_of_what_is_gone_is_told_with_its_line() {
        for (part, hand, item) in [
            (
                "pub age: i64",
                "use pcaps_api::types::Cat; fn f() -> Cat {\n Cat { name: n(), age: 1 } }",
                "Cat.age",
            ),
            (
                "pub age: i64",
                "fn f(cat: &types::Cat) {\n let types::Cat { age, .. } = cat; }",
                "Cat.age",
            ),
            (
                "pub age: i64",
                "m!(\n pcaps_api::types::Cat { age: 1 });",
                "Cat.age",
            ),
            (
                "pub async fn feed_pet(&self) {}",
                "fn f(c: &Client) {\n c.feed_pet() }",
                "Client.feed_pet",
            ),
            (
                "pub async fn feed_pet(&self) {}",
                "call!(\n FEED, feed_pet);",
                "Client.feed_pet",
            ),
            (
                ", Dog(Dog)",
                "use pcaps_api::{Entry, Pet as Wire}; fn f(it: Wire) {\n matches!(it, Wire::Dog(_)) }",
                "Pet.Dog",
            ),
            (
                "pub const GRAMS: u8 = 1;",
                "const G: u8 = \n limits::meal::GRAMS;",
                "meal.GRAMS",
            ),
            (
                "pub struct Dog { pub name: String }",
                "use pcaps_api::{\n types::Dog};",
                "types.Dog",
            ),
            (
                "pub struct Dog { pub name: String }",
                "fn f(it: \n types::Dog) {}",
                "types.Dog",
            ),
        ] {
            let expected = format!("  {item} is gone, and crates/pets/src/lib.rs:2 needs it");
            assert_eq!(said(&without(part), hand), Some(expected), "{hand}");
            assert_eq!(said(GENERATED_BEFORE, hand), None, "nothing is gone");
        }
    }

    #[test]
    fn what_belongs_to_something_else_is_not_in_the_way() {
        for (part, hand) in [
            // Of another struct, or of who knows what.
            (
                "pub age: i64",
                "use pcaps_api::types::Dog; fn f() -> Dog { Dog { age: 1 } } fn g(it: It) { it.age }",
            ),
            // Another struct of the same name.
            (
                "pub age: i64",
                "struct Cat { age: i64 } fn f() { Cat { age: 1 } }",
            ),
            // One of the two is still there.
            (
                ", pub age: i64",
                "use pcaps_api::types::Cat; fn f() { Cat { name: n() } }",
            ),
            (
                "pub async fn feed_pet(&self) {}",
                "fn feed_pet() {} // c.feed_pet()",
            ),
            (", Dog(Dog)", "use animals::Dog; enum Sound { Dog }"),
        ] {
            assert_eq!(said(&without(part), hand), None, "{hand}");
        }
    }
}
