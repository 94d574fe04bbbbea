//! The merge of the parts, which may begin before the last of them are whole.

use std::{collections::BTreeMap, fs::File, io, path::Path, sync::Arc};

use pcaps_file::{
    NewFile, StopOnDrop,
    merge::{Input, Merge, Merged},
};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{
    fetch::{Fetch, stopped},
    growing::Growing,
    parts::FetchedPart,
    place::{STAY, unwritten},
};
use crate::{Error, ErrorKind};

/// A merge in a thread of its own. Dropped, it ends, and its file goes.
pub(super) struct Merging {
    parts: Parts,
    target: NewFile,
    running: JoinHandle<Result<(Merged, io::Result<File>), pcaps_file::Error>>,
    _stop: StopOnDrop,
}

/// What it reads, by key. Dropped, it is not waited for any more.
struct Parts(BTreeMap<String, Arc<Growing>>);

impl Drop for Parts {
    fn drop(&mut self) {
        for part in self.0.values() {
            part.gone();
        }
    }
}

impl Merging {
    /// Begins to merge parts into a file, in the order of their keys.
    pub(super) fn begin(
        target: NewFile,
        fetch: &Fetch,
        parts: BTreeMap<String, Arc<Growing>>,
    ) -> Result<Self, Error> {
        let input = |(key, part): (&String, &Arc<Growing>)| {
            let name = fetch.folder.below(key);
            match part.path() {
                Some(path) => Input::path(path).called(name),
                None => Input::reader(part.read(), name),
            }
        };
        let inputs: Vec<_> = parts.iter().map(input).collect();
        let mut file = target.open().map_err(|it| unwritten(&it))?;
        let stop = StopOnDrop::default();
        let stopping = stop.signal();
        // Whoever drops this keeps the folder until the last byte is written.
        let keep = Arc::clone(&fetch.parts);
        let running = spawn_blocking(move || {
            let merged = Merge::new().run(inputs, stopping.writer(&mut file));
            drop(keep);
            // Here, where it holds nobody up: in its place it is synced once more, and there is nothing left to do.
            Ok((merged?, file.sync_all().map(|()| file)))
        });
        Ok(Self {
            parts: Parts(parts),
            target,
            running,
            _stop: stop,
        })
    }

    /// Whether it reads these parts, and each of them from its first byte to its last.
    pub(super) fn is_of(&self, parts: &BTreeMap<String, FetchedPart>, fetch: &Fetch) -> bool {
        let is_same = |((key, growing), (of, part)): ((&String, &Arc<Growing>), (_, _))| {
            key == of && growing.is_whole_at(&fetch.parts.path(part))
        };
        self.parts.0.len() == parts.len() && self.parts.0.iter().zip(parts).all(is_same)
    }

    /// Waits until the file is whole.
    pub(super) async fn end(mut self) -> Result<(Merged, NewFile, File), Error> {
        let ended = (&mut self.running).await.map_err(stopped)?;
        let (merged, synced) = ended.map_err(|it| {
            let kind = if it.is_io() {
                ErrorKind::Io
            } else {
                ErrorKind::NotACapture
            };
            let what = "the files of the capture cannot be merged";
            Error::new(kind, what).because(it).advise(STAY)
        })?;
        let unsynced = |it| Error::io("write", Path::new("the merged file"), it).advise(STAY);
        Ok((merged, self.target, synced.map_err(unsynced)?))
    }
}
