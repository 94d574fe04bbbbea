//! Where a full capture's files go.

use std::{fmt, str::FromStr};

use url::Url;

use crate::{Error, redact};

/// A bucket, and a folder in it, that receives the files of full captures.
///
/// | store | form |
/// |---|---|
/// | Amazon S3 | `s3://<bucket>/<folder>?region=<region>` |
/// | Google Cloud Storage | `gs://<bucket>/<folder>` |
/// | Cloudflare R2 | `r2://<bucket>/<folder>?account-id=…&access-key-id=…&secret-access-key=…` |
///
/// The folder is optional. The keys of R2 are needed to register a bucket and are left out everywhere else. They are
/// shown neither by `Display` nor by `Debug`.
///
/// Source: Cloudflare's how-to page on buckets for packet captures.
///
/// ```
/// use pcaps::Destination;
///
/// let destination: Destination = "r2://captures/edge?account-id=1f&access-key-id=a&secret-access-key=s".parse()?;
/// assert_eq!(destination.to_string(), "r2://captures/edge?account-id=1f");
/// # Ok::<(), pcaps::Error>(())
/// ```
///
/// # Errors
///
/// Parsing anything else is an error of kind [`InvalidInput`](crate::ErrorKind::InvalidInput).
#[derive(Clone, PartialEq, Eq)]
pub struct Destination {
    /// As it was given: the service may compare it byte by byte.
    text: String,
    url: Url,
}

impl Destination {
    /// With its keys, as it is sent when a bucket is registered.
    pub(crate) fn with_keys(&self) -> pcaps_api::Secret {
        self.text.as_str().into()
    }

    /// Without its keys and otherwise as it was given, as it is sent everywhere else.
    pub(crate) fn without_keys(&self) -> String {
        let Some((place, query)) = self.text.split_once('?') else {
            return self.text.clone();
        };
        let kept: Vec<_> = query
            .split('&')
            .filter(|pair| !redact::is_secret(pair.split('=').next().unwrap_or_default()))
            .collect();
        if kept.is_empty() {
            place.to_owned()
        } else {
            format!("{place}?{}", kept.join("&"))
        }
    }

    /// Its keys: as they stand in it, and as they are when nothing is encoded.
    pub(crate) fn keys(&self) -> Vec<pcaps_api::Secret> {
        let query = self.text.split_once('?').map_or("", |(_, query)| query);
        let written = query.split('&').filter_map(|it| it.split_once('='));
        let written = written.filter(|(name, _)| redact::is_secret(name));
        let decoded = self.url.query_pairs();
        let decoded = decoded.filter(|(name, _)| redact::is_secret(name));
        written
            .map(|(_, value)| value.into())
            .chain(decoded.map(|(_, value)| value.as_ref().into()))
            .collect()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The name of the bucket.
    pub(crate) fn bucket(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// A parameter that is there and not empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = self.url.query_pairs();
        let found = pairs.find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.into_owned())
    }

    /// Whether both name the same folder, whatever their keys and the order of what they say. An account that one of
    /// them leaves out is not another.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let place = |it: &Self| {
            let path = it.url.path().trim_matches('/').to_owned();
            (it.url.scheme().to_owned(), it.bucket().to_owned(), path)
        };
        let same = |name| match (self.parameter(name), other.parameter(name)) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        place(self) == place(other) && same("account-id") && same("region")
    }

    /// Whether it holds all that registering needs.
    pub(crate) fn check_registrable(&self) -> Result<(), Error> {
        let missing: Vec<_> = match self.url.scheme() {
            "r2" => ["account-id", "access-key-id", "secret-access-key"]
                .into_iter()
                .filter(|name| self.parameter(name).is_none())
                .collect(),
            _ => Vec::new(),
        };
        if self.text.contains(redact::MASK) {
            return Err(Error::invalid(format!(
                "the bucket's URI holds the word {}, which stands for a key that was taken out: give the key itself",
                redact::MASK
            )));
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "registering the bucket {self} needs {} in its URI: \
             r2://<bucket>/<folder>?account-id=…&access-key-id=…&secret-access-key=…",
            missing.join(", ")
        )))
    }
}

