//! The buckets that full captures are written to.

mod store;

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use object_store::{ObjectStore, memory::InMemory, path::Path as Key};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    destination::{Destination, Purpose},
    error::Repr,
};
pub use store::Store;

/// All buckets that the simulator can reach.
///
/// Every bucket exists, and may be written to: `s3://bucket/dir`, `gs://bucket/dir` and `r2://bucket/dir` are at
/// `s3/bucket/dir`, `gs/bucket/dir` and `r2/bucket/dir` in one store, in memory or in a folder, and others are
/// where a [mapping](Self::map) says. A bucket can be [refused](Self::refuse), to see what a client does then.
///
/// Cheap to clone, and clones share their content and what is refused.
///
/// # Examples
///
/// ```
/// use pcaps_sim::Buckets;
///
/// let buckets = Buckets::memory();
/// let (_, directory) = buckets.place("s3://captures/edge?region=eu-west-2")?;
/// assert_eq!(directory.as_ref(), "s3/captures/edge");
///
/// let buckets = buckets.map("gs://captures", "memory:".parse()?)?;
/// let (_, directory) = buckets.place("gs://captures/edge")?;
/// assert_eq!(directory.as_ref(), "edge");
/// # Ok::<(), pcaps_sim::Error>(())
/// ```
#[derive(Clone)]
pub struct Buckets {
    /// Where the buckets are that no mapping names.
    others: Store,
    mappings: BTreeMap<Key, Store>,
    refusals: Arc<Mutex<BTreeMap<Key, Refusal>>>,
}

/// Why a bucket does not take what is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such bucket.
    Gone,
    /// There is one, but it cannot be written to.
    NotWritable,
}

impl Buckets {
    /// Buckets in memory, which end with the last clone.
    pub fn memory() -> Self {
        Self::at(Store::new(Arc::new(InMemory::new()), Key::ROOT))
    }

    /// Buckets in a folder, which is made if it is not there. What is in it stays.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or opened ([`ErrorKind::Folder`](crate::ErrorKind::Folder)).
    pub fn folder(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::at(Store::folder(path.as_ref())?))
    }

    /// Puts a bucket, or a directory of one, in a store of its own.
    ///
    /// The URI is `s3://bucket[/dir]`, `gs://bucket[/dir]` or `r2://bucket[/dir]`. A query is not needed and does
    /// not count: R2 buckets of one name share a place, whichever account they are of. A mapping is for all
    /// directories below its own; where several fit, the longest does. The rest of a directory's path is appended
    /// to the store's prefix.
    ///
    /// # Errors
    ///
    /// When the text names no bucket, or one that is mapped already
    /// ([`ErrorKind::Destination`](crate::ErrorKind::Destination)).
    pub fn map(mut self, uri: &str, store: Store) -> Result<Self, Error> {
        let key = key(uri, Purpose::Name)?;
        if self.mappings.insert(key, store).is_some() {
            let reason = "it is mapped already: give each bucket and directory one store";
            return Err(Repr::Destination { reason }.into());
        }
        Ok(self)
    }

    /// Where the directory is that a URI names, the text that a capture has as its `destination_conf`, with or
    /// without keys: the store, and the path in it.
    ///
    /// # Errors
    ///
    /// When the text names no bucket ([`ErrorKind::Destination`](crate::ErrorKind::Destination)).
    pub fn place(&self, destination_conf: &str) -> Result<(Arc<dyn ObjectStore>, Key), Error> {
        Ok(self.find(&key(destination_conf, Purpose::Refer)?))
    }

    /// Takes nothing more for a bucket, or for a directory of one and all below it, until it is
    /// [accepted](Self::accept) again. The URI is as in [`map`](Self::map).
    ///
    /// Registering it is answered with 400 then, and a full capture to it ends as `failed` when it comes to
    /// write: when there are 5 MiB for a file, and when its files are handed over. Those that were complete by
    /// then stay; of those that were under way nothing does, unless the store cannot abort an upload.
    /// Validating only compares the challenge, and what is in the bucket stays and can be read.
    ///
    /// # Errors
    ///
    /// When the text names no bucket ([`ErrorKind::Destination`](crate::ErrorKind::Destination)).
    pub fn refuse(&self, uri: &str, refusal: Refusal) -> Result<(), Error> {
        self.refusals().insert(key(uri, Purpose::Name)?, refusal);
        Ok(())
    }

    /// Takes back what was refused for this bucket or directory, and for all directories below it.
    ///
    /// # Errors
    ///
    /// When the text names no bucket, or a directory that is refused only because one above it is
    /// ([`ErrorKind::Destination`](crate::ErrorKind::Destination)).
    pub fn accept(&self, uri: &str) -> Result<(), Error> {
        let key = key(uri, Purpose::Name)?;
        let mut refusals = self.refusals();
        let before = refusals.len();
        refusals.retain(|refused, _| !refused.prefix_matches(&key));
        if refusals.len() == before && nearest(&refusals, &key).is_some() {
            let reason = "what it is in is refused as a whole: take that back";
            return Err(Repr::Destination { reason }.into());
        }
        Ok(())
    }

    /// Where a destination's directory is, unless it is refused.
    pub(crate) fn open(&self, directory: &Key) -> Result<(Arc<dyn ObjectStore>, Key), Refusal> {
        let refusals = self.refusals();
        match nearest(&refusals, directory) {
            Some((_, refusal)) => Err(*refusal),
            None => Ok(self.find(directory)),
        }
    }

    /// Where a destination's directory is.
    pub(crate) fn find(&self, directory: &Key) -> (Arc<dyn ObjectStore>, Key) {
        match nearest(&self.mappings, directory) {
            Some((mapped, store)) => store.below(directory.prefix_match(mapped)),
            None => self.others.below(Some(directory.parts())),
        }
    }

    fn at(others: Store) -> Self {
        Self {
            others,
            mappings: BTreeMap::new(),
            refusals: Arc::default(),
        }
    }

    fn refusals(&self) -> MutexGuard<'_, BTreeMap<Key, Refusal>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a URI's directory is among all of them: below the scheme and the bucket.
