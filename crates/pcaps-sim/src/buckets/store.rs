//! Where buckets really are.

use std::{fmt, path::Path, str::FromStr, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ObjectStore, RetryConfig, StaticCredentialProvider,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey},
    local::LocalFileSystem,
    memory::InMemory,
    path::{Path as Key, PathPart},
};
use url::Url;

use crate::{Error, destination::is_bucket, error::Repr};

/// How often a request is tried again. The library's own three minutes are too long to wait for a simulator.
const RETRIES: usize = 3;

/// For how long a request is tried again.
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);

const FORMS: &str = "give a folder, `memory:`, s3+http://<host>/<bucket>, gs+http://<host>/<bucket> (or with \
                     https), s3://<bucket> or gs://<bucket>, each with /<prefix> if need be";

/// A place for buckets: a store and a prefix in it.
///
/// It is made of any [`ObjectStore`], or read from text:
///
/// | text | store |
/// |---|---|
/// | a path, or `file:///<path>` | a folder, which is made if it is not there |
/// | `memory:` | memory of its own |
/// | `s3+http://<host>[:<port>]/<bucket>[/<prefix>]`, `s3+https://…` | a server that speaks S3, path-style |
/// | `gs+http://<host>[:<port>]/<bucket>[/<prefix>]`, `gs+https://…` | a server that speaks as Google Cloud Storage does |
/// | `s3://<bucket>[/<prefix>]` | Amazon S3 |
/// | `gs://<bucket>[/<prefix>]` | Google Cloud Storage |
///
/// Credentials come from the environment only: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION` and the
/// other `AWS_` variables that [`AmazonS3Builder::from_env`] knows, `GOOGLE_SERVICE_ACCOUNT` (a file),
/// `GOOGLE_APPLICATION_CREDENTIALS` and the others of [`GoogleCloudStorageBuilder::from_env`]. Without any, requests
/// are anonymous. A request that fails is tried three more times, for ten seconds at most; one that is not answered ends
/// after thirty.
///
/// # Examples
///
/// ```
/// use pcaps_sim::Store;
///
/// let store: Store = "s3+http://127.0.0.1:9000/captures/edge".parse()?;
/// assert!("s3+http://key:secret@127.0.0.1:9000/captures".parse::<Store>().is_err());
/// # Ok::<(), pcaps_sim::Error>(())
/// ```
#[derive(Clone)]
pub struct Store {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
}

impl Store {
    /// A prefix in a store; [`Key::ROOT`] is all of it.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Key) -> Self {
        Self { store, prefix }
    }

    /// A folder, which is made if it is not there.
    pub(super) fn folder(path: &Path) -> Result<Self, Error> {
        fn open(path: &Path) -> Result<LocalFileSystem, Box<dyn std::error::Error + Send + Sync>> {
            std::fs::create_dir_all(path)?;
            Ok(LocalFileSystem::new_with_prefix(path)?)
        }
        match open(path) {
            Ok(store) => Ok(Self::new(Arc::new(store), Key::ROOT)),
            Err(source) => Err(Repr::Folder {
                path: path.to_owned(),
                source,
            }
            .into()),
        }
    }

    /// The store, and the path of these pieces below the prefix.
    pub(super) fn below<'a>(
        &'a self,
        pieces: Option<impl Iterator<Item = PathPart<'a>>>,
    ) -> (Arc<dyn ObjectStore>, Key) {
        let pieces = pieces.into_iter().flatten();
        let path = self.prefix.parts().chain(pieces).collect();
        (Arc::clone(&self.store), path)
    }
}

impl FromStr for Store {
    type Err = Error;

