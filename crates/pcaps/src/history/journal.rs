//! What a history has done so far, in the folder of its samples.
//!
//! `history.ndjson` has one JSON object a line, and is only ever appended to: what is asked for, then each sample that
//! was started, and what came of it. It holds no secret.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use pcaps_file::{NewFile, Reader};
use serde::{Deserialize, Serialize};

use super::plan::Window;
use crate::{
    Error, ErrorKind, Filter,
    collect::{lock, make},
};

const JOURNAL: &str = "history.ndjson";

/// The folder, of which one run has hold at a time.
#[derive(Debug)]
pub(super) struct HistoryFolder {
    folder: PathBuf,
    /// It is locked until it is closed.
    file: File,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) account: String,
    pub(super) filter: String,
    pub(super) packet_limit: u32,
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Wanted {
    pub(super) fn range(&self) -> Window {
        Window {
            from: self.from,
            to: self.to,
        }
    }

    pub(super) fn filter(&self) -> Result<Filter, Error> {
        self.filter.parse()
    }
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
        from: i64,
        to: i64,
        capture: String,
        /// When, in seconds since the epoch.
        at: i64,
    },
    /// Its packets are in a file of the folder.
    Taken { from: i64, to: i64, packets: u64 },
    /// It is not asked for again.
    Failed { from: i64, to: i64, reason: String },
}

impl Event {
    pub(super) fn window(&self) -> Window {
        let (Self::Started { from, to, .. }
        | Self::Taken { from, to, .. }
        | Self::Failed { from, to, .. }) = *self;
        Window { from, to }
    }
}

impl HistoryFolder {
    /// Makes the folder, or takes one that is empty.
    pub(super) fn begin(folder: PathBuf, wanted: &Wanted) -> Result<Self, Error> {
        let failed = |it| Error::io("make the folder", &folder, it);
        make(&folder).map_err(failed)?;
        if fs::read_dir(&folder).map_err(failed)?.next().is_some() {
            return Err(Error::invalid(format!(
                "there are files in {}: resume what they are of, or move the folder away",
                folder.display()
            )));
        }
        let file = lock(&folder.join(JOURNAL), &folder)?;
        let mut journal = Self { folder, file };
        journal.write(&First {
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
        let failed = |it| Error::io("use the folder", &folder, it);
        let mut file = lock(&path, &folder)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        // A last line without an end was being written when the run before ended.
        let end = text.iter().rposition(|it| *it == b'\n');
        let end = end.map_or(0, |it| it + 1);
        text.truncate(end);
        file.set_len(end as u64).map_err(failed)?;
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
            Event::Taken { packets, .. } => holds(&folder.join(name(it.window())), *packets),
            _ => true,
        };
        let events: Vec<_> = events.filter(is_there).collect();
        let journal = Self { folder, file };
        let cleared = journal.clear_away();
        cleared.map_err(|it| Error::io("use the folder", &journal.folder, it))?;
        Ok((journal, wanted, events))
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

    /// Appends a line, in one piece.
    pub(super) fn write(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let written = serde_json::to_vec(line)
            .map_err(io::Error::from)
            .and_then(|mut text| {
                text.push(b'\n');
                self.file.write_all(&text)
            });
        written.map_err(|it| Error::io("write into the folder", &self.folder, it))
    }

    /// Takes the folder away: first the journal, so that what is left is not taken for a history.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(self.folder.join(JOURNAL))?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(is_name) {
                fs::remove_file(entry.path())?;
            }
        }
        fs::remove_dir(&self.folder)
    }
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