fn key(uri: &str, purpose: Purpose) -> Result<Key, Error> {
    match Destination::parse(uri, purpose) {
        Ok(destination) => Ok(destination.directory().clone()),
        Err(reason) => Err(Repr::Destination { reason }.into()),
    }
}

/// What is said of the directory itself, or else of the nearest one above it.
fn nearest<'a, T>(said: &'a BTreeMap<Key, T>, directory: &Key) -> Option<(&'a Key, &'a T)> {
    said.iter()
        .filter(|(key, _)| directory.prefix_matches(key))
        .max_by_key(|(key, _)| key.parts_count())
}

impl From<object_store::Error> for Refusal {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Gone,
            _ => Self::NotWritable,
        }
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets")
            .field("others", &self.others)
            .field("mappings", &self.mappings)
            .field("refusals", &self.refusals())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(buckets: &Buckets, uri: &str) -> Result<(String, String), Error> {
        let (store, path) = buckets.place(uri)?;
        Ok((store.to_string(), path.to_string()))
    }

    #[test]
    fn the_longest_mapping_by_whole_pieces_wins() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name).to_string_lossy().parse::<Store>();
        let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let buckets = Buckets::memory()
            .map("s3://b?region=ignored", at("one")?)?
            .map("s3://b/d/e", at("two")?)?
            .map("r2://b", Store::new(memory, Key::parse("x/{y}")?))?;
        let of = |name: &str| {
            let path = folder.path().join(name).canonicalize()?;
            Ok::<_, std::io::Error>(format!("LocalFileSystem(file://{})", path.display()))
        };
        let (one, two) = (of("one")?, of("two")?);
        let memory = "InMemory".to_owned();
        for (uri, store, path) in [
            ("s3://b?region=r", &one, ""),
            ("s3://b/d?region=r", &one, "d"),
            ("s3://b/d/ef?region=r", &one, "d/ef"),
            ("s3://b/d/e?region=r", &two, ""),
            ("s3://b/d/e/%7Bf%7D?region=r", &two, "{f}"),
            ("s3://bb/d?region=r", &memory, "s3/bb/d"),
            ("gs://b/d", &memory, "gs/b/d"),
            ("r2://b/%7Bd%7D?account-id=a", &memory, "x/{y}/{d}"),
        ] {
            assert_eq!(
                place(&buckets, uri)?,
                (store.clone(), path.to_owned()),
                "{uri}"
            );
        }
        Ok(())
    }

    #[test]
    fn a_bucket_is_mapped_once() -> Result<(), Error> {
        let buckets = Buckets::memory().map("gs://b/d", "memory:".parse()?)?;
        let again = buckets.map("gs://b/d/", "memory:".parse()?);
        assert_eq!(
            again.err().map(|it| it.kind()),
            Some(crate::ErrorKind::Destination)
        );
        Ok(())
    }

    #[test]
    fn what_is_refused_is_refused_with_all_below_it() -> Result<(), Error> {
        let buckets = Buckets::memory();
        buckets.refuse("s3://b/d", Refusal::Gone)?;
        buckets.clone().refuse("s3://b/d/e", Refusal::NotWritable)?;
        let open = |text: &str| buckets.open(&text.into()).err();
        assert_eq!(open("s3/b/d"), Some(Refusal::Gone));
        assert_eq!(open("s3/b/d/f"), Some(Refusal::Gone));
        assert_eq!(open("s3/b/d/e/f"), Some(Refusal::NotWritable));
        assert_eq!(open("s3/b/de"), None);
        assert_eq!(open("s3/b"), None);
        buckets.accept("s3://b/d/e")?;
        assert_eq!(open("s3/b/d/e/f"), Some(Refusal::Gone));
        assert!(buckets.accept("s3://b/d/e").is_err());
        buckets.accept("s3://other")?;
        buckets.refuse("s3://b/d/e", Refusal::NotWritable)?;
        buckets.accept("s3://b")?;
        assert_eq!(open("s3/b/d/e/f"), None);
        Ok(())
    }
}
