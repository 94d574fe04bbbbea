//! The buckets themselves: how the objects in them are reached.

use std::{fmt, sync::Arc};

use object_store::{
    ClientOptions, ObjectStore, aws::AmazonS3Builder, gcp::GoogleCloudStorageBuilder,
    path::Path as Key,
};

use crate::{Account, Destination, Error, ErrorKind};

/// A folder of a bucket, in an object store.
///
/// ```
/// use std::sync::Arc;
/// use pcaps::{Folder, object_store::{memory::InMemory, path::Path}};
///
/// let folder = Folder::new(Arc::new(InMemory::new()), Path::from("edge"));
/// assert_eq!(folder.prefix().as_ref(), "edge");
/// ```
#[derive(Clone)]
pub struct Folder {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Key,
}

impl Folder {
    /// The folder of this path in a store; [`Path::ROOT`](Key::ROOT) is all of it.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Key) -> Self {
        Self { store, prefix }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The path in it.
    pub fn prefix(&self) -> &Key {
        &self.prefix
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Where buckets are that are not to be looked for in their clouds, by their URIs without keys.
#[derive(Clone, Default)]
pub(crate) struct Elsewhere(Option<Arc<Find>>);

type Find = dyn Fn(&str) -> Option<Folder> + Send + Sync;

impl Elsewhere {
    pub(crate) fn new(find: impl Fn(&str) -> Option<Folder> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(find)))
    }
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Elsewhere(..)")
    }
}

impl Account {
    /// The folder of a bucket that a destination names, to read what is in it. Nothing is asked yet.
    ///
    /// Credentials come from the environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and their like for S3 and R2
    /// (those in the destination go first), `GOOGLE_SERVICE_ACCOUNT` and its like for GCS.
    ///
    /// ```
    /// # fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let folder = account.folder(&"s3://captures/edge?region=eu-west-1".parse()?)?;
    /// println!("{}", folder.prefix());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) when the destination names no folder, or what the environment says
    /// cannot be used.
    pub fn folder(&self, destination: &Destination) -> Result<Folder, Error> {
        let find = self.shared.buckets.0.as_ref();
        if let Some(folder) = find.and_then(|it| it(&destination.without_keys())) {
            return Ok(folder);
        }
        let url = destination.url();
        let prefix = Key::from_url_path(url.path())
            .map_err(|_| Error::invalid("the bucket's folder has pieces that are empty or dots"))?;
        let bucket = url.host_str().unwrap_or_default();
        let parameter = |name: &str| {
            let pairs = url.query_pairs();
            let mut values = pairs.filter(|(key, _)| key == name);
            values.next().map(|(_, value)| value.into_owned())
        };
        // Each piece of an answer has its time; an answer may take as long as it is.
        let options = ClientOptions::new().with_timeout_disabled();
        let store: object_store::Result<Arc<dyn ObjectStore>> = match url.scheme() {
            "gs" => GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(bucket)
                .with_client_options(options)
                .build()
                .map(|it| Arc::new(it) as _),
            scheme => {
                let mut builder = AmazonS3Builder::from_env()
                    .with_bucket_name(bucket)
                    .with_client_options(options);
                if let Some(region) = parameter("region") {
                    builder = builder.with_region(region);
                }
                if scheme == "r2" {
                    let account = parameter("account-id").unwrap_or_default();
                    let endpoint = format!("https://{account}.r2.cloudflarestorage.com");
                    builder = builder.with_region("auto").with_endpoint(endpoint);
                    let id = parameter("access-key-id");
                    if let Some((id, key)) = id.zip(parameter("secret-access-key")) {
                        builder = builder.with_access_key_id(id).with_secret_access_key(key);
                    }
                }
                builder.build().map(|it| Arc::new(it) as _)
            }
        };
        // What it says may quote the environment.
        let store = store.map_err(|_| {
            let what = format!("the bucket {destination} cannot be reached");
            Error::new(ErrorKind::InvalidInput, what)
                .advise("check the credentials of the bucket in the environment")
        })?;
        Ok(Folder::new(store, prefix))
    }
}
