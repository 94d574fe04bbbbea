//! The files of a folder that is watched: which there are, which comes next, and which go.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Error,
    collect::with_ending,
    history::{HistoryFolder, Window},
    journal::JournalFile,
};

/// The file by which others are kept out. It says whose the packets are.
const LOCK: &str = ".pcaps-watch";
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// What the file says by which others are kept out.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    /// The version of the folder.
    watch: u32,
    account: String,
}

/// A folder, of which one run has hold at a time.
#[derive(Debug)]
pub(super) struct Ring {
    folder: PathBuf,
    _lock: JournalFile,
    /// Where the next piece of time begins.
    next: i64,
    /// The piece of time that a run before has begun with.
    begun: Option<Window>,
    /// From when on there is nothing.
    missing_from: Option<i64>,
    /// Whether a file has been made, by this run or one before.
    has_files: bool,
    /// When the last sample was started.
    pub(super) last: Option<Timestamp>,
}

impl Ring {
    /// Opens the folder, or makes it. Where there is nothing in it, it begins with `first`.
    pub(super) fn open(folder: &Path, account: &AccountId, first: Window) -> Result<Self, Error> {
        let failed = |it| Error::io("use the folder", folder, it);
        fs::create_dir_all(folder).map_err(failed)?;
        let unwritten = |it| Error::io("write into the folder", folder, it);
        let (mut lock, text) = JournalFile::open(&folder.join(LOCK), folder, unwritten)?;
        let owner = Owner {
            watch: 1,
            account: account.to_string(),
        };
        if text.is_empty() {
            lock.add(&owner).map_err(unwritten)?;
        } else if serde_json::from_slice(&text).ok() != Some(owner) {
            return Err(Error::invalid(format!(
                "the files in {} are of another account: give another folder",
                folder.display()
            )));
        }
        // A file of a time that has not been yet is none that this could go on from.
        let has_passed = |it: &Window| it.to <= first.to;
        let files = windows(folder, "").map_err(failed)?;
        let newest = files.into_iter().filter(has_passed).max_by_key(|it| it.to);
        let parts = windows(folder, ".parts").map_err(failed)?;
        let newest_parts = parts.into_iter().filter(has_passed).max_by_key(|it| it.to);
        let begun = newest_parts.filter(|it| newest.is_none_or(|newest| newest.to <= it.from));
        let next = match (newest, begun) {
            (Some(newest), _) => newest.to,
            (None, Some(begun)) => begun.from,
            (None, None) => first.from,
        };
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
            next,
            begun: begun.filter(|it| it.from == next),
            missing_from: None,
            has_files: newest.is_some(),
            last: None,
        })
    }

    /// The next piece of time.
    pub(super) fn next(&self, seconds: i64) -> Window {
        self.begun.unwrap_or(Window {
            from: self.next,
            to: self.next.saturating_add(seconds),
        })
    }

    /// What begins before is not asked for.
    pub(super) fn give_up_before(&mut self, oldest: i64, seconds: i64) {
        if self.next < oldest {
            self.missing_from.get_or_insert(self.next);
            self.begun = None;
            // The pieces stay in step.
            let behind = oldest.saturating_sub(self.next);
            let pieces = behind.saturating_add(seconds - 1) / seconds;
            self.next = self.next.saturating_add(pieces.saturating_mul(seconds));
        }
    }

    /// A piece of time cannot be had.
    pub(super) fn lost(&mut self, window: Window) {
        self.missing_from.get_or_insert(window.from);
        self.go_on(window);
        self.remove_samples(window);
    }

    /// A piece of time is in its file. Gives from when on there is nothing before it.
    pub(super) fn done(&mut self, window: Window) -> Option<Timestamp> {
        self.has_files = true;
        self.go_on(window);
        let from = self.missing_from.take()?;
        Some(Window { from, ..window }.begin())
    }

    fn go_on(&mut self, window: Window) {
        self.begun = None;
        self.next = window.to;
    }

    pub(super) fn has_files(&self) -> bool {
        self.has_files
    }

    /// Where the packets of a piece of time are.
    pub(super) fn path(&self, window: Window) -> PathBuf {
        self.folder.join(name(window))
    }

    /// Takes away the oldest files, until there are so many, and samples of which no file will be made any more. Says
    /// which files went, and which could not be taken away.
    pub(super) fn shrink(&self, keep: u32, done: Window) -> (Vec<PathBuf>, Vec<PathBuf>) {
        // A file of a time that has not been yet was made by a clock that was wrong.
        let has_passed = |it: &Window| it.to <= done.to;
        let there = |ending| windows(&self.folder, ending).unwrap_or_default();
        let mut files: Vec<_> = there("").into_iter().filter(has_passed).collect();
        files.sort_unstable();
        files.truncate(files.len().saturating_sub(keep as usize));
        let paths = files.into_iter().map(|it| self.path(it));
        let paths = paths.filter(|it| it.is_file());
        let removed = |it: &PathBuf| fs::remove_file(it).is_ok();
        let parts = there(".parts").into_iter().filter(has_passed);
        parts.for_each(|it| self.remove_samples(it));
        paths.partition(removed)
    }

    /// Takes away the samples of a piece of time. What is left of them harms nobody.
    pub(super) fn remove_samples(&self, window: Window) {
        let folder = with_ending(&self.path(window), ".parts");
        if let Err(error) = HistoryFolder::remove_at(&folder) {
            tracing::warn!(%error, "the folder {} cannot be taken away", folder.display());
        }
    }
}

/// The pieces of time that the files, or the folders, of a folder are of, by their names. Others are left alone.
fn windows(folder: &Path, ending: &str) -> io::Result<Vec<Window>> {
    let mut windows = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_str().and_then(|it| it.strip_suffix(ending));
        windows.extend(name.and_then(parse));
    }
    Ok(windows)
}

fn name(window: Window) -> String {
    let time = |it: Timestamp| it.strftime(TIME).to_string();
    format!("{}-{}.pcap", time(window.begin()), time(window.end()))
}

fn parse(text: &str) -> Option<Window> {
    let (from, to) = text.strip_suffix(".pcap")?.split_once('-')?;
    let time = |it: &str| {
        let time = DateTime::strptime(TIME, it).ok()?;
        let time = TimeZone::UTC.to_timestamp(time).ok()?;
        Some(time.as_second())
    };
    let window = Window {
        from: time(from)?,
        to: time(to)?,
    };
    // What could be written in two ways is not of ours.
    (window.from < window.to && name(window) == text).then_some(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_time() {
        let window = Window {
            from: 1_764_457_500,
            to: 1_764_457_800,
        };
        let text = name(window);
        assert_eq!(text, "20251129T230500Z-20251129T231000Z.pcap");
        assert_eq!(parse(&text), Some(window));
        for other in [
            "",
            ".pcap",
            "-.pcap",
            "20251129T230500Z.pcap",
            "20251129T230500Z-20251129T230500Z.pcap",
            "20251129T231000Z-20251129T230500Z.pcap",
            "20251129T230500Z-20251129T231000Z.pcapng",
            "x20251129T230500Z-20251129T231000Z.pcap",
            "2025112T230500Z-20251129T231000Z.pcap",
            "20251329T230500Z-20251329T231000Z.pcap",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
