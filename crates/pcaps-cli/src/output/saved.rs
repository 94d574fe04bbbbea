//! Capture files as people and programs read of them.

use std::path::{Path, PathBuf};

use pcaps_file::Summary;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    table,
    text::{Pairs, Zone, count},
};

/// How wide a summary is without a terminal.
const COLUMNS: u16 = 76;

/// A capture file that has been saved.
pub(crate) struct Saved {
    /// Where; absent on standard output.
    pub(crate) path: Option<PathBuf>,
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// What it holds.
    pub(crate) summary: Summary,
}

/// Where a capture file is, for programs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "File")]
pub(crate) struct FileView {
    /// Its path, as it was given.
    path: String,
    /// Its length in bytes.
    bytes: u64,
}

impl FileView {
    pub(crate) fn new(path: &Path, bytes: u64) -> Self {
        Self {
            path: path.display().to_string(),
            bytes,
        }
    }
}

impl Saved {
    pub(crate) fn file(&self) -> FileView {
        FileView {
            path: self.name(),
            bytes: self.bytes,
        }
    }

    pub(crate) fn text(&self, zone: &Zone) -> String {
        self.text_with(zone, "")
    }

    /// The same, with lines about where it comes from.
    pub(crate) fn text_with(&self, zone: &Zone, lines: &str) -> String {
        let mut pairs = Pairs::new();
        pairs.line("file", &self.name());
        pairs.line("size", &format!("{} bytes", count(self.bytes)));
        pairs.finish() + lines + &summary(zone, &self.summary)
    }

    fn name(&self) -> String {
        match &self.path {
            Some(path) => path.display().to_string(),
            None => "-".to_owned(),
        }
    }
}

/// A summary for people.
pub(super) fn summary(zone: &Zone, summary: &Summary) -> String {
    let columns = table::width().unwrap_or(COLUMNS);
    summary.to_text(columns.into(), |time| zone.exact(time.to_jiff()))
}
