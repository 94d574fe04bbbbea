//! The generator's output, shaped for this workspace: allowed less, able to panic in fewer places, and describing itself.

use std::collections::BTreeSet;

use heck::ToSnakeCase;
use proc_macro2::{Literal, TokenStream, TokenTree};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::{
    Attribute, Expr, Field, File, ImplItem, Item, Token, parse_quote,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

use super::doc;
use crate::{
    json::{referenced, schemas},
    lower::{self, Lowered},
};

/// What is changed in the generator's output.
pub(super) struct Shape<'a>(pub(super) &'a Lowered);

impl VisitMut for Shape<'_> {
    /// Nothing is allowed to generated code that it can do without.
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| !attribute.path().is_ident("allow"));
        document(attributes);
    }

    fn visit_item_mut(&mut self, item: &mut Item) {
        match item {
            Item::Struct(it) => {
                describe(&mut it.attrs);
                keep_what_is_odd(&mut it.fields, self.0);
                can_be_empty(&mut it.attrs, &it.fields);
            }
            Item::Enum(it) => describe(&mut it.attrs),
            // Its constructor panics when TLS cannot be set up, and its client has a total timeout of 15 s, which
            // cuts long downloads. The shell has one that fails and has none.
            Item::Impl(it) if it.trait_.is_none() => it.items.retain(|item| match item {
                ImplItem::Fn(function) => !makes_client(&function.sig),
                _ => true,
            }),
            _ => {}
        }
        visit_mut::visit_item_mut(self, item);
    }

    /// A response that is a list is no field of anything.
    fn visit_impl_item_fn_mut(&mut self, function: &mut syn::ImplItemFn) {
        if function.sig.asyncness.is_some() {
            Entries(self.0).visit_return_type_mut(&mut function.sig.output);
        }
        visit_mut::visit_impl_item_fn_mut(self, function);
    }

    /// Integers arrive as `80` and as `80.0`.
    fn visit_field_mut(&mut self, field: &mut Field) {
        let ty = &field.ty;
        let ty = quote!(#ty).to_string();
        if ty == "i64" {
            field
                .attrs
                .push(parse_quote!(#[serde(deserialize_with = "crate::integer::required")]));
        } else if ty == ":: std :: option :: Option < i64 >" {
            // A field that must be there, though it may be null, has one already.
            drop_deserialize_with(&mut field.attrs);
            field.attrs.push(
                parse_quote!(#[serde(default, deserialize_with = "crate::integer::optional")]),
            );
        }
        visit_mut::visit_field_mut(self, field);
    }

    /// A pattern is compiled when it is first needed, and unwrapped. The generator has compiled it before and refuses
    /// the description if that fails; should it not compile here all the same, then nothing matches it.
    fn visit_item_static_mut(&mut self, item: &mut syn::ItemStatic) {
        if item.ident == "PATTERN" {
            Fallible.visit_item_static_mut(item);
        }
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if quote!(#expression).to_string() == "PATTERN . find (value) . is_none ()" {
            *expression = parse_quote!(PATTERN.as_ref().is_none_or(|it| it.find(value).is_none()));
        }
        visit_mut::visit_expr_mut(self, expression);
    }
}

/// Makes an `Option` of a regular expression that is unwrapped: of its type, and of its value.
struct Fallible;

impl VisitMut for Fallible {
    fn visit_type_mut(&mut self, ty: &mut syn::Type) {
        if quote!(#ty).to_string() == ":: regress :: Regex" {
            *ty = parse_quote!(::std::option::Option<#ty>);
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut syn::ExprMethodCall) {
        if call.method == "unwrap" {
            call.method = format_ident!("ok");
        }
        visit_mut::visit_expr_method_call_mut(self, call);
    }
}

/// Takes out the imports that the operations at hand do not need.
pub(super) fn drop_unused_imports(file: &mut File) {
    fn names(tokens: TokenStream, into: &mut BTreeSet<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(name) => drop(into.insert(name.to_string())),
                TokenTree::Group(group) => names(group.stream(), into),
                _ => {}
            }
        }
    }
    let mut used = BTreeSet::new();
    for item in file
        .items
        .iter()
        .filter(|item| !matches!(item, Item::Use(_)))
    {
        names(quote!(#item), &mut used);
    }
    // Of the traits, one is named where it is implemented, and one shows in its only method.
    if used.contains("form_urlencoded") {
        used.insert("RequestBuilderExt".to_owned());
    }
    if used.contains("exec") {
        used.insert("ClientHooks".to_owned());
    }
    for item in &mut file.items {
        if let Item::Use(it) = item
            && matches!(it.vis, syn::Visibility::Inherited)
            && let syn::UseTree::Path(path) = &mut it.tree
            && let syn::UseTree::Group(group) = &mut *path.tree
        {
            group.items = std::mem::take(&mut group.items)
                .into_iter()
                .filter(|name| match name {
                    syn::UseTree::Name(name) => used.contains(&name.ident.to_string()),
                    _ => true,
                })
                .collect();
        }
    }
}

fn drop_deserialize_with(attributes: &mut [Attribute]) {
    for attribute in attributes {
        let syn::Meta::List(list) = &mut attribute.meta else {
            continue;
        };
        let arguments = list.parse_args_with(Punctuated::<syn::Meta, Token![,]>::parse_terminated);
        if let Ok(arguments) = arguments {
            let others = arguments
                .iter()
                .filter(|it| !it.path().is_ident("deserialize_with"));
            list.tokens = quote!(#(#others),*);
        }
    }
}

/// In a struct that keeps unknown fields (a part of a response): those are not shown, and an entry of a list or a map
/// that is not of its described shape is kept as it is.
fn keep_what_is_odd(fields: &mut syn::Fields, lowered: &Lowered) {
    let flattens = |attribute: &Attribute| matches!(&attribute.meta, syn::Meta::List(it) if it.tokens.to_string() == "flatten");
    let holds_others = |field: &Field| field.attrs.iter().any(flattens);
    if !fields.iter().any(holds_others) {
        return;
    }
    for field in fields {
        if holds_others(field) {
            field.ty = parse_quote!(crate::Extra);
            continue;
        }
        Entries(lowered).visit_type_mut(&mut field.ty);
        // The description's own.
        if field.ident.as_ref().is_some_and(|it| it == "extra") {
            field.ident = Some(format_ident!("extra_"));
            field.attrs.push(parse_quote!(#[serde(rename = "extra")]));
        }
    }
}

/// A struct of nothing but what may be absent has a `Default`, so that whoever makes one need not name the fields that
/// the vendor adds later.
fn can_be_empty(attributes: &mut [Attribute], fields: &syn::Fields) {
    let may_be_absent = |field: &Field| {
        let ty = &field.ty;
        let ty = quote!(#ty).to_string();
        ty.starts_with(":: std :: option :: Option") || ty == "crate :: Extra"
    };
    if !fields.iter().all(may_be_absent) {
        return;
    }
    let derives = |it: &&mut Attribute| it.path().is_ident("derive");
    let Some(derive) = attributes.iter_mut().find(derives) else {
        return;
    };
    if let syn::Meta::List(list) = &mut derive.meta
        && !list.tokens.to_string().contains("Default")
    {
        let others = &list.tokens;
        list.tokens = quote!(#others, Default);
    }
}

/// Puts `Entry` around the elements of lists and maps, unless they are of a type that takes anything.
struct Entries<'a>(&'a Lowered);

impl Entries<'_> {
    fn take_anything(&self, ty: &syn::Path) -> bool {
        let ends = (ty.segments.first(), ty.segments.last());
        let (Some(first), Some(last)) = ends else {
            return false;
        };
        let union = self.0.unions.get(&last.ident.to_string());
        first.ident == "serde_json" || union.is_some_and(|it| it.open)
    }
}

impl VisitMut for Entries<'_> {
    fn visit_path_segment_mut(&mut self, segment: &mut syn::PathSegment) {
        visit_mut::visit_path_segment_mut(self, segment);
        if ["Vec", "BTreeMap"].iter().any(|it| segment.ident == it)
            && let syn::PathArguments::AngleBracketed(arguments) = &mut segment.arguments
            && let Some(syn::GenericArgument::Type(syn::Type::Path(element))) =
                arguments.args.last_mut()
            && !self.take_anything(&element.path)
        {
            *element = parse_quote!(crate::Entry<#element>);
        }
    }
}

/// A type of ours that stands for a component takes no documentation from it: what a secret is, its field says.
pub(super) fn document_secrets(types: &mut File, lowered: &Lowered) {
    let named = schemas(&lowered.document);
    for item in &mut types.items {
        let Item::Struct(it) = item else { continue };
        let properties = &named.get(&it.ident.to_string()).unwrap_or(&Value::Null)["properties"];
        for (name, schema) in properties.as_object().into_iter().flatten() {
            let secret = referenced(schema).filter(|name| lowered.secrets.contains(*name));
            let field = it.fields.iter_mut().find(|field| {
                let ident = field.ident.as_ref().map(ToString::to_string);
                ident == Some(name.to_snake_case())
            });
            if let (Some(secret), Some(field)) = (secret, field) {
                field.attrs.splice(0..0, doc(&lower::doc(&named[secret])));
            }
        }
    }
}

/// What a type checks when it is made is not to be seen in it: its JSON Schema is told.
pub(super) fn describe_patterns(types: &mut File, lowered: &Lowered) {
    let named = schemas(&lowered.document);
    for item in &mut types.items {
        let Item::Struct(it) = item else { continue };
        let Some(schema) = named.get(&it.ident.to_string()) else {
            continue;
        };
        if schema.get("pattern").is_none() {
            continue;
        }
        let mut bounds = Vec::new();
        for name in ["maxLength", "minLength", "pattern"] {
            let value = match schema.get(name) {
                Some(Value::String(text)) => quote!(#text),
                Some(Value::Number(number)) => {
                    let number = number.as_u64().map(Literal::u64_unsuffixed);
                    quote!(#number)
                }
                _ => continue,
            };
            bounds.push(quote!(#name = #value));
        }
        it.attrs
            .push(parse_quote!(#[cfg_attr(feature = "schemars", schemars(extend(#(#bounds),*)))]));
    }
}

fn makes_client(signature: &syn::Signature) -> bool {
    signature.ident == "new"
        && signature.inputs.iter().any(|input| match input {
            syn::FnArg::Typed(argument) => {
                matches!(&*argument.pat, syn::Pat::Ident(it) if it.ident == "baseurl")
            }
            syn::FnArg::Receiver(_) => false,
        })
}

/// Types that serialize can describe themselves, if the feature is on.
fn describe(attributes: &mut Vec<Attribute>) {
    let serializes = |attribute: &Attribute| {
        attribute.path().is_ident("derive") && quote!(#attribute).to_string().contains("Serialize")
    };
    if let Some(derive) = attributes.iter().position(serializes) {
        attributes.insert(
            derive + 1,
            parse_quote!(#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]),
        );
    }
}

/// Lays documentation out anew, one attribute a line, so that a diff shows the line that changed.
fn document(attributes: &mut Vec<Attribute>) {
    let mut text = String::new();
    attributes.retain(|attribute| {
        if let syn::Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(line),
                ..
            }) = &pair.value
        {
            text.push_str(&line.value());
            text.push('\n');
            false
        } else {
            true
        }
    });
    attributes.splice(0..0, doc(&text));
}
