//! Where a data set is, and what it looks like.

use std::{path::Path as FilePath, sync::Arc};

use datafusion::{
    arrow::datatypes::DataType,
    object_store::{ObjectMeta, ObjectStore, local::LocalFileSystem, path::Path},
};
use url::Url;

use super::store::{Bucket, their_path};
use crate::{Error, ErrorKind, Query};

/// A data set: a folder of this machine or of a bucket.
#[derive(Debug)]
pub(super) struct Data {
    /// What it is called in errors.
    pub(super) shown: String,
    pub(super) store: Arc<dyn ObjectStore>,
    /// What the engine knows the folder as; its store is that of the first part.
    pub(super) url: Url,
    /// A file of it.
    pub(super) sample: ObjectMeta,
    /// The columns in the names of its folders, the outermost first.
    pub(super) partitions: Vec<(String, DataType)>,
}

impl Data {
    /// Looks at the folder that a query is about.
    pub(super) async fn open(query: &Query) -> Result<Self, Error> {
        let shown = query.from.clone();
        let no_data = |what: &str| Error::new(ErrorKind::NoData, format!("{shown} {what}"));
        let unreadable =
            |error: &dyn std::error::Error| no_data(&format!("cannot be read: {error}"));
        let (store, root, mut url): (Arc<dyn ObjectStore>, Path, Url) = if let Some(bucket) =
            &query.bucket
        {
            // A name that no store has by itself.
            let url = Url::parse("bucket://data").map_err(|it| unreadable(&it))?;
            let root = their_path(&bucket.folder).map_err(|it| unreadable(&it))?;
            (Arc::new(Bucket::new(bucket)), root, url)
        } else {
            let path = shown.strip_prefix("file://").unwrap_or(&shown);
            if path.contains("://") {
                let what = format!(
                    "`{shown}` is no folder, and no bucket that the engine in this process has been given"
                );
                return Err(Error::new(ErrorKind::InvalidInput, what));
            }
            let folder = FilePath::new(path).canonicalize();
            let folder = folder.map_err(|it| unreadable(&it))?;
            let root = Path::from_absolute_path(folder).map_err(|it| unreadable(&it))?;
            let url = Url::parse("file:///").map_err(|it| unreadable(&it))?;
            (Arc::new(LocalFileSystem::new()), root, url)
        };
        if let Ok(mut segments) = url.path_segments_mut() {
            // With its end, it is a folder.
            segments
                .clear()
                .extend(root.parts().map(|it| it.as_ref().to_owned()))
                .push("");
        }
        let found = first(store.as_ref(), root.clone()).await;
        let sample = found.map_err(|it| unreadable(&it))?.ok_or_else(|| {
            no_data("holds no Parquet file: `pcaps export FILE -o DIR` makes them")
        })?;
        let below = sample.location.prefix_match(&root);
        let mut names: Vec<_> = below.into_iter().flatten().collect();
        // That of the file.
        names.pop();
        let partitions: Vec<_> = names
            .iter()
            .filter_map(|it| Some(it.as_ref().split_once('=')?.0.to_owned()))
            .map(|name| {
                let kind = match name.as_str() {
                    "date" => DataType::Date32,
                    "hour" => DataType::Int32,
                    _ => DataType::Utf8,
                };
                (name, kind)
            })
            .collect();
        if partitions.first().is_none_or(|it| it.0 != "capture_id") {
            return Err(no_data(
                "has no folders capture_id=…: give the folder that `pcaps export` was given with -o",
            ));
        }
        Ok(Self {
            shown,
            store,
            url,
            sample,
            partitions,
        })
    }
}

/// The first Parquet file below a folder. What begins with a point or `_` is no part of a data set.
async fn first(
    store: &dyn ObjectStore,
    folder: Path,
) -> Result<Option<ObjectMeta>, datafusion::object_store::Error> {
    let is_data = |it: &Path| it.filename().is_some_and(|it| !it.starts_with(['.', '_']));
    // Those that are looked at last come first.
    let mut folders = vec![folder];
    while let Some(next) = folders.pop() {
        let mut listed = store.list_with_delimiter(Some(&next)).await?;
        listed
            .objects
            .sort_by(|one, other| one.location.cmp(&other.location));
        let found = listed
            .objects
            .into_iter()
            .find(|it| is_data(&it.location) && it.location.extension() == Some("parquet"));
        if found.is_some() {
            return Ok(found);
        }
        let mut deeper = listed.common_prefixes;
        deeper.retain(is_data);
        deeper.sort_by(|one, other| other.cmp(one));
        folders.extend(deeper);
    }
    Ok(None)
}
