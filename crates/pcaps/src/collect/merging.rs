//! The merge of the parts, which may begin before the last of them are whole.

use std::{collections::BTreeMap, fs::File, sync::Arc, thread};

use pcaps_file::{
    NewFile, StopOnDrop,
    merge::{Input, Merge, Merged},
};
use tokio::sync::oneshot;

use super::{
    fetch::Fetch,
    growing::Growing,
    parts::FetchedPart,
    place::{STAY, unwritten},
};
use crate::{Error, ErrorKind};

/// A merge in a thread of its own, which may wait for as long as there is something to fetch: it takes none that fetching
/// needs. Dropped, it ends, and its file goes.
pub(super) struct Merging {
    parts: ReadParts,
    target: NewFile,
    ended: oneshot::Receiver<Result<(Merged, File), pcaps_file::Error>>,
    _stop: StopOnDrop,
}

/// What it reads, by key. Dropped, it is not waited for any more.
struct ReadParts(BTreeMap<String, Arc<Growing>>);

impl Drop for ReadParts {
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
        let (tell, ended) = oneshot::channel();
        let merge = move || {
            let merged = Merge::new().run(inputs, stopping.writer(&mut file));
            if merged.is_ok() {
                // Here, where it holds nobody up. That it fails is told when it is synced once more, in its place.
                let _ = file.sync_all();
            }
            // Perhaps nobody waits for it any more.
            let _ = tell.send(merged.map(|it| (it, file)));
        };
        let thread = thread::Builder::new().name("pcaps-merge".to_owned());
        thread.spawn(merge).map_err(|it| {
            let what = "there can be no thread to merge the files of the capture";
            Error::new(ErrorKind::Io, what).because(it).advise(STAY)
        })?;
        Ok(Self {
            parts: ReadParts(parts),
            target,
            ended,
            _stop: stop,
        })
    }

    /// Whether it reads these parts, and each of them from its first byte on.
    pub(super) fn is_of(&self, parts: &BTreeMap<String, FetchedPart>, fetch: &Fetch) -> bool {
        let is_same = |((key, growing), (of, part)): ((&String, &Arc<Growing>), (_, _))| {
            key == of && growing.is_whole_at(&fetch.parts.path(part))
        };
        self.parts.0.len() == parts.len() && self.parts.0.iter().zip(parts).all(is_same)
    }

    /// Waits until the file is whole.
    pub(super) async fn end(self) -> Result<(Merged, NewFile, File), Error> {
        let what = "the files of the capture cannot be merged";
        let failed = |it: pcaps_file::Error| {
            let kind = if it.is_io() {
                ErrorKind::Io
            } else {
                ErrorKind::NotACapture
            };
            Error::new(kind, what).because(it).advise(STAY)
        };
        let ended = self.ended.await.map_err(|it| {
            // It has panicked.
            Error::new(ErrorKind::Io, what).because(it).advise(STAY)
        })?;
        let (mut merged, file) = ended.map_err(failed)?;
        // A file that is torn is no failure, but one that cannot be read is.
        let mut errors = merged.files.iter_mut().map(|it| &mut it.error);
        let unread = errors.find(|it| it.as_ref().is_some_and(pcaps_file::Error::is_io));
        match unread.and_then(Option::take) {
            Some(error) => Err(failed(error)),
            None => Ok((merged, self.target, file)),
        }
    }
}

/// Whether a merge has found in each part what was found in it when it was fetched.
pub(super) fn agrees(merged: &Merged, parts: &BTreeMap<String, FetchedPart>) -> bool {
    let files = merged.files.iter().zip(parts.values());
    let mut differ = files.filter(|(file, part)| file.packets + file.refused != part.found.packets);
    differ.next().is_none()
}
