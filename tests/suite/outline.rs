//! The public surface of `pcaps-api` and of `pcaps` on a few pages, so that a review sees what an upgrade of the generator,
//! or a change by hand, does to users.

mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use syn::{
    Attribute, Fields, Item, ItemImpl, Type, parse_quote,
    visit_mut::{self, VisitMut},
};

use self::source::{EXTERNAL, Module, Target, is_public, leaves};
use crate::support::root;

/// The crate, and what it says of its public items.
struct Surface {
    root: Module,
    /// Names of the types of the crate, wherever they are.
    types: BTreeSet<String>,
    /// Each public item's lines, by the path by which users reach it.
    found: BTreeMap<String, String>,
}

impl Surface {
    /// What is public in a crate, or in a module without what is around it, that users reach as `path`.
    fn of(root: Module, path: &str) -> BTreeMap<String, String> {
        let mut types = BTreeSet::new();
        for item in root.all_items() {
            let name = match item {
                Item::Struct(it) => &it.ident,
                Item::Enum(it) => &it.ident,
                _ => continue,
            };
            // Paths to them are printed as their names alone.
            assert!(types.insert(name.to_string()), "two types are named {name}");
        }
        let mut surface = Self {
            root,
            types,
            found: BTreeMap::new(),
        };
        surface.module(&[], path);
        surface.found
    }

    /// Adds what is public in the module at `place`, which users reach as `path`.
    fn module(&mut self, place: &[String], path: &str) {
        for item in self.root.at(place).items.clone() {
            match &item {
                Item::Mod(it) if is_public(&it.vis) => {
                    let name = it.ident.to_string();
                    self.module(
                        &[place, std::slice::from_ref(&name)].concat(),
                        &format!("{path}::{name}"),
                    );
                }
                Item::Use(it) if is_public(&it.vis) => {
                    for (source, name) in leaves(&it.tree) {
                        self.reexport(place, &source, &name, path);
                    }
                }
                Item::Struct(_)
                | Item::Enum(_)
                | Item::Const(_)
                | Item::Fn(_)
                | Item::Type(_)
                | Item::Trait(_)
                | Item::Static(_)
                | Item::Union(_)
                | Item::Macro(_) => {
                    self.item(&item, None, path);
                }
                _ => {}
            }
        }
    }

    /// Adds what a `pub use` of `source` as `name`, or of everything in it, makes public.
    fn reexport(&mut self, place: &[String], source: &[String], name: &str, path: &str) {
        let target = self.root.resolve(place, source);
        match (target, name) {
            (Some(Target::Module(module)), "*") => self.module(&module, path),
            (Some(Target::Module(module)), _) => self.module(&module, &format!("{path}::{name}")),
            (Some(Target::Item(item)), _) => {
                let item = item.clone();
                self.item(&item, Some(name), path);
            }
            (Some(Target::External(source)), _) => {
                self.found
                    .insert(format!("{path}::{name}"), format!("use {source}\n"));
            }
            (None, _) => panic!(
                "pub use {} in crate::{} leads nowhere: mend the test, or add a crate to EXTERNAL",
                source.join("::"),
                place.join("::")
            ),
        }
    }

