//! Which objects of a bucket are files of a capture.

use std::{collections::BTreeMap, path::Path};

use futures_util::StreamExt as _;
use object_store::{ObjectStore, path::Path as Key};

use crate::{
    CaptureId, Error,
    call::Shared,
    storage::{Access, Source, is_empty_folder},
};

/// A file of a capture in its bucket, as a listing tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) key: Key,
    pub(super) size: u64,
    pub(super) etag: Option<String>,
}

impl Object {
    /// Whether an answer with this tag is of the object, as far as that can be told. Some servers list tags without the
    /// quotes with which they give them.
    pub(super) fn has_tag(&self, tag: Option<&str>) -> bool {
        match (self.etag.as_deref(), tag) {
            (Some(one), Some(other)) => one.trim_matches('"') == other.trim_matches('"'),
            _ => true,
        }
    }
}

/// The files, by the text of their keys: the order in which they are merged.
pub(super) type Objects = BTreeMap<String, Object>;

/// Lists all of a folder, page by page, and keeps what is of the capture. How the service lays its keys out is not
/// documented: what counts is that the name has the capture's id in it and ends in `.pcap`.
pub(super) async fn list(
    folder: &Source,
    shared: &Shared,
    id: &CaptureId,
) -> Result<Objects, Error> {
    const DOING: &str = "list the files of the capture";
    let prefix = Some(&folder.prefix).filter(|it| it.parts_count() > 0);
    let mut objects = folder.store.list(prefix);
    let mut listing = Objects::new();
    loop {
        let object = match folder.in_time(shared, objects.next()).await {
            None => return Err(folder.timed_out(DOING)),
            Some(None) => return Ok(listing),
            Some(Some(Err(error))) if listing.is_empty() && is_empty_folder(&error) => {
                return Ok(listing);
            }
            Some(Some(Err(error))) => return Err(folder.failed(Access::List, DOING, &error)),
            Some(Some(Ok(object))) => object,
        };
        if !is_of(&object.location, id) {
            continue;
        }
        let object = Object {
            key: object.location,
            size: object.size,
            etag: object.e_tag,
        };
        listing.insert(object.key.to_string(), object);
    }
}

fn is_of(key: &Key, id: &CaptureId) -> bool {
    let name = key.filename().unwrap_or_default();
    name.contains(id.as_str()) && Path::new(name).extension().is_some_and(|it| it == "pcap")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_name() {
        let id = "abc123".parse().unwrap();
        for (key, is) in [
            ("edge/server-01/pcap_abc123.pcap", true),
            ("abc123.pcap", true),
            ("edge/abc123/other.pcap", false),
            ("edge/pcap_abc123.pcap.gz", false),
            ("edge/pcap_abc12.pcap", false),
            ("edge/pcap_abc123.pcap/more", false),
        ] {
            assert_eq!(is_of(&Key::from(key), &id), is, "{key}");
        }
    }
}
