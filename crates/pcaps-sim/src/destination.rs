//! Bucket URIs: the texts of `destination_conf`.

use object_store::path::Path as Key;
use url::Url;

/// The longest URI that is looked at, in bytes. An object's name has 1,024 at most.
const MAX_LEN: usize = 2_048;

/// What a URI is given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To register the bucket: with the keys that it takes to write to it.
    Register,
    /// To speak of a bucket that is registered: keys are not needed.
    Refer,
    /// To speak of it to the simulator itself: nothing of the query is needed.
    Name,
}

/// A directory of a bucket.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    directory: Key,
    /// The account that an R2 bucket is of, if the URI says: the same name is another bucket there.
    account: Option<String>,
}

impl Destination {
    /// Where the directory is in the object store that holds all buckets: below the scheme and the
    /// bucket.
    pub(crate) fn directory(&self) -> &Key {
        &self.directory
    }

    /// Whether both may be the same: scheme, bucket and directory are, and so are the accounts, where both
    /// have one. Not the region, and not the keys.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let one_account = match (&self.account, &other.account) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        one_account && self.directory == other.directory
    }

    /// Reads a URI. The error says what is wrong with it, and not what it is: it may hold keys.
    pub(crate) fn parse(text: &str, purpose: Purpose) -> Result<Self, &'static str> {
        if text.len() > MAX_LEN {
            return Err("it is longer than 2,048 characters");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("it has spaces or control characters; encode them as in any URI");
        }
        let url = Url::parse(text).map_err(
            |_| "give s3://<bucket>/<dir>?region=<region>, gs://<bucket>/<dir> or r2://<bucket>/<dir>",
        )?;
        if !url.username().is_empty()
            || url.password().is_some()
            || url.port().is_some()
            || url.fragment().is_some()
        {
            return Err(
                "it has parts that a bucket's URI does not have: a user, a port or a fragment",
            );
        }
        let bucket = url.host_str().filter(|name| is_bucket(name)).ok_or(
            "its bucket's name is not one: letters, digits, hyphens, underscores and dots, beginning and ending \
             with a letter or digit",
        )?;
        match url.scheme() {
            "s3" if purpose != Purpose::Name && !has(&url, "region") => {
                return Err("it lacks `region` in its query");
            }
            "r2" if purpose == Purpose::Register
                && !["account-id", "access-key-id", "secret-access-key"]
                    .into_iter()
                    .all(|name| has(&url, name)) =>
            {
                return Err(
                    "its query lacks `account-id`, `access-key-id` or `secret-access-key`, which registering takes",
                );
            }
            "s3" | "gs" | "r2" => {}
            _ => return Err("its scheme is not s3, gs or r2"),
        }
        // The URL's own path has dot pieces resolved already: the text shows whether there were any.
        let raw = text.split(['?', '#']).next().unwrap_or_default();
        if raw.split('/').any(is_dots) {
            return Err("its directory has a piece that is `.` or `..`");
        }
        let decoded = Key::from_url_path(url.path())
            .map_err(|_| "its directory has pieces that are empty, dots or not UTF-8")?;
        // In a folder it would be a separator, on some systems.
        if decoded.as_ref().contains('\\') {
            return Err("its directory has a backslash");
        }
        // Parsed, so that names stay what they are: put together of parts, it would encode some characters.
        let directory = Key::parse(format!("{}/{bucket}/{decoded}", url.scheme()))
            .map_err(|_| "its directory has pieces that are empty or dots")?;
        let account = value(&url, "account-id").filter(|_| url.scheme() == "r2");
        Ok(Self { directory, account })
    }
}

fn has(url: &Url, name: &str) -> bool {
    value(url, name).is_some()
}

