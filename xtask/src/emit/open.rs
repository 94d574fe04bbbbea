//! Open enums and tagged unions, which the generator cannot make: `lower::open` says why.
//!
//! What serde derives decodes more than strings: a number as the index of a variant, `{"complete": null}` as `complete`.
//! Encoding would not give those back, so that `Deserialize` is written out.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use proc_macro2::TokenStream;
use quote::quote;
use syn::File;

use super::{doc, ident, module_doc};
use crate::lower::{self, Lowered, OpenEnum, Union};

/// Open enums and tagged unions.
pub(super) fn open(lowered: &Lowered) -> Result<File> {
    let enums = lowered
        .open_enums
        .iter()
        .map(|(name, it)| emit_enum(name, it))
        .collect::<Result<Vec<_>>>()?;
    let unions = lowered
        .unions
        .iter()
        .map(|(name, it)| emit_union(name, it))
        .collect::<Result<Vec<_>>>()?;
    let doc = module_doc("Types that keep values which the description does not list.");
    syn::parse2(quote!(#(#doc)* #(#enums)* #(#unions)*)).context("the emitted enums are not Rust")
}

fn emit_enum(name: &str, it: &OpenEnum) -> Result<TokenStream> {
    let variants = variants(name, it.values.iter().map(String::as_str), true)?;
    let name = ident(name)?;
    let docs_of_type = doc(&it.doc);
    let idents: Vec<_> = variants
        .keys()
        .map(|name| ident(name))
        .collect::<Result<_>>()?;
    let values: Vec<_> = variants.values().collect();
    let docs = values.iter().map(|value| doc(&format!("`{value}`")));
    Ok(quote! {
        #(#docs_of_type)*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum #name {
            #(#(#docs)* #[serde(rename = #values)] #idents,)*
            /// A value that the description does not list.
            #[serde(untagged)]
            Other(String),
        }
        impl #name {
            /// The value as it is on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    #(Self::#idents => #values,)*
                    Self::Other(value) => value,
                }
            }
        }
        impl<'de> serde::Deserialize<'de> for #name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value: String = serde::Deserialize::deserialize(deserializer)?;
                Ok(match value.as_str() {
                    #(#values => Self::#idents,)*
                    _ => Self::Other(value),
                })
            }
        }
        impl std::fmt::Display for #name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    })
}

/// Variant names and the values they stand for.
fn variants<'a>(
    name: &str,
    values: impl Iterator<Item = &'a str>,
    open: bool,
) -> Result<BTreeMap<String, &'a str>> {
    let mut variants = BTreeMap::new();
    for value in values {
        let ident = lower::variant_name(value, open);
        if syn::parse_str::<syn::Ident>(&ident).is_err() {
            bail!("{name}: the value {value:?} cannot be made into a Rust name");
        }
        if let Some(twin) = variants.insert(ident, value) {
            bail!("{name}: the values {value:?} and {twin:?} would have one Rust name");
        }
    }
    Ok(variants)
}

fn emit_union(name: &str, it: &Union) -> Result<TokenStream> {
    let variants = variants(name, it.members.keys().map(String::as_str), it.open)?;
    let name = ident(name)?;
    let docs_of_type = doc(&it.doc);
    let tag = &it.tag;
    let idents: Vec<_> = variants
        .keys()
        .map(|name| ident(name))
        .collect::<Result<_>>()?;
    let values: Vec<_> = variants.values().collect();
    let members: Vec<_> = values
        .iter()
        .map(|value| {
            let member = &it.members[**value];
            let name = ident(member)?;
            let ty = quote!(super::types::#name);
            Ok(if it.recursive.contains(member) {
                quote!(Box<#ty>)
            } else {
                ty
            })
        })
        .collect::<Result<_>>()?;
    let docs = values
        .iter()
        .map(|value| doc(&format!("`{tag}` is `{value}`.")));
    let quoted: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
    let refusal = format!("expected `{tag}` to be {}", quoted.join(" or "));
    let (attributes, other, debug, decoded) = if it.open {
        let other = quote! {
            /// Anything else, as it is: of another type, or not of the shape that its type should have.
            #[serde(untagged)]
            Other(serde_json::Value),
        };
        let debug = quote! {
            /// What is not understood may hold a secret: it is not shown.
            impl std::fmt::Debug for #name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    match self {
                        #(Self::#idents(it) => f.debug_tuple(stringify!(#idents)).field(it).finish(),)*
                        Self::Other(_) => f.debug_tuple("Other").finish_non_exhaustive(),
                    }
                }
            }
        };
        (
            quote!(#[derive(Clone, serde::Serialize)] #[non_exhaustive]),
            Some(other),
            Some(debug),
            quote!(Ok(known.unwrap_or(Self::Other(value)))),
        )
    } else {
        (
            quote!(#[derive(Clone, Debug, serde::Serialize)]),
            None,
            None,
            quote!(known.map_err(serde::de::Error::custom)),
        )
    };
    Ok(quote! {
        #(#docs_of_type)*
        #attributes
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
        #[serde(tag = #tag)]
        pub enum #name {
            #(#(#docs)* #[serde(rename = #values)] #idents(#members),)*
            #other
        }
        impl<'de> serde::Deserialize<'de> for #name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value: serde_json::Value = serde::Deserialize::deserialize(deserializer)?;
                let known = match crate::tagged::tag(&value, #tag) {
                    #(Some(#values) => crate::tagged::member(&value, #tag).map(Self::#idents),)*
                    _ => Err(serde::de::Error::custom(#refusal)),
                };
                #decoded
            }
        }
        #debug
    })
}
