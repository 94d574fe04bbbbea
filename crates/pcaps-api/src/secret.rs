//! Text that must not be shown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text that may hold a secret: a challenge, a bucket's URI with its keys, or a message that may quote one.
///
/// It does not show itself in `Debug`, and has no `Display`. It does encode as it is: this is what goes over the wire.
///
/// ```
/// let secret = pcaps_api::Secret::from("r2://bucket?secret-access-key=hunter2");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert!(secret.expose().ends_with("hunter2"));
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(description = "Text that must not be shown.", extend("format" = "password"))
)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
