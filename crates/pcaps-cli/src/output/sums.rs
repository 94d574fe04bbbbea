//! The summaries of several capture files, one after the other: nothing is kept of a file but its line.

use std::{collections::BTreeMap, path::Path};

use pcaps_file::{Error, Summary};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Fields, FileError, Format, format, print, print_picked, saved,
    table::{Column, table},
    text::{Zone, count, one_line},
};
use crate::{args::Global, failure::Failure};

/// Prints summaries as they come, and at the end their total.
pub(crate) struct Sums<'a> {
    global: &'a Global,
    /// How many files there will be.
    files: usize,
    added: usize,
    kept: Kept,
    total: Summary,
}

/// What is kept of each file.
enum Kept {
    /// Nothing: its document has been printed.
    Nothing,
    /// Its row in a table.
    Rows(Vec<[String; 5]>),
    /// The fields that were asked for, of each and of the whole.
    Picked(Fields, Vec<Value>),
}

/// What programs are told. It is printed piece by piece, and described whole.
#[derive(JsonSchema)]
#[schemars(rename = "Stats")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct StatsView {
    /// The files, in the order in which they were given.
    files: Vec<SummedFile<'static>>,
    /// All of them together.
    total: Summary,
}

/// One file.
#[derive(Serialize, JsonSchema)]
struct SummedFile<'a> {
    /// Its path, as it was given.
    file: String,
    /// Why not all of it could be read, or none.
    error: Option<FileError>,
    #[serde(flatten)]
    summary: &'a Summary,
}

impl<'a> Sums<'a> {
    pub(crate) fn new(global: &'a Global, files: usize) -> Self {
        let fields = Fields::new(&global.fields);
        Self {
            global,
            files,
            added: 0,
            kept: if global.is_text() {
                Kept::Rows(Vec::new())
            } else if fields.is_all() {
                Kept::Nothing
            } else {
                Kept::Picked(fields, Vec::new())
            },
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
        let (format, is_first) = (self.global.format(), self.added == 0);
        self.added += 1;
        if let Kept::Rows(rows) = &mut self.kept {
            let (zone, time) = (Zone::of(self.global), summary.first_time());
            let duration = summary
                .duration()
                .map(|it| format!("{:.3}", it.as_secs_f64()));
            rows.push([
                one_line(&file),
                count(summary.packets()),
                count(summary.bytes_on_wire()),
                time.map(|it| zone.exact(it.to_jiff())).unwrap_or_default(),
                duration.unwrap_or_default(),
            ]);
            return Ok(());
        }
        let view = SummedFile {
            file,
            error: error.map(FileError::from),
            summary,
        };
        match &mut self.kept {
            Kept::Picked(fields, files) => {
                if let Some(fields) = fields.below("files") {
                    let view = format::value(&view)?;
                    files.push(if fields.is_all() {
                        view
                    } else {
                        fields.pick(&view)
                    });
                }
                Ok(())
            }
            _ => print(&match (format, is_first) {
                (Format::Yaml, true) => "files:\n".to_owned() + &format::yaml(&[view])?,
                (Format::Yaml, false) => format::yaml(&[view])?,
                (Format::Ndjson, true) => "{\"files\":[".to_owned() + &format::compact(&view)?,
                (Format::Ndjson, false) => ",".to_owned() + &format::compact(&view)?,
                (_, true) => "{\n\"files\": [\n".to_owned() + &format::pretty(&view)?,
                (_, false) => ",\n".to_owned() + &format::pretty(&view)?,
            }),
        }
    }

    /// Prints the total.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let total = &self.total;
        match self.kept {
            Kept::Rows(_) if self.files == 1 => {
                print(&saved::summary(&Zone::of(self.global), total))
            }
            Kept::Rows(rows) => {
                let columns = [
                    Column::broken("FILE", 12),
                    Column::whole("PACKETS"),
                    Column::whole("BYTES"),
                    Column::whole("FIRST").dispensable(2),
                    Column::whole("SECONDS").dispensable(1),
                ];
                let total = saved::summary(&Zone::of(self.global), total);
                print(&format!("{}\n{total}", table(&columns, &rows)))
            }
            Kept::Picked(fields, files) => {
                let of_total = fields.below("total").map(|_| total);
                let result = json!({ "files": files, "total": of_total });
                print_picked(self.global, &fields.pick(&result))
            }
            Kept::Nothing => print(&match self.global.format() {
                Format::Yaml => format::yaml(&BTreeMap::from([("total", total)]))?,
                Format::Ndjson => format!("],\"total\":{}}}\n", format::compact(total)?),
                _ => format!("\n],\n\"total\": {}\n}}\n", format::pretty(total)?),
            }),
        }
    }
}