    /// Reads one of the forms above.
    ///
    /// # Errors
    ///
    /// When the text is none of them, when it holds a user or a query, which are no place for credentials, or when
    /// the environment's credentials are not complete ([`ErrorKind::Store`](crate::ErrorKind::Store)); when a folder
    /// cannot be made or opened ([`ErrorKind::Folder`](crate::ErrorKind::Folder)). The text is not repeated.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "memory:" {
            return Ok(Self::new(Arc::new(InMemory::new()), Key::ROOT));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            // A bucket's URI may have lost its slashes; on Windows, one letter is a drive.
            let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
            if text.is_empty() || scheme.len() > 1 && !scheme.contains(['/', '\\', '.']) {
                return Err(refused(FORMS));
            }
            return Self::folder(Path::new(text));
        };
        let (kind, transport) = match scheme {
            "file" => {
                let path = Url::parse(text).ok().and_then(|it| it.to_file_path().ok());
                let path = path.ok_or_else(|| refused("its path is not one of this machine"))?;
                return Self::folder(&path);
            }
            "s3" => (Cloud::S3, None),
            "gs" => (Cloud::Google, None),
            "s3+http" => (Cloud::S3, Some("http")),
            "s3+https" => (Cloud::S3, Some("https")),
            "gs+http" => (Cloud::Google, Some("http")),
            "gs+https" => (Cloud::Google, Some("https")),
            _ => return Err(refused(FORMS)),
        };
        let url = Url::parse(&format!("{}://{rest}", transport.unwrap_or(scheme)));
        let url = url.map_err(|_| refused(FORMS))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(
                "it holds a user or a password: credentials come from the environment, in AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY or GOOGLE_SERVICE_ACCOUNT",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused(
                "it has a query or a fragment: leave out `?` and `#` and what follows; credentials and the region come \
                 from the environment",
            ));
        }
        let host = url.host_str().unwrap_or_default();
        let path = Key::from_url_path(url.path())
            .map_err(|_| refused("its path has pieces that are empty, dots or not UTF-8"))?;
        let (endpoint, bucket, prefix) = if transport.is_some() {
            let endpoint = url.origin().ascii_serialization();
            let mut parts = path.parts();
            let bucket = parts.next().map(|it| it.as_ref().to_owned());
            (Some(endpoint), bucket.unwrap_or_default(), parts.collect())
        } else if url.port().is_some() {
            return Err(refused(
                "it has a port: s3+http:// or gs+https:// name a server",
            ));
        } else {
            (None, host.to_owned(), path)
        };
        if host.is_empty() || !is_bucket(&bucket) {
            return Err(refused(FORMS));
        }
        Ok(Self::new(kind.connect(endpoint, &bucket)?, prefix))
    }
}

/// What a server speaks.
#[derive(Clone, Copy)]
enum Cloud {
    S3,
    Google,
}

impl Cloud {
    /// A client of a bucket, at a server of its own or in the cloud. Nothing is sent yet.
    fn connect(
        self,
        endpoint: Option<String>,
        bucket: &str,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        let retry = RetryConfig {
            backoff: BackoffConfig {
                max_backoff: Duration::from_secs(1),
                ..BackoffConfig::default()
            },
            max_retries: RETRIES,
            retry_timeout: RETRY_TIMEOUT,
        };
        match self {
            Self::S3 => s3(endpoint, bucket, retry),
            Self::Google => google(endpoint, bucket, retry),
        }
    }
}

fn s3(
    endpoint: Option<String>,
    bucket: &str,
    retry: RetryConfig,
) -> Result<Arc<dyn ObjectStore>, Error> {
    use AmazonS3ConfigKey as Setting;

    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_retry(retry);
    if let Some(endpoint) = endpoint {
        builder = builder
            .with_allow_http(endpoint.starts_with("http:"))
            .with_virtual_hosted_style_request(false)
            // It goes before the other one.
            .with_config(Setting::S3Endpoint, &endpoint)
            .with_endpoint(endpoint);
    }
    let credentials = [
        Setting::AccessKeyId,
        Setting::SecretAccessKey,
        Setting::WebIdentityTokenFile,
        Setting::ContainerCredentialsRelativeUri,
        Setting::ContainerCredentialsFullUri,
    ];
    let has = |setting: &Setting| builder.get_config_value(setting).is_some();
    if !credentials.iter().any(has) {
        builder = builder.with_skip_signature(true);
    }
    match builder.build() {
        Ok(store) => Ok(Arc::new(store)),
        // What it is might quote a variable.
        Err(_) => Err(refused(
            "the AWS_ variables in the environment do not fit together: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY \
             are needed both, or neither",
        )),
    }
}

