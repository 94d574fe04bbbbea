//! A bucket, to the engine: it has another version of the crate `object_store` than who opens buckets. It goes away when they
//! have the same.

use std::{error, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use datafusion::object_store as theirs;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use object_store as ours;
use ours::ObjectStore as _;
use theirs::path::Path;
use tokio::{task::JoinSet, time::timeout};

use crate::engine::{self, Explain};

/// How long each answer may take, and each piece of one. A listing has many pages.
const TIMEOUT: Duration = Duration::from_mins(5);

/// Reads a store, and never writes.
pub(super) struct Bucket {
    store: Arc<dyn ours::ObjectStore>,
    explain: Arc<Explain>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bucket")
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bucket")
    }
}

fn failed(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> theirs::Error {
    let source = source.into();
    theirs::Error::Generic {
        store: "bucket",
        source,
    }
}

/// Why nothing is written.
fn unchanging() -> theirs::Error {
    let source = "a query changes nothing".into();
    theirs::Error::NotSupported { source }
}

/// An error without what the store's server has answered.
fn their_error(error: &ours::Error, explain: &Explain) -> theirs::Error {
    let source = explain(error).into();
    match error {
        ours::Error::NotFound { path, .. } => {
            let path = path.clone();
            theirs::Error::NotFound { path, source }
        }
        _ => failed(source),
    }
}

fn late() -> theirs::Error {
    failed(format!("it has not answered for {} s", TIMEOUT.as_secs()))
}

impl Bucket {
    pub(super) fn new(bucket: &engine::Bucket) -> Self {
        Self {
            store: Arc::clone(&bucket.store),
            explain: Arc::clone(&bucket.explain),
        }
    }

    /// What comes before it has taken too long. It goes on by itself: the engine does not poll what it has asked for ahead while
    /// nobody takes rows.
    async fn in_time<T: Send + 'static>(
        &self,
        answer: impl Future<Output = Result<T, ours::Error>> + Send + 'static,
    ) -> Result<T, theirs::Error> {
        // It ends what was begun when it is dropped.
        let mut asked = JoinSet::new();
        asked.spawn(timeout(TIMEOUT, answer));
        match asked.join_next().await {
            Some(Ok(Ok(answer))) => answer.map_err(|it| their_error(&it, &*self.explain)),
            Some(Ok(Err(_))) | None => Err(late()),
            Some(Err(error)) => Err(failed(error)),
        }
    }

    /// The items of a stream, as long as none takes too long.
    fn in_time_each<T: Send + 'static>(
        &self,
        stream: BoxStream<'static, Result<T, ours::Error>>,
    ) -> BoxStream<'static, Result<T, theirs::Error>> {
        let explain = Arc::clone(&self.explain);
        let next = move |stream: Option<BoxStream<'static, Result<T, ours::Error>>>| {
            let explain = Arc::clone(&explain);
            async move {
                let mut stream = stream?;
                match timeout(TIMEOUT, stream.next()).await {
                    Ok(item) => {
                        let item = item?.map_err(|it| their_error(&it, &*explain));
                        Some((item, Some(stream)))
                    }
                    Err(_) => Some((Err(late()), None)),
                }
            }
        };
        stream::unfold(Some(stream), next).boxed()
    }
}

// Parsed, because what makes a path of a text escapes it first.
fn our_path(path: &Path) -> theirs::Result<ours::path::Path> {
    ours::path::Path::parse(path).map_err(failed)
}

pub(super) fn their_path(path: &ours::path::Path) -> theirs::Result<Path> {
    Ok(Path::parse(path)?)
}

fn their_meta(meta: ours::ObjectMeta) -> theirs::Result<theirs::ObjectMeta> {
    Ok(theirs::ObjectMeta {
        location: their_path(&meta.location)?,
        last_modified: meta.last_modified,
        size: meta.size,
        e_tag: meta.e_tag,
        version: meta.version,
    })
}

fn our_range(range: theirs::GetRange) -> ours::GetRange {
    match range {
        theirs::GetRange::Bounded(range) => ours::GetRange::Bounded(range),
        theirs::GetRange::Offset(offset) => ours::GetRange::Offset(offset),
        theirs::GetRange::Suffix(length) => ours::GetRange::Suffix(length),
    }
}

#[async_trait]
impl theirs::ObjectStore for Bucket {
    async fn get_opts(
        &self,
        location: &Path,
        options: theirs::GetOptions,
    ) -> theirs::Result<theirs::GetResult> {
        let options = ours::GetOptions {
            if_match: options.if_match,
            if_none_match: options.if_none_match,
            if_modified_since: options.if_modified_since,
            if_unmodified_since: options.if_unmodified_since,
            range: options.range.map(our_range),
            version: options.version,
            head: options.head,
            ..ours::GetOptions::default()
        };
        let location = our_path(location)?;
        let store = Arc::clone(&self.store);
        let got = self.in_time(async move { store.get_opts(&location, options).await });
        let got = got.await?;
        Ok(theirs::GetResult {
            meta: their_meta(got.meta.clone())?,
            range: got.range.clone(),
            attributes: theirs::Attributes::default(),
            payload: theirs::GetResultPayload::Stream(self.in_time_each(got.into_stream())),
        })
    }

    fn list(
        &self,
        prefix: Option<&Path>,
    ) -> BoxStream<'static, theirs::Result<theirs::ObjectMeta>> {
        match prefix.map(our_path).transpose() {
            Ok(prefix) => {
                let listed = self.in_time_each(self.store.list(prefix.as_ref()));
                listed.map(|it| it.and_then(their_meta)).boxed()
            }
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(
        &self,
        prefix: Option<&Path>,
    ) -> theirs::Result<theirs::ListResult> {
        let prefix = prefix.map(our_path).transpose()?;
        let store = Arc::clone(&self.store);
        let listed = async move { store.list_with_delimiter(prefix.as_ref()).await };
        let listed = self.in_time(listed).await?;
        let prefixes = listed.common_prefixes.iter().map(their_path);
        let objects = listed.objects.into_iter().map(their_meta);
        Ok(theirs::ListResult {
            common_prefixes: prefixes.collect::<Result<_, _>>()?,
            objects: objects.collect::<Result<_, _>>()?,
        })
    }

    async fn put_opts(
        &self,
        _: &Path,
        _: theirs::PutPayload,
        _: theirs::PutOptions,
    ) -> theirs::Result<theirs::PutResult> {
        Err(unchanging())
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: theirs::PutMultipartOptions,
    ) -> theirs::Result<Box<dyn theirs::MultipartUpload>> {
        Err(unchanging())
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, theirs::Result<Path>>,
    ) -> BoxStream<'static, theirs::Result<Path>> {
        let refused = |_| Err(unchanging());
        locations.map(refused).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: theirs::CopyOptions) -> theirs::Result<()> {
        Err(unchanging())
    }
}
