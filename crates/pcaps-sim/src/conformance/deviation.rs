//! Where an answer is right although a description says otherwise.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::schema::resolve;

/// What a description is not held to, each for its reason. A test fails when no description needs one any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deviation {
    /// The vendor's failures are `allOf` of the success envelope, in which `success` is only true, and of the failure
    /// envelope, in which it is only false. Nothing can be both, and what arrives is the second.
    ///
    /// The rule: where the members of a failure's `allOf` allow `success` no value in common, those count that allow
    /// false. Where they do, as they would once the vendor has mended it, the `allOf` counts as it is.
    ContradictingFailure,
    /// A part of a download (206), which the simulator gives when it is told to (`ranges`): HTTP's own way to answer a
    /// request that asks for one. It is held to what is said of the whole (200), and must say which part it is.
    PartialContent,
}

impl Deviation {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::ContradictingFailure, Self::PartialContent];
}

/// What counts of a failure's schema, when not all of it does.
pub(super) fn failing_half(schema: &Value, document: &Value) -> Option<Value> {
    let members = schema["allOf"].as_array()?;
    let allowed: Vec<_> = members
        .iter()
        .map(|it| successes(it, document, 0))
        .collect();
    let common = allowed.iter().fold(both(), |common, it| {
        common.intersection(it).copied().collect()
    });
    if !common.is_empty() {
        return None;
    }
    let failing = members.iter().zip(&allowed);
    let failing: Vec<_> = failing
        .filter(|(_, allowed)| allowed.contains(&false))
        .map(|(member, _)| member.clone())
        .collect();
    let half = Map::from_iter([("allOf".to_owned(), Value::Array(failing))]);
    Some(Value::Object(half))
}

fn both() -> BTreeSet<bool> {
    BTreeSet::from([false, true])
}

/// What a schema allows `success` to be.
fn successes(schema: &Value, document: &Value, depth: usize) -> BTreeSet<bool> {
    let schema = resolve(schema, document);
    let values = schema["properties"]["success"]["enum"].as_array();
    let mut allowed = values.map_or_else(both, |values| {
        values.iter().filter_map(Value::as_bool).collect()
    });
    // A schema that holds itself says nothing new further down.
    if depth < 32 {
        for member in schema["allOf"].as_array().into_iter().flatten() {
            let inner = successes(member, document, depth + 1);
            allowed = allowed.intersection(&inner).copied().collect();
        }
    }
    allowed
}
