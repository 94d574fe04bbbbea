//! Unions whose members are told apart by a field, the tag.

use serde::{Deserialize, de::value::MapDeserializer};
use serde_json::{Error, Value};

/// The tag of a union, if it is a string: a number would be no name of a member.
pub(crate) fn tag<'a>(union: &'a Value, name: &str) -> Option<&'a str> {
    union.get(name)?.as_str()
}

/// A member of a union, from the fields other than the tag: the union holds that one.
pub(crate) fn member<'a, T: Deserialize<'a>>(union: &'a Value, tag: &str) -> Result<T, Error> {
    let fields = union.as_object().into_iter().flatten();
    let others = fields.filter(|(name, _)| *name != tag);
    T::deserialize(MapDeserializer::new(
        others.map(|(name, value)| (name.as_str(), value)),
    ))
}
