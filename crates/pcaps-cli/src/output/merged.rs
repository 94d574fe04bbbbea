//! Merges as people and programs read of them.

use std::path::Path;

use pcaps_file::{
    Format,
    merge::{Merged, MergedFile, Remark},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::FileError;
use super::text::{Pairs, Zone, count};

/// What a program is told of a merge.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Merged")]
pub(crate) struct MergedView<'a> {
    /// Where the output is.
    path: String,
    /// `pcap` or `pcapng`.
    format: &'static str,
    /// How many packets it has.
    packets: u64,
    /// How many were left out because another file has them.
    duplicates: u64,
    /// Time of the first packet, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_time: Option<String>,
    /// Time of the last packet, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_time: Option<String>,
    /// The files, in the order in which they were given.
    inputs: Vec<InputView<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MergedFile")]
struct InputView<'a> {
    /// Its path, as it was given.
    path: &'a str,
    /// How many of its packets are in the output.
    packets: u64,
    /// How many were left out because another file has them.
    duplicates: u64,
    /// How many were behind later ones, and put in order.
    reordered: u64,
    /// How many are out of order in the output.
    late: u64,
    /// How many the output cannot hold.
    refused: u64,
    /// How many comments, and blocks of names, secrets and other things, a pcapng file has that the output does not have.
    annotations: u64,
    /// Whether it has no packets.
    is_empty: bool,
    /// The file before it that it is another name of; it was read once.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as: Option<&'a str>,
    /// The file before it that it looks like a copy of; the packets of both are in the output, but for duplicates.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_of: Option<&'a str>,
    /// Why not all of it could be read, or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FileError>,
}

impl<'a> MergedView<'a> {
    pub(crate) fn new(path: &Path, merged: &'a Merged) -> Self {
        Self {
            path: path.display().to_string(),
            format: file_format(merged.format),
            packets: merged.packets,
            duplicates: merged.duplicates,
            first_time: merged.first_time.map(|it| it.to_string()),
            last_time: merged.last_time.map(|it| it.to_string()),
            inputs: merged.files.iter().map(InputView::new).collect(),
        }
    }

    pub(crate) fn text(&self, zone: &Zone) -> String {
        let mut pairs = Pairs::new();
        pairs.line("file", &self.path);
        pairs.line("format", self.format);
        pairs.line("inputs", &count(self.inputs.len() as u64));
        pairs.line("packets", &count(self.packets));
        if self.duplicates > 0 {
            pairs.line(
                "duplicates",
                &format!("{}, left out", count(self.duplicates)),
            );
        }
        pairs.line_if(
            "first packet",
            self.first_time.as_ref().map(|it| zone.text(it)),
        );
        pairs.line_if(
            "last packet",
            self.last_time.as_ref().map(|it| zone.text(it)),
        );
        pairs.finish()
    }
}

impl<'a> InputView<'a> {
    fn new(file: &'a MergedFile) -> Self {
        Self {
            path: &file.name,
            packets: file.packets,
            duplicates: file.duplicates,
            reordered: file.reordered,
            late: file.late,
            refused: file.refused,
            annotations: file.annotations,
            is_empty: matches!(file.remark, Some(Remark::Empty | Remark::NoPackets)),
            same_as: match &file.remark {
                Some(Remark::SameAs(other)) => Some(other),
                _ => None,
            },
            copy_of: match &file.remark {
                Some(Remark::CopyOf(other)) => Some(other),
                _ => None,
            },
            error: file.error.as_ref().map(FileError::from),
        }
    }
}

/// Its name, as tools of Wireshark take it.
pub(crate) fn file_format(format: Format) -> &'static str {
    match format {
        Format::Pcap => "pcap",
        _ => "pcapng",
    }
}

/// What a person should know about the inputs, a line each.
pub(crate) fn remarks(merged: &Merged) -> Vec<String> {
    let mut lines = Vec::new();
    for file in &merged.files {
        let name = &file.name;
        if let Some(error) = &file.error {
            lines.push(format!("warning: {error}"));
        }
        if file.refused > 0 {
            lines.push(format!(
                "warning: `{name}` has {} that the output cannot hold",
                packets(file.refused)
            ));
        }
        if file.late > 0 {
            lines.push(format!(
                "warning: `{name}` has {} too far from where they should be: they are out of order in the output",
                packets(file.late)
            ));
        }
        if file.reordered > 0 {
            lines.push(format!(
                "note: `{name}` has {} behind later ones: they were put in order",
                packets(file.reordered)
            ));
        }
        if file.annotations > 0 {
            let what = match file.annotations {
                1 => "1 comment, block of names, or the like".to_owned(),
                number => format!("{} comments, blocks of names, and the like", count(number)),
            };
            lines.push(format!(
                "note: `{name}` has {what}: the output has packets only"
            ));
        }
        match &file.remark {
            Some(Remark::Empty) => lines.push(format!("note: `{name}` is empty")),
            Some(Remark::NoPackets) => lines.push(format!("note: `{name}` has no packets")),
            Some(Remark::SameAs(other)) if other == name => {
                lines.push(format!("note: `{name}` was given twice, and read once"));
            }
            Some(Remark::SameAs(other)) => {
                lines.push(format!(
                    "note: `{name}` is the same file as `{other}`, and was read once"
                ));
            }
            Some(Remark::CopyOf(other)) if file.packets > 0 && file.duplicates == 0 => {
                lines.push(format!(
                    "warning: `{name}` looks like a copy of `{other}`: the output has the packets of both; leave one out, or give --dedup"
                ));
            }
            _ => {}
        }
    }
    if merged.dedup_is_short {
        lines.push(
            "warning: there were too many packets within the window to compare all: give a shorter one".to_owned(),
        );
    }
    lines
}

fn packets(number: u64) -> String {
    match number {
        1 => "1 packet".to_owned(),
        _ => format!("{} packets", count(number)),
    }
}
