//! What a history has done so far, in the folder of its samples.
//!
//! `history.ndjson` has one JSON object a line, and is only ever appended to: what is asked for, then each sample that
//! was started, and what came of it. It holds no secret.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pcaps_file::{NewFile, Reader};
use serde::{Deserialize, Serialize};

use super::plan::Window;
use crate::{
    Error, ErrorKind,
    journal::{JournalFile, make},
};

const JOURNAL: &str = "history.ndjson";

/// The folder, of which one run has hold at a time.
#[derive(Debug)]
pub(crate) struct HistoryFolder {
    folder: PathBuf,
    file: JournalFile,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(super) account: String,
    pub(super) filter: String,
    pub(super) packet_limit: u32,
    #[serde(flatten)]
    pub(super) range: Window,
}

/// The first line of the journal.
#[derive(Serialize, Deserialize)]
struct First {
    /// The version of the journal.
    history: u32,
    #[serde(flatten)]
    wanted: Wanted,
}

/// What happened to a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// A sample of it was started.
    Started {
        #[serde(flatten)]
        window: Window,
        capture: String,
        /// When, in seconds since the epoch.
        at: i64,
    },
    /// Its packets are in a file of the folder.
    Taken {
        #[serde(flatten)]
        window: Window,
        packets: u64,
    },
    /// It is not asked for again.
    Failed {
        #[serde(flatten)]
        window: Window,
        reason: String,
    },
}

impl HistoryFolder {
    /// Makes the folder, or takes one that is empty.
    pub(super) fn begin(folder: &Path, wanted: &Wanted) -> Result<Self, Error> {
        let failed = |it| Error::io("make the folder", folder, it);
        make(folder).map_err(failed)?;
        let mut entries = fs::read_dir(folder).map_err(failed)?;
        // A run that ended when it had just begun has left a journal with nothing in it.
        let is_other =
            |it: io::Result<fs::DirEntry>| it.map_or(true, |it| it.file_name() != JOURNAL);
        let has_others = entries.any(is_other);
        let in_use = || {
            Error::invalid(format!(
                "there are files in {}: resume what they are of, or move the folder away",
                folder.display()
            ))
        };
        if has_others {
            return Err(in_use());
        }
        let (mut journal, text) = Self::open(folder.to_owned())?;
        if !text.is_empty() {
            return Err(in_use());
        }
        journal.add(&First {
            history: 1,
            wanted: wanted.clone(),
        })?;
        Ok(journal)
    }

    /// Opens what a run before has left.
    pub(super) fn resume(folder: PathBuf) -> Result<(Self, Wanted, Vec<Event>), Error> {
        let path = folder.join(JOURNAL);
        if !path.is_file() {
            let what = format!("there is no history to resume: no file {}", path.display());
            return Err(Error::new(ErrorKind::InvalidInput, what).advise(
                "give the same output as before, or begin a new one with the time that it is to cover",
            ));
        }
        let (journal, text) = Self::open(folder)?;
        let mut lines = text.split(|it| *it == b'\n').filter(|it| !it.is_empty());
        let first = lines.next().unwrap_or_default();
        let Ok(First { history: 1, wanted }) = serde_json::from_slice(first) else {
            return Err(Error::invalid(format!(
                "{} is not the journal of a history: move the folder away, and begin anew",
                path.display()
            )));
        };
        // A line that makes no sense counts for nothing: its window is asked for again.
        let events = lines.filter_map(|it| serde_json::from_slice(it).ok());
        // What has happened to a file since makes its window one that was not taken.
        let is_there = |it: &Event| match it {
            Event::Taken { window, packets } => holds(&journal.path(*window), *packets),
            _ => true,
        };
        let events = events.filter(is_there).collect();
        let cleared = journal.clear_away();
        cleared.map_err(|it| Error::io("use the folder", &journal.folder, it))?;
        Ok((journal, wanted, events))
    }

    /// What a run before has left, if it has got as far as that.
    pub(crate) fn left(folder: &Path) -> Result<Option<(Self, Wanted)>, Error> {
        let journal = fs::metadata(folder.join(JOURNAL));
        if journal.is_ok_and(|it| it.len() > 0) {
            let (left, wanted, _) = Self::resume(folder.to_owned())?;
            return Ok(Some((left, wanted)));
        }
        Ok(None)
    }

    fn open(folder: PathBuf) -> Result<(Self, Vec<u8>), Error> {
        let path = folder.join(JOURNAL);
        let (file, text) = JournalFile::open(&path, &folder, |it| unwritten(&folder, it))?;
        Ok((Self { folder, file }, text))
    }

    /// Takes away what was on its way into a file.
    fn clear_away(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name
                .to_str()
                .is_some_and(|it| it.starts_with(NewFile::PREFIX))
            {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the packets of a window are.
    pub(super) fn path(&self, window: Window) -> PathBuf {
        self.folder.join(name(window))
    }

    pub(super) fn add(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let added = self.file.add(line);
        added.map_err(|it| unwritten(&self.folder, it))
    }

    /// Takes the folder away: first the journal, so that what is left is not taken for a history.
    pub(crate) fn remove(&self) -> io::Result<()> {
        Self::remove_at(&self.folder)
    }

    /// Takes away what there is of a history in a folder, and the folder if that was all.
    pub(crate) fn remove_at(folder: &Path) -> io::Result<()> {
        let is_gone = |it: &io::Error| it.kind() == io::ErrorKind::NotFound;
        let remove = |path: PathBuf| match fs::remove_file(path) {
            Err(error) if !is_gone(&error) => Err(error),
            _ => Ok(()),
        };
        remove(folder.join(JOURNAL))?;
        let entries = match fs::read_dir(folder) {
            Err(error) if is_gone(&error) => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let is_ours = |it: &str| is_name(it) || it.starts_with(NewFile::PREFIX);
            if name.to_str().is_some_and(is_ours) {
                remove(entry.path())?;
            }
        }
        fs::remove_dir(folder)
    }
}

fn unwritten(folder: &Path, error: io::Error) -> Error {
    Error::io("write into the folder", folder, error)
}

/// Whether the file of a window has so many packets.
fn holds(path: &Path, packets: u64) -> bool {
    let count = || {
        let mut reader = Reader::open(path).ok()?;
        let mut count = 0;
        while reader.next_packet().ok()?.is_some() {
            count += 1;
        }
        Some(count)
    };
    count() == Some(packets)
}

/// The name of the file of a window: its begin, and how many seconds it is long.
fn name(window: Window) -> String {
    format!("{}-{}.pcap", window.from, window.seconds())
}

/// Whether a file's name is that of a window.
fn is_name(text: &str) -> bool {
    let parts = text.strip_suffix(".pcap").and_then(|it| it.split_once('-'));
    let Some((Ok(from), Ok(seconds))) = parts.map(|(from, len)| (from.parse(), len.parse::<i64>()))
    else {
        return false;
    };
    let window = Window {
        from,
        to: from.saturating_add(seconds),
    };
    name(window) == text
}
