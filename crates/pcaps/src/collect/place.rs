//! From the folder of parts to where they should go.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Seek as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use pcaps_file::{NewFile, StopOnDrop, merge::MergedFile};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    task::spawn_blocking,
};

use super::{
    Output,
    fetch::{Fetch, stopped},
    growing::Growing,
    merging::{Merging, agrees},
    parts::{FetchedPart, PartsFolder},
    with_ending,
};
use crate::{Error, ErrorKind, download::check_output};

const PARTS: &str = ".parts";
/// What is to be done about whatever goes wrong after the fetching.
pub(super) const STAY: &str = "what has been fetched stays: collect again to go on from it";

/// Where parts go.
pub(super) struct Places<'a> {
    output: Output<'a>,
    split: Option<PathBuf>,
}

/// What is in its place.
pub(super) struct Placed {
    pub(super) bytes: u64,
    /// By key, where there was a merge.
    merged: BTreeMap<String, MergedFile>,
}

impl Placed {
    /// Parts that were not merged into one file.
    pub(super) fn apart(parts: &BTreeMap<String, FetchedPart>) -> Self {
        Self {
            bytes: parts.values().map(|it| it.size).sum(),
            merged: BTreeMap::new(),
        }
    }

    /// What the merge made of a part.
    pub(super) fn of(&self, key: &str) -> Option<&MergedFile> {
        self.merged.get(key)
    }
}

impl<'a> Places<'a> {
    /// Makes sure, before anything is asked for, that there is a place that can be written.
    pub(super) fn check(
        output: Output<'a>,
        split: Option<PathBuf>,
        delete_remote: bool,
    ) -> Result<Self, Error> {
        match &output {
            Output::Path(path) => check_output(path)?,
            Output::Writer(_) if delete_remote => {
                return Err(Error::invalid(
                    "what goes to a writer may get lost: nothing is deleted from the bucket for it; collect to a path",
                ));
            }
            Output::Nowhere if split.is_none() => {
                return Err(Error::invalid(
                    "it is not said where the packets go: to a path, a writer or a folder",
                ));
            }
            Output::Writer(_) | Output::Nowhere => {}
        }
        if let Some(folder) = &split {
            let made = fs::create_dir_all(folder);
            made.map_err(|it| Error::io("make the folder", folder, it))?;
        }
        Ok(Self { output, split })
    }

    /// Where parts are kept, unless it does not matter.
    pub(super) fn parts(&self) -> Option<PathBuf> {
        match (&self.output, &self.split) {
            (Output::Path(path), _) => Some(with_ending(path, PARTS)),
            (Output::Writer(_), _) => None,
            // Without a slash at its end.
            (Output::Nowhere, split) => split
                .as_ref()
                .map(|it| with_ending(&it.components().collect::<PathBuf>(), PARTS)),
        }
    }

    /// Where the merged file is made, if there is to be one: in the folder of parts, so that nothing is left behind
    /// however the process ends.
    pub(super) fn merged(&self, parts: &PartsFolder) -> Result<Option<NewFile>, Error> {
        let made = match &self.output {
            Output::Nowhere => return Ok(None),
            Output::Path(path) => NewFile::create_in(parts.folder(), path),
            Output::Writer(_) => NewFile::create(parts.folder().join("merged")),
        };
        made.map(Some).map_err(|it| unwritten(&it))
    }

    fn begin(
        &self,
        fetch: &Fetch,
        parts: &BTreeMap<String, FetchedPart>,
    ) -> Result<Option<Merging>, Error> {
        let Some(file) = self.merged(&fetch.parts)? else {
            return Ok(None);
        };
        let whole = |part| Growing::whole_at(fetch.parts.path(part));
        let whole = parts.iter().map(|(key, it)| (key.clone(), whole(it)));
        Merging::begin(file, fetch, whole.collect()).map(Some)
    }

    /// Puts all in its place. `early` is a merge that has begun already.
    pub(super) async fn fill(
        self,
        fetch: &Fetch,
        parts: &BTreeMap<String, FetchedPart>,
        early: Option<Merging>,
    ) -> Result<Placed, Error> {
        let early = match early.filter(|it| it.is_of(parts, fetch)) {
            // Whatever it met while there was more to do than merging may have passed.
            Some(early) => early.end().await.ok().filter(|(it, ..)| agrees(it, parts)),
            None => None,
        };
        let merged = match early {
            Some(early) => Some(early),
            None => match self.begin(fetch, parts)? {
                Some(merging) => Some(merging.end().await?),
                None => None,
            },
        };
        let merged = match (self.output, merged) {
            (_, None) | (Output::Nowhere, _) => None,
            (Output::Path(path), Some((merged, target, file))) => {
                Some((merged, to_path(&path, target, file)?))
            }
            // Dropped afterwards, the file goes.
            (Output::Writer(writer), Some((merged, _target, file))) => {
                Some((merged, to_writer(writer, file).await?))
            }
        };
        if let Some(folder) = self.split {
            split(folder, fetch, parts).await?;
        }
        let Some((merged, bytes)) = merged else {
            return Ok(Placed::apart(parts));
        };
        Ok(Placed {
            bytes,
            merged: parts.keys().cloned().zip(merged.files).collect(),
        })
    }
}

/// Puts a file at its path, and says how many bytes it has. Nothing is awaited: whoever drops the collection before it ends
/// finds the path as it was.
fn to_path(path: &Path, target: NewFile, file: File) -> Result<u64, Error> {
    let failed = |it| Error::io("write", path, it).advise(STAY);
    let bytes = file.metadata().map_err(failed)?.len();
    drop(file);
    target.put_in_place().map_err(|it| unwritten(&it))?;
    Ok(bytes)
}

