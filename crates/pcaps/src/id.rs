//! Ids, each kind a type of its own.

use std::{fmt, str::FromStr};

use pcaps_api::types::Identifier;

use crate::Error;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// Parses from 1 to 32 letters, digits, hyphens and underscores. Ids that the service hands out are 32
        /// hexadecimal characters. (Source: Cloudflare's API reference.)
        ///
        /// # Errors
        ///
        /// Parsing anything else is an error of kind [`InvalidInput`](crate::ErrorKind::InvalidInput): an empty id
        /// would turn "get one" into "list all", and one with a slash would reach another path.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            pub(crate) fn identifier(&self) -> Result<Identifier, Error> {
                self.0.parse().map_err(|_| {
                    let what = concat!("the ", $what, " id");
                    Error::invalid(if self.0.is_empty() {
                        format!("{what} is empty: give 1 to 32 letters and digits")
                    } else {
                        format!("{what} {:?} is not 1 to 32 letters, digits, hyphens and underscores", shortened(&self.0))
                    })
                })
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let id = Self(text.to_owned());
                id.identifier()?;
                Ok(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

id! {
    /// The id of an account: what [`Client::account`](crate::Client::account) takes.
    ///
    /// ```
    /// let id: pcaps::AccountId = "0123456789abcdef0123456789abcdef".parse()?;
    /// assert_eq!(id.as_str().len(), 32);
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    AccountId, "account"
}
id! {
    /// The id of a capture: [`Capture::id`](crate::Capture::id).
    ///
    /// ```
    /// let id: pcaps::CaptureId = "66802ca5668e47a2b82c2e6746e45037".parse()?;
    /// assert_eq!(id.to_string(), "66802ca5668e47a2b82c2e6746e45037");
    /// assert!("".parse::<pcaps::CaptureId>().is_err());
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    CaptureId, "capture"
}
id! {
    /// The id of a registered bucket: [`Bucket::id`](crate::Bucket::id), and what
    /// [`Account::remove_bucket`](crate::Account::remove_bucket) takes. It is not the bucket's name.
    ///
    /// ```
    /// let id: pcaps::BucketId = "9883874ecac311ec8475433579a6bf5f".parse()?;
    /// assert!("gs://captures/edge".parse::<pcaps::BucketId>().is_err());
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    BucketId, "bucket"
}

impl CaptureId {
    /// The id as the service gave it. Whether it is one is checked when it is used: a capture without an id must not
    /// cost the caller the list that it stands in.
    pub(crate) fn given(text: Option<String>) -> Self {
        Self(text.unwrap_or_default())
    }
}

impl BucketId {
    /// As [`CaptureId::given`].
    pub(crate) fn given(text: Option<String>) -> Self {
        Self(text.unwrap_or_default())
    }
}

/// An id that is far too long need not be shown whole.
fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 {
        text.to_owned()
    } else {
        text.chars().take(40).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_safe_in_a_path() {
        assert_eq!(
            "0123456789abcdef0123456789abcdef"
                .parse::<CaptureId>()
                .unwrap()
                .as_str()
                .len(),
            32
        );
        for bad in [
            "",
            "..",
            "a/b",
            "a b",
            "a?b",
            "ä",
            "a\n",
            "0123456789abcdef0123456789abcdef0",
        ] {
            let error = bad.parse::<CaptureId>().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput, "{bad:?}");
            assert!(error.to_string().contains("1 to 32 letters"), "{error}");
        }
        assert!(
            "x".repeat(10_000)
                .parse::<AccountId>()
                .unwrap_err()
                .to_string()
                .len()
                < 200
        );
    }
}
