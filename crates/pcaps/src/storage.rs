//! The buckets themselves: how the objects in them are reached.

mod credentials;
mod environment;
mod fault;
mod google;
mod profile;
mod s3;
mod source;
mod traced;

use std::{fmt, sync::Arc, time::Duration};

use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig, path::Path as Key};

use crate::{Account, Destination, Error, client};
use environment::Environment;
pub(crate) use fault::Access;
#[cfg(feature = "export")]
pub(crate) use source::is_not_there;
pub(crate) use source::{Source, is_empty_folder};
use traced::Traced;

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

    /// The folder that a destination names, in its cloud. Nothing is asked yet.
    ///
    /// Credentials are those of [`Account::folder`], which knows of other places too.
    ///
    /// ```
    /// # fn example() -> Result<(), pcaps::Error> {
    /// let folder = pcaps::Folder::open(&"s3://captures/packets?region=eu-west-1".parse()?)?;
    /// assert_eq!(folder.prefix().as_ref(), "packets");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Account::folder`].
    pub fn open(destination: &Destination) -> Result<Self, Error> {
        let prefix = Key::from_url_path(destination.url().path())
            .map_err(|_| Error::invalid("the bucket's folder has pieces that are empty or dots"))?;
        let environment = Environment::of_process();
        let store = match destination.url().scheme() {
            "gs" => google::store(destination, &environment)?,
            _ => s3::store(destination, &environment)?,
        };
        Ok(Self::new(store, prefix))
    }

    /// What an error of its store means when something of this destination is read: in words that quote nothing of the server's
    /// answer, which may repeat keys and tokens.
    pub fn explain(&self, destination: &Destination, error: &object_store::Error) -> Error {
        let source = Source::alone(self.clone(), destination, client::TIMEOUT);
        source.failed(Access::Read, "read the data set", error)
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

    /// The folder that a destination names: there, or in its cloud.
    pub(crate) fn folder(&self, destination: &Destination) -> Result<Folder, Error> {
        let find = self.0.as_ref();
        let found = find.and_then(|it| it(&destination.without_keys()));
        found.map_or_else(|| Folder::open(destination), Ok)
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
    /// Credentials come from where the programs of each cloud find them; a variable that is empty counts as not set.
    ///
    /// | bucket on | credentials, the first that are there |
    /// |---|---|
    /// | S3 | `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` (and `AWS_SESSION_TOKEN`); the profile `AWS_PROFILE`, or `default`, of `~/.aws/credentials` and `~/.aws/config` (`AWS_SHARED_CREDENTIALS_FILE`, `AWS_CONFIG_FILE`); a web identity; the container's; the machine's, unless `AWS_EC2_METADATA_DISABLED` is `true` |
    /// | R2 | the keys in the URI; `R2_ACCESS_KEY_ID` and `R2_SECRET_ACCESS_KEY`; those for S3, but only when the endpoint that goes with them (below) is that of the URI's `account-id` |
    /// | GCS | `GOOGLE_SERVICE_ACCOUNT`; `GOOGLE_APPLICATION_CREDENTIALS`; what `gcloud auth application-default login` has left; the machine's |
    ///
    /// `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or the profile's `endpoint_url` name another server for S3 (`http://`
    /// too); buckets are in its paths. The region is the URI's. A profile that gets its credentials by single sign-on,
    /// from another profile or from a program is an error that says how to export them.
    ///
    /// On R2, AWS's keys are not tried: what they open is somebody else's. A bucket in a jurisdiction has an
    /// endpoint of its own (`https://<account-id>.eu.r2.cloudflarestorage.com`), which those variables name too.
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
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when the destination names no folder, or what the environment or
    /// a profile says cannot be used; [`Authentication`](crate::ErrorKind::Authentication) when there are no
    /// credentials.
    pub fn folder(&self, destination: &Destination) -> Result<Folder, Error> {
        self.shared.buckets.folder(destination)
    }
}

/// Each piece of an answer has its time; an answer may take as long as it is.
fn options() -> ClientOptions {
    ClientOptions::new().with_timeout_disabled()
}

/// How often a store sends a request again by itself: some seconds long. Who asks has an end of its own.
fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            max_backoff: Duration::from_secs(10),
            ..BackoffConfig::default()
        },
        max_retries: 6,
        retry_timeout: Duration::from_mins(1),
    }
}

/// What a builder says may quote the environment.
fn unusable(destination: &Destination, advice: &'static str) -> Error {
    let what = format!("the bucket {destination} cannot be reached with what the environment says");
    Error::invalid(what).advise(advice)
}