/// Copies a file, and says how many bytes it has.
async fn to_writer(mut writer: impl AsyncWrite + Unpin, mut file: File) -> Result<u64, Error> {
    let copied = async {
        file.rewind()?;
        let mut file = tokio::fs::File::from_std(file);
        let copied = tokio::io::copy(&mut file, &mut writer).await?;
        writer.flush().await?;
        Ok::<_, io::Error>(copied)
    };
    copied.await.map_err(|source| {
        let what = "the capture arrived whole, and cannot be written to where it should go";
        Error::new(ErrorKind::Io, what).because(source)
    })
}

/// It says which path, why, and what to do.
pub(super) fn unwritten(error: &pcaps_file::Error) -> Error {
    Error::new(ErrorKind::Io, error.to_string()).advise(STAY)
}

/// Puts each part under its key, on the disk.
async fn split(
    folder: PathBuf,
    fetch: &Fetch,
    parts: &BTreeMap<String, FetchedPart>,
) -> Result<(), Error> {
    let below = |(key, part): (&String, &FetchedPart)| {
        let target = safe(&folder, &fetch.folder.below(key))?;
        Ok((fetch.parts.path(part), target))
    };
    let files: Result<Vec<_>, Error> = parts.iter().map(below).collect();
    let (files, keep): (_, Arc<PartsFolder>) = (files?, Arc::clone(&fetch.parts));
    let stop = StopOnDrop::default();
    let stopping = stop.signal();
    let splitting = spawn_blocking(move || {
        for (part, target) in files {
            if stopping.is_stopped() {
                break;
            }
            if let Some(folder) = target.parent() {
                let made = fs::create_dir_all(folder);
                made.map_err(|it| Error::io("make the folder", folder, it).advise(STAY))?;
            }
            put(&part, &target)?;
        }
        drop(keep);
        Ok(())
    });
    splitting.await.unwrap_or_else(|it| Err(stopped(it)))
}

/// Where a key is below a folder: nowhere else, whatever it is.
fn safe(folder: &Path, key: &str) -> Result<PathBuf, Error> {
    let mut path = folder.to_owned();
    for piece in key.split('/') {
        let mut components = Path::new(piece).components();
        let is_name = matches!(
            (components.next(), components.next()),
            (Some(std::path::Component::Normal(it)), None) if it == piece
        );
        if !is_name || piece.contains(['\\', '\0', ':']) {
            let what = format!("the key {key:?} cannot be the name of a file in a folder");
            return Err(Error::new(ErrorKind::UnexpectedResponse, what)
                .advise("collect without keeping the files apart"));
        }
        path.push(piece);
    }
    Ok(path)
}

/// Puts a file in its place, in one step, and leaves it where it is: a second name costs nothing.
fn put(part: &Path, target: &Path) -> Result<(), Error> {
    let is_free = match fs::symlink_metadata(target) {
        // What else is there is for a copy to judge.
        Ok(it) => it.is_file(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    let link = || {
        builder
            .prefix(".pcaps-")
            .make_in(folder, |it| fs::hard_link(part, it))
    };
    let Some(Ok(named)) = is_free.then(link) else {
        // It is on another file system, for example.
        return copy(part, target);
    };
    // To be written: else Windows syncs nothing.
    let file = OpenOptions::new().write(true).open(part);
    let synced = file.and_then(|it| it.sync_all());
    synced.map_err(|it| Error::io("write", target, it).advise(STAY))?;
    let named = named.into_temp_path();
    let second = named.to_path_buf();
    let placed = named.persist(target);
    placed.map_err(|it| Error::io("write", target, it.error).advise(STAY))?;
    // Giving a file a name that it has does nothing: a run before had put it there.
    let _ = fs::remove_file(second);
    // It is in its place: that not every system can sync a folder is no reason to say that it is not.
    let _ = File::open(folder).and_then(|it| it.sync_all());
    Ok(())
}

/// Puts a copy of a file in its place in one step.
fn copy(part: &Path, target: &Path) -> Result<(), Error> {
    let file = NewFile::create(target).map_err(|it| unwritten(&it))?;
    let copied = File::open(part).and_then(|mut from| {
        let mut to = file.open().map_err(io::Error::other)?;
        io::copy(&mut from, &mut to)
    });
    copied.map_err(|it| Error::io("write", target, it).advise(STAY))?;
    file.put_in_place().map_err(|it| unwritten(&it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_can_be_put_in_its_place_again() {
        let folder = tempfile::tempdir().unwrap();
        let (part, target) = (folder.path().join("part"), folder.path().join("target"));
        fs::write(&part, "packets").unwrap();
        fs::write(&target, "of another capture").unwrap();
        for _ in 0..2 {
            put(&part, &target).unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"packets");
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        }
    }

    #[test]
    fn no_key_leads_out_of_the_folder() {
        let folder = Path::new("out");
        let path = safe(folder, "server-01/pcap_a.pcap").unwrap();
        assert_eq!(path, Path::new("out/server-01/pcap_a.pcap"));
        for key in [
            "../a.pcap",
            "/a.pcap",
            "a/../../b.pcap",
            "a//b.pcap",
            "./a.pcap",
            "a\\..\\b.pcap",
            "c:/b.pcap",
            "a\0.pcap",
            "",
        ] {
            let error = safe(folder, key).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{key}");
        }
    }
}
