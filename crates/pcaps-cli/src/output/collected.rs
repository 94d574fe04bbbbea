//! What came of a full capture's files.

use std::{fmt::Write as _, path::Path};

use pcaps::{CaptureState, Collected, CollectedFile, FileState};
use schemars::JsonSchema;
use serde::Serialize;

use super::text::{Pairs, count, one_line};

/// For programs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Collected")]
pub(crate) struct CollectedView<'a> {
    /// How many packets there are.
    packets: u64,
    /// How many bytes the merged file has; without one, all files together.
    bytes: u64,
    /// How many packets the service says that the capture has taken.
    reported: Option<u64>,
    /// Whether the bucket was looked at for long enough.
    settled: bool,
    /// Whether packets are missing, or may be.
    partial: bool,
    /// How many objects were deleted from the bucket.
    deleted: u64,
    /// What was in the bucket, in the order of the keys.
    files: Vec<View<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CollectedFile")]
struct View<'a> {
    /// Its key, below the bucket's folder.
    key: &'a str,
    /// Its length in bytes.
    bytes: u64,
    /// How many of its packets could be read.
    packets: u64,
    /// `whole`, `empty`, `torn` or `vanished`.
    state: &'static str,
    /// Why it is torn.
    reason: Option<&'a str>,
}

impl<'a> CollectedView<'a> {
    pub(crate) fn new(collected: &'a Collected) -> Self {
        Self {
            packets: collected.packets,
            bytes: collected.bytes,
            reported: collected.reported,
            settled: collected.settled,
            partial: collected.is_partial(),
            deleted: collected.deleted,
            files: collected.files.iter().map(View::new).collect(),
        }
    }
}

impl<'a> View<'a> {
    fn new(file: &'a CollectedFile) -> Self {
        Self {
            key: &file.key,
            bytes: file.bytes,
            packets: file.packets,
            state: state(&file.state),
            reason: match &file.state {
                FileState::Torn { reason, .. } => Some(reason),
                _ => None,
            },
        }
    }
}

fn state(state: &FileState) -> &'static str {
    match state {
        FileState::Whole => "whole",
        FileState::Empty => "empty",
        FileState::Torn { .. } => "torn",
        FileState::Vanished => "vanished",
        _ => "other",
    }
}

/// For people: how many files there were, and what is wrong with some of them.
pub(crate) fn collected(collected: &Collected, split: Option<&Path>) -> String {
    let mut pairs = Pairs::new();
    pairs.line_if("folder", split.map(|it| it.display().to_string()));
    let mut files = count(collected.files.len() as u64);
    for odd in ["empty", "torn", "vanished"] {
        let number = collected.files.iter().filter(|it| state(&it.state) == odd);
        let number = number.count() as u64;
        if number > 0 {
            // Writing to a string does not fail.
            let _ = write!(files, ", {} {odd}", count(number));
        }
    }
    pairs.line("files", &files);
    if split.is_some() {
        pairs.line("packets", &count(collected.packets));
    }
    let reported = collected.reported.filter(|it| *it != collected.packets);
    pairs.line_if(
        "reported",
        reported.map(|it| format!("{} packets", count(it))),
    );
    if collected.deleted > 0 {
        let deleted = format!("{} in the bucket", count(collected.deleted));
        pairs.line("deleted", &deleted);
    }
    pairs.finish()
}

/// What is missing, a line each.
pub(crate) fn missing(collected: &Collected) -> Vec<String> {
    let mut lines = Vec::new();
    for file in &collected.files {
        match &file.state {
            FileState::Torn { reason, .. } => lines.push(format!("warning: {reason}")),
            FileState::Vanished => lines.push(format!(
                "warning: `{}` was in the bucket, and is not there any more",
                file.key
            )),
            _ => {}
        }
    }
    let capture = &collected.capture;
    if capture.state() == CaptureState::Failed {
        let why = capture.error_message();
        let why = why.as_deref().unwrap_or("the service gives no reason");
        lines.push(format!("warning: the capture failed: {why}"));
    }
    if let Some(reported) = collected.reported.filter(|it| *it > collected.packets) {
        lines.push(format!(
            "warning: the service reports {} packets, and {} are there",
            count(reported),
            count(collected.packets)
        ));
    }
    if !collected.settled {
        lines.push("warning: more files may come: the bucket was not seen to settle".to_owned());
    }
    lines.iter().map(|it| one_line(it)).collect()
}