    /// Adds an item, if it is public, under its own name or another.
    fn item(&mut self, item: &Item, name: Option<&str>, path: &str) {
        let (visibility, ident) = match item {
            Item::Struct(it) => (&it.vis, &it.ident),
            Item::Enum(it) => (&it.vis, &it.ident),
            Item::Const(it) => (&it.vis, &it.ident),
            Item::Fn(it) => (&it.vis, &it.sig.ident),
            Item::Type(it) => (&it.vis, &it.ident),
            Item::Trait(it) => (&it.vis, &it.ident),
            other => panic!(
                "the test cannot print this kind of item: {}",
                one_line(other.clone())
            ),
        };
        if !is_public(visibility) {
            return;
        }
        let path = format!("{path}::{}", name.map_or(ident.to_string(), str::to_owned));
        let mut text = String::new();
        match item {
            Item::Struct(it) => {
                self.head(&mut text, "struct", &it.generics, &it.attrs, ident);
                self.fields(&mut text, &it.fields);
                self.methods(&mut text, ident);
            }
            Item::Enum(it) => {
                self.head(&mut text, "enum", &it.generics, &it.attrs, ident);
                for variant in &it.variants {
                    let mut variant = variant.clone();
                    let open = open_mark(&variant.attrs);
                    variant.attrs.clear();
                    variant
                        .fields
                        .iter_mut()
                        .for_each(|field| field.attrs.clear());
                    let item = self.shortened(parse_quote!(enum It { #variant }));
                    let item = item
                        .trim_start_matches("enum It { ")
                        .trim_end_matches(", }");
                    writeln!(text, "    {open}{item}").unwrap();
                }
                self.methods(&mut text, ident);
            }
            Item::Const(it) => {
                let mut it = it.clone();
                it.attrs.clear();
                let text_of = self.shortened(Item::Const(it));
                let (_, value) = text_of.split_once(": ").unwrap();
                writeln!(text, "const {}", value.trim_end_matches(';')).unwrap();
            }
            Item::Fn(it) => writeln!(text, "{}", self.signature(&it.sig)).unwrap(),
            Item::Type(it) => writeln!(text, "type {}", self.type_text(&it.ty)).unwrap(),
            Item::Trait(it) => self.requirements(&mut text, it),
            _ => {}
        }
        let twin = self.found.insert(path.clone(), text);
        assert!(twin.is_none(), "two items are {path}");
    }

    /// What a type is, and which traits it implements: by derivation, and by hand.
    fn head(
        &self,
        text: &mut String,
        kind: &str,
        generics: &syn::Generics,
        attributes: &[Attribute],
        name: &syn::Ident,
    ) {
        let open = open_mark(attributes);
        let generics = self.shortened(parse_quote!(struct It #generics;));
        let generics = generics
            .trim_start_matches("struct It")
            .trim_end_matches(';');
        let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
        let derived = list(derives(attributes));
        write!(text, "{open}{kind}{generics}").unwrap();
        if !derived.is_empty() {
            write!(text, ", derives {derived}").unwrap();
        }
        let implemented = list(
            self.impls(name)
                .iter()
                .filter_map(|it| self.implemented(it, name))
                .collect(),
        );
        if !implemented.is_empty() {
            write!(text, "; impl {implemented}").unwrap();
        }
        text.push('\n');
    }

    /// The crate's `impl` blocks that are about a type: for it, or for another crate's type and made from it.
    fn impls(&self, name: &syn::Ident) -> Vec<&ItemImpl> {
        let items = self.root.all_items().into_iter();
        let impls = items.filter_map(|item| match item {
            Item::Impl(it) => Some(it),
            _ => None,
        });
        impls
            .filter(|it| match last(&it.self_ty) {
                Some(target) if self.types.contains(&target) => *name == target,
                _ => it
                    .trait_
                    .as_ref()
                    .is_some_and(|(path, _)| mentions(path, name)),
            })
            .collect()
    }

    /// The trait that a block implements, with its associated types.
    fn implemented(&self, block: &ItemImpl, name: &syn::Ident) -> Option<String> {
        let (path, _) = block.trait_.as_ref()?;
        let mut text = self.type_text(&parse_quote!(#path));
        for item in &block.items {
            if let syn::ImplItem::Type(it) = item {
                write!(text, " {} = {}", it.ident, self.type_text(&it.ty)).unwrap();
            }
        }
        for parameter in block.generics.type_params() {
            if !parameter.bounds.is_empty() {
                let bounds = &parameter.bounds;
                let bounds = self.type_text(&parse_quote!(dyn #bounds));
                let bounds = bounds.trim_start_matches("dyn ");
                write!(text, " where {}: {bounds}", parameter.ident).unwrap();
            }
        }
        if last(&block.self_ty).is_none_or(|target| *name != target) {
            write!(text, " for {}", self.type_text(&block.self_ty)).unwrap();
        }
        Some(text)
    }

    /// The public fields. That there are others tells users that they cannot make one.
    fn fields(&self, text: &mut String, fields: &Fields) {
        for (index, field) in fields
            .iter()
            .enumerate()
            .filter(|(_, field)| is_public(&field.vis))
        {
            let name = field
                .ident
                .as_ref()
                .map_or(index.to_string(), ToString::to_string);
            writeln!(text, "    {name}: {}", self.type_text(&field.ty)).unwrap();
        }
        if fields.iter().any(|field| !is_public(&field.vis)) {
            writeln!(text, "    ..").unwrap();
        }
    }

    fn methods(&self, text: &mut String, name: &syn::Ident) {
        let mut lines = BTreeSet::new();
        for block in self
            .impls(name)
            .into_iter()
            .filter(|it| it.trait_.is_none())
        {
            for item in &block.items {
                match item {
                    syn::ImplItem::Fn(it) if is_public(&it.vis) => {
                        lines.insert(self.signature(&it.sig));
                    }
                    syn::ImplItem::Const(it) if is_public(&it.vis) => {
                        lines.insert(format!("const {}: {}", it.ident, self.type_text(&it.ty)));
                    }
                    _ => {}
                }
            }
        }
        for line in lines {
            writeln!(text, "    {line}").unwrap();
        }
    }

    /// What a trait asks for, and what it provides.
    fn requirements(&self, text: &mut String, item: &syn::ItemTrait) {
        let bounds = &item.supertraits;
        let bounds = self.type_text(&parse_quote!(dyn #bounds));
        writeln!(text, "trait: {}", bounds.trim_start_matches("dyn ")).unwrap();
        for item in &item.items {
            let syn::TraitItem::Fn(it) = item else {
                panic!("the test cannot print all of a trait");
            };
            let provided = it.default.as_ref().map_or("", |_| ", provided");
            writeln!(text, "    {}{provided}", self.signature(&it.sig)).unwrap();
        }
    }

    fn signature(&self, signature: &syn::Signature) -> String {
        let item = self.shortened(parse_quote!(trait It { #signature; }));
        let item = item.trim_start_matches("trait It { ");
        item.trim_end_matches("; }").to_owned()
    }

    fn type_text(&self, ty: &Type) -> String {
        let item = self.shortened(parse_quote!(type It = #ty;));
        item.trim_start_matches("type It = ")
            .trim_end_matches(';')
            .to_owned()
    }

    fn shortened(&self, mut item: Item) -> String {
        Shorten(&self.types).visit_item_mut(&mut item);
        one_line(item)
    }
}

/// Names the types of this crate and of the standard library without their paths.
struct Shorten<'a>(&'a BTreeSet<String>);

impl VisitMut for Shorten<'_> {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        path.leading_colon = None;
        let name = path.segments.last().unwrap().ident.to_string();
        let first = path.segments[0].ident.to_string();
        let known = self.0.contains(&name) && !EXTERNAL.contains(&first.as_str());
        let ours = ["crate", "self", "super", "types"].contains(&first.as_str());
        let std = ["std", "fmt"].contains(&first.as_str());
        // `Result` alone would be another one than `std::fmt::Result`.
        if (std && name != "Result") || (ours && known) {
            let last = path.segments.last().unwrap().clone();
            path.segments = [last].into_iter().collect();
        }
        visit_mut::visit_path_mut(self, path);
    }
}

/// An item as text, without the breaks of lines.
fn one_line(item: Item) -> String {
    let file = syn::File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items: vec![item],
    };
    let text = prettyplease::unparse(&file);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("( ", "(")
        .replace(", )", ")")
        .replace("< ", "<")
        .replace(", >", ">")
}

/// What is said before something that may grow.
fn open_mark(attributes: &[Attribute]) -> &'static str {
    let open = |it: &Attribute| it.path().is_ident("non_exhaustive");
    if attributes.iter().any(open) {
        "non_exhaustive "
    } else {
        ""
    }
}

/// Names of the derived traits; those that a feature brings say so.
fn derives(attributes: &[Attribute]) -> BTreeSet<String> {
    fn add(meta: &syn::Meta, suffix: &str, into: &mut BTreeSet<String>) {
        let syn::Meta::List(list) = meta else { return };
        if list.path.is_ident("derive") {
            let paths = list.parse_args_with(
                syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated,
            );
            for path in paths.unwrap() {
                into.insert(format!("{}{suffix}", path.segments.last().unwrap().ident));
            }
        } else if list.path.is_ident("cfg_attr") {
            let parts = list.parse_args_with(
                syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated,
            );
            for part in parts.unwrap() {
                add(&part, " (by a feature)", into);
            }
        }
    }
    let mut names = BTreeSet::new();
    for attribute in attributes {
        add(&attribute.meta, "", &mut names);
    }
    names
}

/// The name of a type without its path.
fn last(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(it) => Some(it.path.segments.last()?.ident.to_string()),
        _ => None,
    }
}

/// Whether a trait's arguments name a type.
fn mentions(path: &syn::Path, name: &syn::Ident) -> bool {
    let arguments = &path.segments.last().unwrap().arguments;
    let syn::PathArguments::AngleBracketed(arguments) = arguments else {
        return false;
    };
    arguments.args.iter().any(|argument| {
        matches!(argument, syn::GenericArgument::Type(ty) if last(ty).is_some_and(|it| *name == it))
    })
}

/// The modules of a crate of the workspace.
fn sources(name: &str) -> Module {
    let folder = root().join("crates").join(name).join("src");
    Module::read(&folder.join("lib.rs"), &folder)
}

fn text_of(found: BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (path, lines) in found {
        write!(text, "{path}: {lines}").unwrap();
    }
    text
}

#[test]
fn the_public_surface_of_the_wire_client() {
    let found = Surface::of(sources("pcaps-api"), "pcaps_api");
    insta::assert_snapshot!("pcaps_api", text_of(found));
}

#[test]
fn the_public_surface_of_the_client() {
    let mut client = sources("pcaps");
    // By itself: its account has the name of the other.
    let blocking = Surface::of(client.take("blocking"), "pcaps::blocking");
    let mut found = Surface::of(client, "pcaps");
    found.extend(blocking);
    insta::assert_snapshot!("pcaps", text_of(found));
}

#[test]
#[should_panic(expected = "pub use nowhere::Thing in crate:: leads nowhere")]
fn a_reexport_that_leads_nowhere_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lib.rs"), "pub use nowhere::Thing;").unwrap();
    let root = Module::read(&folder.path().join("lib.rs"), folder.path());
    Surface::of(root, "it");
}
