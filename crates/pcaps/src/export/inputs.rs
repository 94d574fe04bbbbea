//! Which capture files there are.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use futures_util::StreamExt as _;
use object_store::{ObjectMeta, ObjectStoreExt as _, path::Path as Key};
use twox_hash::XxHash64;

use super::{Location, feed::BucketFile};
use crate::{
    Destination, Error,
    storage::{Access, Elsewhere, Source, is_empty_folder, is_not_there},
};

/// What stands between the key of an object in R2 and the account that its bucket is of.
const ACCOUNT: &str = "?account-id=";

/// A capture file.
#[derive(Debug)]
pub(super) struct InputFile {
    /// An absolute path, or a URI without what is behind `?`, except R2's account: whoever comes to it calls it the same.
    pub(super) name: String,
    pub(super) size: u64,
    /// What is another when its content is: a time, or a bucket's tag.
    pub(super) stamp: String,
    pub(super) origin: Origin,
}

#[derive(Debug)]
pub(super) enum Origin {
    File(PathBuf),
    Object(BucketFile),
    /// It is known that there is something, and why it cannot be read.
    Unreadable(String),
}

impl InputFile {
    /// Its name, up to that of the file.
    pub(super) fn path(&self) -> &str {
        match &self.origin {
            Origin::Object(_) => self
                .name
                .rsplit_once(ACCOUNT)
                .map_or(&self.name, |(path, _)| path),
            _ => &self.name,
        }
    }

    /// What its files and its entry are called by: the same always.
    pub(super) fn id(&self) -> String {
        let half = |seed| XxHash64::oneshot(seed, self.name.as_bytes());
        format!("{:016x}{:016x}", half(0), half(1))
    }

    /// Which of so many shards it is of, from 0.
    pub(super) fn shard(&self, count: u32) -> u32 {
        let shard = XxHash64::oneshot(0, self.name.as_bytes()) % u64::from(count);
        // Less than `count`.
        u32::try_from(shard).unwrap_or_default()
    }
}

/// The files that these places have, each once, by their names: those of one shard, from 0. The others take no memory.
pub(super) async fn find(
    places: &[Location],
    buckets: &Elsewhere,
    timeout: Duration,
    (shard, shards): (u32, u32),
) -> Result<Vec<InputFile>, Error> {
    let mut found = BTreeMap::new();
    let mut is_empty = true;
    let mut add = |it: InputFile| {
        is_empty = false;
        if it.shard(shards) == shard {
            found.insert(it.name.clone(), it);
        }
    };
    for place in places {
        match place {
            Location::Path(path) => {
                let failed = |it| Error::io("list", path, it);
                let path = fs::canonicalize(path).map_err(failed)?;
                if path.is_dir() {
                    below(&path, &mut add).map_err(failed)?;
                } else {
                    let failed = |it| Error::io("look at", &path, it);
                    add(file(&path, &fs::metadata(&path).map_err(failed)?));
                }
            }
            Location::Bucket(bucket) => {
                let folder = buckets.folder(bucket)?;
                let source = Arc::new(Source::alone(folder, bucket, timeout));
                objects(&source, bucket, &mut add).await?;
            }
        }
    }
    if is_empty {
        return Err(Error::invalid(
            "there is no capture file: give files, or folders with files whose names end in .pcap, .pcapng or .cap, also \
             with .gz or .zst behind that",
        ));
    }
    Ok(found.into_values().collect())
}

