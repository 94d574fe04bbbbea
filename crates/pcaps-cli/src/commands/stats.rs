//! `pcaps stats`: what is in capture files.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use pcaps_file::{Reader, Summary};

use crate::{
    args::{Global, Stats},
    failure::{Exit, Failure},
    output::{self, Sums},
};

pub(super) fn run(global: &Global, args: &Stats) -> Result<(), Failure> {
    let mut sums = Sums::new(global, args.files.len());
    let mut ended = Ended::default();
    for path in &args.files {
        let (summary, error) = sum_up(path);
        // Of one file that cannot be opened there is nothing to print.
        if summary.is_some() || args.files.len() > 1 {
            sums.add(
                path,
                summary.as_ref().unwrap_or(&Summary::default()),
                error.as_ref(),
            )?;
        }
        ended.add(summary.is_some(), error);
    }
    if ended.any_opened || args.files.len() > 1 {
        sums.finish()?;
    }
    ended.result(global)
}

/// The summary of all that can be read of a file, if anything can, and the error that ended it.
pub(super) fn sum_up(path: &Path) -> (Option<Summary>, Option<pcaps_file::Error>) {
    if path.as_os_str() == "-" {
        all_of(Reader::new(io::stdin(), "standard input"))
    } else {
        all_of::<File>(Reader::open(path))
    }
}

fn all_of<R: Read + Send>(
    reader: Result<Reader<R>, pcaps_file::Error>,
) -> (Option<Summary>, Option<pcaps_file::Error>) {
    match reader {
        Ok(mut reader) => {
            let mut summary = Summary::default();
            let ended = summary.add_all(&mut reader);
            (Some(summary), ended.err())
        }
        Err(error) => (None, Some(error)),
    }
}

/// What ended the reading of files.
#[derive(Default)]
pub(super) struct Ended {
    /// Whether the file could be opened, and what was wrong.
    errors: Vec<(bool, pcaps_file::Error)>,
    pub(super) any_opened: bool,
}

impl Ended {
    /// Adds a file: whether it could be opened, and its error.
    pub(super) fn add(&mut self, opened: bool, error: Option<pcaps_file::Error>) {
        self.any_opened |= opened;
        self.errors.extend(error.map(|it| (opened, it)));
    }

    /// Reports all errors. The last is the command's: a partial result if there is one.
    pub(super) fn result(self, global: &Global) -> Result<(), Failure> {
        let exit = if self.any_opened {
            Exit::Partial
        } else {
            Exit::Other
        };
        let errors = self.errors.iter();
        let failures = errors.map(|(_, it)| Failure::because(exit, it));
        let mut failures = failures.collect::<Vec<_>>();
        let last = failures.pop();
        for failure in failures {
            // Each says it, and the last gives the exit code.
            let _ = failure.report(global.format());
        }
        last.map_or(Ok(()), Err)
    }

    /// The same, where of files that could be opened what could be read is enough: their errors are told, and none is the
    /// command's.
    pub(super) fn told(mut self, global: &Global) -> Result<(), Failure> {
        self.errors.retain(|(opened, error)| {
            if *opened {
                let failure = Failure::because(Exit::Partial, error);
                output::diagnostic(&format!("warning: {}", failure.message()));
            }
            !opened
        });
        self.result(global)
    }
}
