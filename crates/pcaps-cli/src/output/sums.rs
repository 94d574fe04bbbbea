//! The summaries of several capture files, one after the other: nothing is kept of a file but its line.

use std::path::Path;

use pcaps_file::{Error, Summary};
use serde::Serialize;

use super::{
    FileError, print,
    table::{Column, table},
    text::{count, one_line},
};
use crate::failure::{Exit, Failure};

/// Prints summaries as they come, and at the end their total.
pub(crate) struct Sums {
    json: bool,
    /// How many files there will be.
    files: usize,
    added: usize,
    rows: Vec<[String; 5]>,
    total: Summary,
}

/// One file, for programs.
#[derive(Serialize)]
struct FileDocument<'a> {
    file: String,
    error: Option<FileError>,
    #[serde(flatten)]
    summary: &'a Summary,
}

impl Sums {
    pub(crate) fn new(json: bool, files: usize) -> Self {
        Self {
            json,
            files,
            added: 0,
            rows: Vec::new(),
            total: Summary::default(),
        }
    }

    /// Adds a file, with the error that ended it.
    pub(crate) fn add(
        &mut self,
        path: &Path,
        summary: &Summary,
        error: Option<&Error>,
    ) -> Result<(), Failure> {
        self.total.merge(summary);
        let file = path.display().to_string();
        if self.json {
            let start = if self.added == 0 {
                "{\n\"files\": [\n"
            } else {
                ",\n"
            };
            let document = FileDocument {
                file,
                error: error.map(FileError::from),
                summary,
            };
            print(&format!("{start}{}", pretty(&document)?))?;
        } else {
            let time = summary.first_time().map(|time| time.to_string());
            let duration = summary
                .duration()
                .map(|it| format!("{:.3}", it.as_secs_f64()));
            self.rows.push([
                one_line(&file),
                count(summary.packets()),
                count(summary.bytes_on_wire()),
                time.unwrap_or_default(),
                duration.unwrap_or_default(),
            ]);
        }
        self.added += 1;
        Ok(())
    }

    /// Prints the total.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if self.json {
            return print(&format!("\n],\n\"total\": {}\n}}\n", pretty(&self.total)?));
        }
        if self.files == 1 {
            return print(&self.total.to_string());
        }
        let columns = [
            Column::broken("FILE", 12),
            Column::whole("PACKETS"),
            Column::whole("BYTES"),
            Column::whole("FIRST").dispensable(2),
            Column::whole("SECONDS").dispensable(1),
        ];
        print(&format!("{}\n{}", table(columns, &self.rows), self.total))
    }
}

fn pretty(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| Failure::because(Exit::Other, &error))
}