/// Adds the capture files of a folder and those in it. A link to a folder is not followed. What cannot be read of them is
/// added as such; what goes meanwhile is not there.
fn below(folder: &Path, add: &mut impl FnMut(InputFile)) -> io::Result<()> {
    for it in fs::read_dir(folder)? {
        let it = it?;
        let path = it.path();
        let name = it.file_name();
        let name = name.to_string_lossy();
        let found = match it.file_type() {
            // Of downloads: what is in them is in the files beside them, or will be.
            Ok(kind) if kind.is_dir() && name.ends_with(".parts") => continue,
            Ok(kind) if kind.is_dir() => below(&path, add),
            Ok(_) if is_capture(&name) => capture(&path, add),
            Ok(_) => continue,
            Err(error) => Err(error),
        };
        match found {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                add(unreadable(&path, format!("cannot be read: {error}")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn capture(path: &Path, add: &mut impl FnMut(InputFile)) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() {
        add(file(&fs::canonicalize(path)?, &metadata));
    }
    Ok(())
}

fn unreadable(path: &Path, error: String) -> InputFile {
    // With its quotes, what is not UTF-8 is called as nothing else is.
    let quoted = || format!("\"{}\"", path.as_os_str().as_encoded_bytes().escape_ascii());
    let name = path.to_str().map_or_else(quoted, str::to_owned);
    InputFile {
        name,
        size: 0,
        stamp: String::new(),
        origin: Origin::Unreadable(error),
    }
}

fn file(path: &Path, metadata: &fs::Metadata) -> InputFile {
    let Some(name) = path.to_str() else {
        let error = "its name is not UTF-8, as the table needs it: give it another".to_owned();
        return unreadable(path, error);
    };
    // A system that keeps no times has none to tell by.
    let changed = metadata.modified().ok();
    let changed = changed.and_then(|it| it.duration_since(UNIX_EPOCH).ok());
    InputFile {
        name: name.to_owned(),
        size: metadata.len(),
        stamp: changed.unwrap_or_default().as_nanos().to_string(),
        origin: Origin::File(path.to_owned()),
    }
}

/// Adds the capture files below a folder of a bucket, or the one object that it names.
async fn objects(
    source: &Arc<Source>,
    bucket: &Destination,
    add: &mut impl FnMut(InputFile),
) -> Result<(), Error> {
    const DOING: &str = "list the capture files";
    let found = |meta: ObjectMeta| InputFile {
        name: name(bucket, &meta.location),
        size: meta.size,
        stamp: match &meta.e_tag {
            Some(tag) => tag.trim_matches('"').to_owned(),
            None => meta.last_modified.timestamp_micros().to_string(),
        },
        origin: Origin::Object(BucketFile::new(Arc::clone(source), meta)),
    };
    let prefix = Some(&source.prefix).filter(|it| it.parts_count() > 0);
    if let Some(key) = prefix.filter(|it| it.filename().is_some_and(is_capture)) {
        match source.answer(DOING, source.store.head(key)).await? {
            Ok(meta) => {
                add(found(meta));
                return Ok(());
            }
            Err(error) if is_not_there(&error) => {}
            Err(error) => return Err(source.failed(Access::Read, DOING, &error)),
        }
    }
    let mut objects = source.store.list(prefix);
    while let Some(object) = source.answer(DOING, objects.next()).await? {
        match object {
            Ok(meta) if meta.location.filename().is_some_and(is_capture) => add(found(meta)),
            Ok(_) => {}
            Err(error) if is_empty_folder(&error) => break,
            Err(error) => return Err(source.failed(Access::List, DOING, &error)),
        }
    }
    Ok(())
}

/// An object's URI. How the bucket's folder is mapped elsewhere does not change it. Buckets of R2 have names of their own in
/// each account, others in the world.
fn name(bucket: &Destination, key: &Key) -> String {
    let url = bucket.url();
    let name = format!("{}://{}/{key}", url.scheme(), bucket.bucket());
    let account = url
        .query_pairs()
        .find(|(key, _)| url.scheme() == "r2" && key == "account-id");
    match account {
        Some((_, account)) => format!("{name}{ACCOUNT}{account}"),
        None => name,
    }
}

/// Whether a file is one by its name.
fn is_capture(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let packed = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"));
    let name = packed.unwrap_or(&name);
    [".pcap", ".pcapng", ".cap"]
        .iter()
        .any(|it| name.ends_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_by_their_names() {
        for name in ["a.pcap", "a.PCAPNG", "a.cap.gz", "pcap_1.pcap.zst"] {
            assert!(is_capture(name), "{name}");
        }
        for name in [
            "a.txt",
            "ownership-challenge-1.txt",
            "pcap",
            "a.pcap.parts",
            "a.gz",
        ] {
            assert!(!is_capture(name), "{name}");
        }
    }

    #[test]
    fn two_accounts_are_two_buckets() {
        let name = |uri: &str| name(&uri.parse().unwrap(), &Key::from("d/a.pcap"));
        let keys = "access-key-id=AK&secret-access-key=SK";
        assert_eq!(
            name(&format!("r2://b/d?{keys}&account-id=one")),
            "r2://b/d/a.pcap?account-id=one"
        );
        assert_eq!(name("s3://b/d?region=eu-west-1"), "s3://b/d/a.pcap");
    }

    #[test]
    fn every_file_is_of_one_shard() {
        let mut of = [0; 4];
        for number in 0..1_000 {
            let found = InputFile {
                name: format!("/captures/{number}.pcap"),
                size: 0,
                stamp: String::new(),
                origin: Origin::File(PathBuf::new()),
            };
            of[found.shard(4) as usize] += 1;
            assert_eq!(found.shard(1), 0);
            assert_eq!(found.id().len(), 32);
        }
        assert!(of.iter().all(|it| (200..300).contains(it)), "{of:?}");
    }
}
