//! `pcaps stats`: what is in a capture file.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use pcaps_file::{Reader, Summary};

use crate::{
    args::Global,
    failure::{Exit, Failure},
    output,
};

pub(super) fn run(global: &Global, path: &Path) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        sum_up(global, Reader::new(io::stdin().lock(), "standard input"))
    } else {
        sum_up::<File>(global, Reader::open(path))
    }
}

/// Prints the summary of all that can be read.
fn sum_up<R: Read>(
    global: &Global,
    reader: Result<Reader<R>, pcaps_file::Error>,
) -> Result<(), Failure> {
    let mut reader = reader.map_err(|error| Failure::because(Exit::Other, &error))?;
    let mut summary = Summary::default();
    let ended = summary.add_all(&mut reader);
    output::result(global.json, || &summary, || summary.to_string())?;
    ended.map_err(|error| Failure::because(Exit::Partial, &error))
}
