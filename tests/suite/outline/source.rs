//! A crate's modules as they are written, and what paths in them lead to.

use std::{collections::BTreeMap, fs, path::Path};

use syn::{
    Attribute, Expr, Item, Lit, Token, UseTree, Visibility, parse::ParseStream,
    punctuated::Punctuated,
};

/// The crates whose items are re-exported. They are named, not opened.
pub(super) const EXTERNAL: [&str; 5] = [
    "object_store",
    "pcaps_api",
    "pcaps_file",
    "pcaps_table",
    "progenitor_client",
];

/// A module as it is written, private things included.
pub(super) struct Module {
    pub(super) items: Vec<Item>,
    modules: BTreeMap<String, Module>,
}

impl Module {
    /// Reads a file, and those of the modules in it, which are in `folder`.
    pub(super) fn read(file: &Path, folder: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        Self::new(syn::parse_file(&text).unwrap().items, folder)
    }

    fn new(items: Vec<Item>, folder: &Path) -> Self {
        let items = expanded(items);
        let mut modules = BTreeMap::new();
        for item in &items {
            let Item::Mod(it) = item else { continue };
            let name = it.ident.to_string();
            let folder = folder.join(&name);
            let module = match &it.content {
                Some((_, items)) => Self::new(items.clone(), &folder),
                None if folder.with_extension("rs").exists() => {
                    Self::read(&folder.with_extension("rs"), &folder)
                }
                None => Self::read(&folder.join("mod.rs"), &folder),
            };
            modules.insert(name, module);
        }
        Self { items, modules }
    }

    /// Takes an inner module out.
    pub(super) fn take(&mut self, name: &str) -> Module {
        self.items
            .retain(|item| !matches!(item, Item::Mod(it) if it.ident == name));
        self.modules.remove(name).unwrap()
    }

    /// Every module's items, the inner ones' as well; tests are no part of the surface.
    pub(super) fn all_items(&self) -> Vec<&Item> {
        let inner = self.modules.iter().filter(|(name, _)| *name != "tests");
        let inner = inner.flat_map(|(_, module)| module.all_items());
        self.items.iter().chain(inner).collect()
    }

    /// The module at a place within this one.
    pub(super) fn at(&self, path: &[String]) -> &Module {
        let mut module = self;
        for name in path {
            module = &module.modules[name];
        }
        module
    }

    /// Follows a path from the module at `place` in this one, the crate, through imports.
    pub(super) fn resolve(&self, place: &[String], path: &[String]) -> Option<Target<'_>> {
        let Some((first, rest)) = path.split_first() else {
            return Some(Target::Module(place.to_vec()));
        };
        match first.as_str() {
            "crate" => return self.resolve(&[], rest),
            "self" => return self.resolve(place, rest),
            "super" => return self.resolve(place.split_last()?.1, rest),
            _ => {}
        }
        let module = self.at(place);
        if module.modules.contains_key(first) {
            return self.resolve(&[place, std::slice::from_ref(first)].concat(), rest);
        }
        if let Some(item) = module
            .items
            .iter()
            .find(|item| name_of(item).as_deref() == Some(first))
        {
            return rest.is_empty().then_some(Target::Item(item));
        }
        for item in &module.items {
            let Item::Use(it) = item else { continue };
            for (source, name) in leaves(&it.tree) {
                let found = match name.as_str() {
                    "*" => self.resolve(place, &[source.as_slice(), path].concat()),
                    _ if name == *first && source != path => {
                        self.resolve(place, &[source.as_slice(), rest].concat())
                    }
                    _ => None,
                };
                if found.is_some() {
                    return found;
                }
            }
        }
        EXTERNAL
            .contains(&first.as_str())
            .then(|| Target::External(path.join("::")))
    }
}

/// Items, with what a macro of the same module makes in place of its call, where that can be told.
fn expanded(items: Vec<Item>) -> Vec<Item> {
    let definitions: BTreeMap<_, _> = items
        .iter()
        .filter_map(|item| match item {
            Item::Macro(it) => Some((it.ident.clone()?, it.mac.tokens.to_string())),
            _ => None,
        })
        .collect();
    let expand = |item| match &item {
        Item::Macro(it) => it
            .mac
            .path
            .get_ident()
            .and_then(|name| made(definitions.get(name)?, &it.mac))
            .unwrap_or_else(|| vec![item]),
        _ => vec![item],
    };
    items.into_iter().flat_map(expand).collect()
}

/// What a call makes of a macro with one arm, that takes attributes (which are left out) and then names and strings
/// between commas.
fn made(definition: &str, call: &syn::Macro) -> Option<Vec<Item>> {
    let arguments = call.parse_body_with(|input: ParseStream<'_>| {
        Attribute::parse_outer(input)?;
        Punctuated::<Expr, Token![,]>::parse_terminated(input)
    });
    let definition = definition.replace("$ ", "$");
    let (pattern, body) = definition.split_once("=>")?;
    let variables = pattern.split('$').filter_map(|it| it.split_once(" :"));
    let variables = variables.filter(|(_, kind)| !kind.starts_with(" meta"));
    let body = body.trim().trim_end_matches(';').trim();
    let body = body.strip_prefix('{')?.strip_suffix('}')?;
    let mut body = body.replace("$(# [$doc]) *", "");
    for ((variable, _), argument) in variables.zip(arguments.ok()?) {
        let text = match argument {
            Expr::Path(it) => it.path.get_ident()?.to_string(),
            Expr::Lit(syn::ExprLit {
                lit: Lit::Str(it), ..
            }) => format!("{:?}", it.value()),
            _ => return None,
        };
        body = body.replace(&format!("${variable}"), &text);
    }
    Some(syn::parse_file(&body).ok()?.items)
}

/// What a path leads to.
pub(super) enum Target<'a> {
    Item(&'a Item),
    Module(Vec<String>),
    External(String),
}

pub(super) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Struct(it) => &it.ident,
        Item::Enum(it) => &it.ident,
        Item::Const(it) => &it.ident,
        Item::Fn(it) => &it.sig.ident,
        Item::Type(it) => &it.ident,
        Item::Trait(it) => &it.ident,
        Item::Static(it) => &it.ident,
        Item::Union(it) => &it.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Each path that an import names, with the name that it gives it; `*` for everything.
pub(super) fn leaves(tree: &UseTree) -> Vec<(Vec<String>, String)> {
    let below = |name: String, leaves: Vec<(Vec<String>, String)>| {
        let longer =
            |(path, last): (Vec<String>, String)| ([vec![name.clone()], path].concat(), last);
        leaves.into_iter().map(longer).collect()
    };
    match tree {
        UseTree::Path(it) => below(it.ident.to_string(), leaves(&it.tree)),
        UseTree::Name(it) => vec![(vec![it.ident.to_string()], it.ident.to_string())],
        UseTree::Rename(it) => vec![(vec![it.ident.to_string()], it.rename.to_string())],
        UseTree::Glob(_) => vec![(Vec::new(), "*".to_owned())],
        UseTree::Group(it) => it.items.iter().flat_map(leaves).collect(),
    }
}
