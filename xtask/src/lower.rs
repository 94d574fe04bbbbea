//! Workarounds for the generator's limits, made on a copy of the description that is never written.
//!
//! One function for each limit. None of them names a path or a type of the API at hand. What is wrong with the
//! *description* is mended in `spec/overlay.yaml` instead.
//!
//! Several rest on one rule: a response may lack any field, hold null in it, exceed any limit, and use any name in
//! place of a listed one. Nobody promised otherwise, and one odd entry must not cost the caller a whole list. So
//! generated types take everything that has the right shape; what a caller needs is checked by name above them.

mod loosen;
mod merge;
mod names;
mod open;
mod parts;
mod responses;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::Value;

pub(crate) use self::{
    loosen::{BOUNDS, is_kept, prune},
    names::{rust_name, variant_name},
};
use self::{
    loosen::{
        drop_bounds, drop_defaults, drop_formats, drop_scalar_enums, null_in_place, relax_responses,
    },
    merge::{inline_aliases, lift_notes, merge_all_of},
    names::{name_bodies, rust_names, type_enums},
    open::{keep_unknown_fields, open_enums, secrets, tagged_unions, untold_unions},
    parts::name_parts,
    responses::{any_without_schema, failures_by_class, one_type_of_failure},
};
use crate::json::{operations, reachable, schemas};

/// What the generator is given, and what is emitted beside its output.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The description, within the generator's limits.
    pub document: Value,
    /// String types that keep values they do not know, by type name.
    pub open_enums: BTreeMap<String, OpenEnum>,
    /// Unions told apart by a field, by type name.
    pub unions: BTreeMap<String, Union>,
    /// Names of the strings that must not be shown.
    pub secrets: BTreeSet<String>,
}

/// A string type with known values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEnum {
    /// Documentation, may be empty.
    pub doc: String,
    /// The known values as they are on the wire.
    pub values: Vec<String>,
}

/// A union whose members are told apart by the value of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Union {
    /// Documentation, may be empty.
    pub doc: String,
    /// The name of the field.
    pub tag: String,
    /// Value of the field and type name of the member, in the description's order of values.
    pub members: BTreeMap<String, String>,
    /// Type names of the members that can hold the union again, and are held in a `Box`.
    pub recursive: BTreeSet<String>,
    /// Whether anything else is kept as it is (in responses) or refused (in requests).
    pub open: bool,
}

/// Lowers a description.
///
/// # Errors
///
/// When the description has a shape that the lowering does not know how to handle; the error names the place.
pub fn lower(description: &Value) -> Result<Lowered> {
    let mut document = types(description)?;
    null_in_place(&mut document);
    let unions = tagged_unions(&mut document)?;
    untold_unions(&mut document, &unions)?;
    let open_enums = open_enums(&mut document)?;
    keep_unknown_fields(&mut document);
    relax_responses(&mut document);
    drop_bounds(&mut document);
    drop_formats(&mut document);
    drop_defaults(&mut document);
    prune(&mut document);
    let secrets = secrets(&document);
    Ok(Lowered {
        document,
        open_enums,
        unions,
        secrets,
    })
}

/// The part of the lowering after which one component is one Rust type, with everything about it still there: what
/// [`crate::diff`] compares.
///
/// # Errors
///
/// As [`lower`].
pub fn types(description: &Value) -> Result<Value> {
    let mut document = description.clone();
    rust_names(&mut document)?;
    type_enums(&mut document);
    any_without_schema(&mut document);
    failures_by_class(&mut document)?;
    one_type_of_failure(&mut document)?;
    lift_notes(&mut document);
    name_bodies(&mut document)?;
    name_parts(&mut document)?;
    merge_all_of(&mut document)?;
    drop_scalar_enums(&mut document);
    inline_aliases(&mut document);
    prune(&mut document);
    Ok(document)
}

/// Names of the components that a response can hold.
fn in_responses(document: &Value) -> BTreeSet<String> {
    reachable(
        &schemas(document),
        operations(document).map(|(_, _, operation)| &operation["responses"]),
    )
}

/// Names of the components that a request can hold.
pub(crate) fn in_requests(document: &Value) -> BTreeSet<String> {
    reachable(
        &schemas(document),
        operations(document).map(|(_, _, operation)| &operation["requestBody"]),
    )
}

/// The whole numbers that a schema allows, from and to: OpenAPI 3.0 says with a flag that a bound itself is not allowed.
pub(crate) fn range(schema: &Value) -> (Option<i64>, Option<i64>) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and in range"
    )]
    let bound = |key: &str| {
        let whole = |it: f64| (it.fract() == 0.0 && it.abs() < 9.0e15).then_some(it as i64);
        schema[key]
            .as_i64()
            .or_else(|| whole(schema[key].as_f64()?))
    };
    let excludes = |key: &str| i64::from(schema[key] == true);
    (
        bound("minimum").map(|it| it.saturating_add(excludes("exclusiveMinimum"))),
        bound("maximum").map(|it| it.saturating_sub(excludes("exclusiveMaximum"))),
    )
}

/// The documentation of a schema.
pub(crate) fn doc(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The generator reads the lowered document through `openapiv3`.
///
/// # Errors
///
/// When it is not an OpenAPI 3.0 document.
pub fn openapi(document: &Value) -> Result<openapiv3::OpenAPI> {
    match document["openapi"].as_str() {
        Some(version) if version.starts_with("3.0.") => {}
        version => bail!("the description is OpenAPI {version:?}, not 3.0"),
    }
    // Through text: numbers and the order of keys are then those of a file, whatever features `serde_json` is built with.
    serde_json::from_str(&crate::json::canonical(document))
        .context("the lowered description is not OpenAPI 3.0")
}
