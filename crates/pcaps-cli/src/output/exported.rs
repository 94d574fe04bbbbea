//! Exports as people and programs read of them.

use pcaps::{DataSet, ExportState, ExportedInput, Location, pcaps_table::SCHEMA_VERSION};
use schemars::JsonSchema;
use serde::Serialize;

use super::text::{Pairs, count, size};

/// What a program is told of an export.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DataSet")]
pub(crate) struct ExportView<'a> {
    /// Where the table is.
    location: String,
    /// The version of its schema, which is in `_schema.json` there.
    schema_version: u32,
    /// How many rows these files have in it.
    rows: u64,
    /// How many bytes those are.
    bytes_written: u64,
    /// The capture files, in the order of their names; with --shard those of the shard.
    inputs: Vec<InputView<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExportedInput")]
struct InputView<'a> {
    /// Its name: an absolute path, or a URI.
    name: &'a str,
    /// How many bytes it has.
    bytes: u64,
    /// What its capture is called in the table.
    capture_id: &'a str,
    /// `exported`, `unchanged` if that was done before, or `failed` if it could not be read.
    state: &'static str,
    /// How many rows of it are in the table.
    rows: u64,
    /// How many files those are in.
    files: usize,
    /// How many bytes those have.
    bytes_written: u64,
    /// Why rows are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> ExportView<'a> {
    pub(crate) fn new(location: &Location, exported: &'a DataSet) -> Self {
        Self {
            location: location.to_string(),
            schema_version: SCHEMA_VERSION,
            rows: exported.inputs.iter().map(|it| it.rows).sum(),
            bytes_written: exported.inputs.iter().map(|it| it.bytes_written).sum(),
            inputs: exported.inputs.iter().map(InputView::new).collect(),
        }
    }

    pub(crate) fn text(&self) -> String {
        let are = |state| self.inputs.iter().filter(|it| it.state == state).count() as u64;
        let mut pairs = Pairs::new();
        pairs.line("table", &self.location);
        pairs.line("exported", &files(are(EXPORTED)));
        for (name, count) in [("unchanged", are(UNCHANGED)), ("failed", are(FAILED))] {
            if count > 0 {
                pairs.line(name, &files(count));
            }
        }
        pairs.line("rows", &count(self.rows));
        pairs.line("size", &size(self.bytes_written));
        pairs.finish()
    }
}

const EXPORTED: &str = "exported";
const UNCHANGED: &str = "unchanged";
const FAILED: &str = "failed";

fn files(number: u64) -> String {
    let files = if number == 1 { "file" } else { "files" };
    format!("{} {files}", count(number))
}

impl<'a> InputView<'a> {
    fn new(input: &'a ExportedInput) -> Self {
        Self {
            name: &input.name,
            bytes: input.bytes,
            capture_id: &input.capture_id,
            state: match input.state {
                ExportState::Exported => EXPORTED,
                ExportState::Unchanged => UNCHANGED,
                _ => FAILED,
            },
            rows: input.rows,
            files: input.files,
            bytes_written: input.bytes_written,
            error: input.error.as_deref(),
        }
    }
}
