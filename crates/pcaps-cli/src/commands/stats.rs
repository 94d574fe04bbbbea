//! `pcaps stats`: what is in capture files.

use std::{
    fs::File,
    io::{self, Read},
};

use pcaps_file::{Reader, Summary};

use crate::{
    args::{Global, Stats},
    failure::{Exit, Failure},
    output::Sums,
};

pub(super) fn run(global: &Global, args: &Stats) -> Result<(), Failure> {
    let mut sums = Sums::new(global, args.files.len());
    let mut failures = Vec::new();
    let mut any_opened = false;
    for path in &args.files {
        let (summary, ended) = if path.as_os_str() == "-" {
            sum_up(Reader::new(io::stdin(), "standard input"))
        } else {
            sum_up::<File>(Reader::open(path))
        };
        any_opened |= summary.is_some();
        // Of one file that cannot be opened there is nothing to print.
        if summary.is_some() || args.files.len() > 1 {
            sums.add(path, &summary.unwrap_or_default(), ended.as_ref().err())?;
        }
        failures.extend(ended.err());
    }
    if any_opened || args.files.len() > 1 {
        sums.finish()?;
    }
    let exit = if any_opened {
        Exit::Partial
    } else {
        Exit::Other
    };
    let mut failures = failures
        .iter()
        .map(|error| Failure::because(exit, error))
        .collect::<Vec<_>>();
    let last = failures.pop();
    for failure in failures {
        // Each says it, and the last gives the exit code.
        let _ = failure.report(global.format());
    }
    last.map_or(Ok(()), Err)
}

/// The summary of all that can be read, if anything can, and the error that ended it.
fn sum_up<R: Read + Send>(
    reader: Result<Reader<R>, pcaps_file::Error>,
) -> (Option<Summary>, Result<(), pcaps_file::Error>) {
    match reader {
        Ok(mut reader) => {
            let mut summary = Summary::default();
            let ended = summary.add_all(&mut reader);
            (Some(summary), ended)
        }
        Err(error) => (None, Err(error)),
    }
}