impl FromStr for Destination {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        const FORMS: &str = "s3://<bucket>/<folder>?region=<region>, gs://<bucket>/<folder> or r2://<bucket>/<folder>?…";
        // The text is not repeated in an error: it may hold keys in a place where they are not recognised.
        let url = Url::parse(text).map_err(|error| {
            Error::invalid(format!(
                "the bucket is not a URI ({error}): write it as {FORMS}"
            ))
        })?;
        let destination = Self {
            text: text.to_owned(),
            url,
        };
        let url = &destination.url;
        if !matches!(url.scheme(), "s3" | "gs" | "r2") {
            return Err(Error::invalid(format!(
                "a bucket cannot be at {}://: write it as {FORMS}",
                url.scheme()
            )));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(Error::invalid(format!(
                "the bucket's URI has no bucket in it: write it as {FORMS}"
            )));
        }
        if !url.username().is_empty()
            || url.password().is_some()
            || url.port().is_some()
            || url.fragment().is_some()
        {
            return Err(Error::invalid(format!(
                "the bucket's URI has a user, a port or a fragment, which mean nothing there: write it as {FORMS}"
            )));
        }
        if url.scheme() == "s3" && destination.parameter("region").is_none() {
            return Err(Error::invalid(format!(
                "the bucket {destination} has no region: add ?region=<region>"
            )));
        }
        Ok(destination)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&redact::redacted(&self.without_keys()))
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destination({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const R2: &str = "r2://b/d?account-id=acc&access-key-id=AKAK&secret-access-key=SKSK";

    #[test]
    fn the_three_forms_parse() {
        for good in [
            "s3://b/d?region=us-east-1",
            "gs://b/d/e",
            "gs://b",
            R2,
            "r2://b",
        ] {
            good.parse::<Destination>().unwrap();
        }
    }

    #[test]
    fn anything_else_is_told_how_to_be_written() {
        for bad in [
            "",
            "b/d",
            "https://b/d",
            "s3://b/d",
            "s3://?region=x",
            "gs:///d",
            "gs://u:p@b/d",
            "gs://b:1/d",
        ] {
            let error = bad.parse::<Destination>().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
            assert!(
                error.to_string().contains("region") || error.to_string().contains("gs://<bucket>"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_folder_is_the_same_whatever_its_keys() {
        let same = |one: &str, other: &str| {
            let (one, other): (Destination, Destination) =
                (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(one.is_same(&other), other.is_same(&one));
            one.is_same(&other)
        };
        let masked = "r2://b/d/?access-key-id=REDACTED&account-id=acc";
        assert!(same(R2, "r2://b/d?account-id=acc") && same(R2, masked) && same(R2, "r2://b/d"));
        for other in [
            "r2://b/d?account-id=other",
            "r2://b/e",
            "r2://b",
            "gs://b/d",
        ] {
            assert!(!same(R2, other), "{other}");
        }
        assert!(!same("s3://b?region=eu", "s3://b?region=us"));
    }

    #[test]
    fn keys_are_sent_and_never_shown() {
        let destination: Destination = R2.parse().unwrap();
        assert_eq!(destination.with_keys().expose(), R2);
        assert_eq!(destination.without_keys(), "r2://b/d?account-id=acc");
        let shown = format!("{destination} {destination:?}");
        assert!(
            !shown.contains("AKAK") && !shown.contains("SKSK"),
            "{shown}"
        );
        let odd = "s3://b/d e/../c?region=eu&endpoint=https://x/y&flag&secret%2Daccess%2Dkey=SKSK";
        let odd: Destination = odd.parse().unwrap();
        assert_eq!(
            odd.without_keys(),
            "s3://b/d e/../c?region=eu&endpoint=https://x/y&flag",
            "nothing else is changed"
        );
        let masked: Destination = R2.replace("SKSK", "REDACTED").parse().unwrap();
        assert!(masked.check_registrable().is_err());
        let error = "r2://b?account-id=acc&access-key-id=AKAK"
            .parse::<Destination>()
            .unwrap();
        let error = error.check_registrable().unwrap_err().to_string();
        assert!(
            error.contains("secret-access-key") && !error.contains("AKAK"),
            "{error}"
        );
    }
}