/// What the query says, if it is not empty.
fn value(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

pub(crate) fn is_bucket(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    // 222 is the longest of the three services.
    (1..=222).contains(&bytes.len())
        && ends
            .into_iter()
            .all(|it| it.is_some_and(u8::is_ascii_alphanumeric))
        && bytes
            .iter()
            .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.'))
}

/// Whether a piece of a path means this folder or the one above, also when it is encoded.
fn is_dots(piece: &str) -> bool {
    let piece = piece.to_ascii_lowercase().replace("%2e", ".");
    piece == "." || piece == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(text: &str) -> Result<String, &'static str> {
        Destination::parse(text, Purpose::Refer).map(|it| it.directory.to_string())
    }

    #[test]
    fn each_form_has_its_place() -> Result<(), &'static str> {
        for (text, place) in [
            ("s3://b/d?region=eu-west-2", "s3/b/d"),
            ("s3://b?region=eu-west-2", "s3/b"),
            ("gs://b.example_1/d/e/", "gs/b.example_1/d/e"),
            ("r2://b", "r2/b"),
            ("r2://b/d?account-id=a&access-key-id=k", "r2/b/d"),
            ("gs://b/d%20e", "gs/b/d e"),
            ("gs://b/é", "gs/b/é"),
            ("gs://b/%C3%A9/{a}%23", "gs/b/é/{a}#"),
        ] {
            assert_eq!(directory(text)?, place, "{text}");
        }
        Ok(())
    }

    #[test]
    fn the_query_does_not_tell_directories_apart() -> Result<(), &'static str> {
        let refer = |text| Destination::parse(text, Purpose::Refer);
        let keys = "r2://b/d?account-id=a&access-key-id=k&secret-access-key=s";
        let registered = Destination::parse(keys, Purpose::Register)?;
        for same in [
            "r2://b/d",
            "r2://b/d?account-id=a",
            "r2://b/d?access-key-id=l",
        ] {
            assert!(registered.is_same(&refer(same)?), "{same}");
        }
        for other in ["r2://b/d?account-id=b", "r2://b/e?account-id=a", "r2://b"] {
            assert!(!registered.is_same(&refer(other)?), "{other}");
        }
        let one = refer("s3://b/d?region=eu-west-2&account-id=a")?;
        assert!(one.is_same(&refer("s3://b/d?region=us-east-1&account-id=b")?));
        Ok(())
    }

    #[test]
    fn a_name_needs_no_query() -> Result<(), &'static str> {
        for text in ["s3://b/d", "gs://b/d", "r2://b/d"] {
            Destination::parse(text, Purpose::Name)?;
        }
        assert!(Destination::parse("https://b/d", Purpose::Name).is_err());
        Ok(())
    }

    #[test]
    fn registering_takes_the_keys() {
        for text in ["r2://b/d", "r2://b/d?account-id=a&access-key-id=k"] {
            assert!(
                Destination::parse(text, Purpose::Register).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_bucket_is_refused() {
        for text in [
            "",
            "bucket",
            "/etc/passwd",
            "file:///etc/passwd",
            "https://b/d",
            "s3:///d?region=r",
            "s3://b/d",
            "s3://b/d?region=",
            "gs://../d",
            "gs://.b/d",
            "gs://b%2F..%2Fc/d",
            "gs://user:secret@b/d",
            "gs://b:80/d",
            "gs://b/d#e",
            "gs://b/d e",
            "gs://b/d\n",
            "gs://[::1]/d",
            &format!("gs://b/{}", "d".repeat(3_000)),
        ] {
            assert!(directory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_directory_leads_elsewhere() {
        for text in [
            "gs://b/../c",
            "gs://b/d/..",
            "gs://b/./d",
            "gs://b/%2e%2E/c",
            "gs://b/.%2e/c",
            "gs://b/..%2f..%2fc",
            "gs://b/d//e",
            // On some systems a separator, too.
            r"gs://b/..\..\c",
            "gs://b/..%5C..%5cc",
        ] {
            assert!(directory(text).is_err(), "{text}");
        }
        // Odd, but pieces of their own.
        assert_eq!(directory("gs://b/%252e%252e/c"), Ok("gs/b/%2e%2e/c".into()));
        assert_eq!(directory("gs://b/.../~"), Ok("gs/b/.../~".into()));
    }
}
