//! The buckets that full captures are written to.

use std::{fmt, path::Path, sync::Arc};

use object_store::{ObjectStore, local::LocalFileSystem, memory::InMemory, path::Path as Key};

use crate::{
    Error,
    destination::{Destination, Purpose},
    error::Repr,
};

/// All buckets that the simulator can reach: one object store, in which every bucket has a place.
///
/// `s3://bucket/dir`, `gs://bucket/dir` and `r2://bucket/dir` are at `s3/bucket/dir`, `gs/bucket/dir` and
/// `r2/bucket/dir` in it; every bucket exists, and may be written to. Cheap to clone, and clones share their
/// content.
///
/// # Examples
///
/// ```
/// use pcaps_sim::Buckets;
///
/// let buckets = Buckets::memory();
/// let directory = buckets.directory("s3://captures/edge?region=eu-west-2")?;
/// assert_eq!(directory.as_ref(), "s3/captures/edge");
/// # Ok::<(), pcaps_sim::Error>(())
/// ```
#[derive(Clone)]
pub struct Buckets(Arc<dyn ObjectStore>);

impl Buckets {
    /// Buckets in memory, which end with the last clone.
    pub fn memory() -> Self {
        Self(Arc::new(InMemory::new()))
    }

    /// Buckets in a folder, which is made if it is not there. What is in it stays.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or opened ([`ErrorKind::Folder`](crate::ErrorKind::Folder)).
    pub fn folder(path: impl AsRef<Path>) -> Result<Self, Error> {
        fn open(path: &Path) -> Result<LocalFileSystem, Box<dyn std::error::Error + Send + Sync>> {
            std::fs::create_dir_all(path)?;
            Ok(LocalFileSystem::new_with_prefix(path)?)
        }
        let path = path.as_ref();
        match open(path) {
            Ok(store) => Ok(Self(Arc::new(store))),
            Err(source) => Err(Repr::Folder {
                path: path.to_owned(),
                source,
            }
            .into()),
        }
    }

    /// The object store that holds them all.
    pub fn object_store(&self) -> &Arc<dyn ObjectStore> {
        &self.0
    }

    /// Where in the [object store](Self::object_store) the directory is that a URI names: the text that a
    /// capture has as its `destination_conf`, with or without keys.
    ///
    /// # Errors
    ///
    /// When the text names no bucket ([`ErrorKind::Destination`](crate::ErrorKind::Destination)).
    pub fn directory(&self, destination_conf: &str) -> Result<Key, Error> {
        match Destination::parse(destination_conf, Purpose::Refer) {
            Ok(destination) => Ok(destination.directory().clone()),
            Err(reason) => Err(Repr::Destination { reason }.into()),
        }
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Buckets")
            .field(&format_args!("{}", self.0))
            .finish()
    }
}