fn google(
    endpoint: Option<String>,
    bucket: &str,
    retry: RetryConfig,
) -> Result<Arc<dyn ObjectStore>, Error> {
    use GoogleConfigKey as Setting;

    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(bucket)
        .with_retry(retry);
    if let Some(endpoint) = endpoint {
        builder = builder.with_base_url(&endpoint);
    }
    let credentials = [
        Setting::ServiceAccount,
        Setting::ServiceAccountKey,
        Setting::ApplicationCredentials,
        Setting::BearerToken,
    ];
    let has = |setting: &Setting| builder.get_config_value(setting).is_some();
    if !credentials.iter().any(has) {
        let nobody = GcpCredential {
            bearer: String::new(),
        };
        builder = builder
            // Otherwise the library takes those that it finds in the home folder.
            .with_credentials(Arc::new(StaticCredentialProvider::new(nobody)))
            .with_skip_signature(true);
    }
    match builder.build() {
        Ok(store) => Ok(Arc::new(store)),
        Err(_) => Err(refused(
            "the GOOGLE_ variables in the environment do not fit together: give one service account, in a file that \
             can be read",
        )),
    }
}

fn refused(reason: &'static str) -> Error {
    Repr::Store { reason }.into()
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A store's own `Debug` may show more than its name.
        f.debug_struct("Store")
            .field("store", &format_args!("{}", self.store))
            .field("prefix", &self.prefix.as_ref())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, Error> {
        let store = text.parse::<Store>()?;
        Ok(format!("{} {}", store.store, store.prefix))
    }

    #[test]
    fn each_form_is_a_store() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("one two/three");
        let url = Url::from_file_path(&path).map_err(|()| "no path")?;
        let shape = format!("LocalFileSystem({url}) ");
        for (text, is) in [
            ("memory:", "InMemory "),
            ("s3+http://127.0.0.1:9/b", "AmazonS3(b) "),
            ("s3+https://minio.example/b/p/%7Bq%7D", "AmazonS3(b) p/{q}"),
            ("gs+http://[::1]:9/b/p", "GoogleCloudStorage(b) p"),
            ("gs+https://gcs.example/b", "GoogleCloudStorage(b) "),
            ("s3://b_1/p", "AmazonS3(b_1) p"),
            ("gs://b.example/p/", "GoogleCloudStorage(b.example) p"),
            (&path.to_string_lossy(), &shape),
            (url.as_str(), &shape),
        ] {
            assert_eq!(shown(text)?, is, "{text}");
        }
        assert!(path.is_dir());
        Ok(())
    }

    #[test]
    fn what_is_none_is_not_repeated() -> Result<(), Box<dyn std::error::Error>> {
        for (text, reason) in [
            ("", FORMS),
            ("memory:hunter2", FORMS),
            ("s3:hunter2", FORMS),
            ("ftp://hunter2/b", FORMS),
            ("s3+http://hunter2", FORMS),
            ("s3+http://", FORMS),
            ("s3+http:///b", FORMS),
            ("gs://", FORMS),
            ("s3+ftp://h/hunter2", FORMS),
            ("s3+http://h/-hunter2-", FORMS),
            ("s3+http://h:port/b?key=hunter2", FORMS),
            ("s3+http://h//b/hunter2", "empty"),
            ("s3+http://key:hunter2@h/b", "environment"),
            ("gs+https://hunter2@h/b", "environment"),
            ("s3://key:hunter2@b", "environment"),
            ("s3+http://h/b?secret=hunter2", "query"),
            ("gs://b#hunter2", "fragment"),
            ("s3://b:80/hunter2", "port"),
            ("file://hunter2/x", "this machine"),
        ] {
            let error = text.parse::<Store>().err().ok_or(text)?;
            assert_eq!(error.kind(), crate::ErrorKind::Store, "{text}");
            let (shown, debug) = (error.to_string(), format!("{error:?}"));
            assert!(shown.contains(reason), "{text}: {shown}");
            assert!(!shown.contains("hunter2"), "{text}: {shown}");
            assert!(!debug.contains("hunter2"), "{text}: {debug}");
        }
        Ok(())
    }
}
