//! What a response holds and the description does not tell of.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Fields that the description does not list, by name.
///
/// They survive decoding and encoding. `Debug` shows their names only: what is not understood may hold a secret.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(description = "Fields that the description does not list, by name.")
)]
#[serde(transparent)]
pub struct Extra(Map<String, Value>);

impl Deref for Extra {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// An entry of a list or a map: of the shape that the description gives it, or of another.
///
/// One odd entry must not cost the caller the others, and survives decoding and encoding.
///
/// ```
/// use pcaps_api::{Entry, types::Message};
///
/// let messages: Vec<Entry<Message>> = serde_json::from_str(r#"[{"code": 1001}, "a bare word"]"#)?;
/// assert_eq!(messages[0].known().unwrap().code, Some(1001));
/// assert!(messages[1].known().is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(
        rename = "{T}Entry",
        description = "An entry of a list: of the shape that the description gives it, or of another."
    )
)]
#[serde(untagged)]
pub enum Entry<T> {
    /// As described.
    Known(T),
    /// Anything else, as it is.
    Other(Value),
}

impl<T> Entry<T> {
    /// The entry, if it is as described.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(it) => Some(it),
            Self::Other(_) => None,
        }
    }
}

impl<T> From<T> for Entry<T> {
    fn from(it: T) -> Self {
        Self::Known(it)
    }
}

impl<T: fmt::Debug> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(it) => it.fmt(f),
            Self::Other(_) => f.debug_tuple("Other").finish_non_exhaustive(),
        }
    }
}
