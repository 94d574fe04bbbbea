//! `pcaps report`: a page of capture files.

use std::{
    fs::canonicalize,
    io::Write as _,
    path::{Path, PathBuf},
};

use pcaps_file::{NewFile, Summary};
use pcaps_report::Report;
use schemars::JsonSchema;
use serde::Serialize;

use super::stats::{Ended, sum_up};
use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, FileError, Pairs, Zone},
};

pub(super) fn run(global: &Global, args: &args::Report) -> Result<(), Failure> {
    let path = args.output_file.as_path();
    let is_stdout = path.as_os_str() == "-";
    check(global, args, is_stdout)?;
    let mut report = Report::new(Zone::of(global).into_inner());
    let mut ended = Ended::default();
    let mut files = Vec::new();
    for file in &args.files {
        let (summary, error) = sum_up(file);
        let name = file.display().to_string();
        let is_opened = summary.is_some();
        let summary = summary.unwrap_or_default();
        let words = error.as_ref().map(|it| {
            let message = Failure::because(Exit::Partial, it);
            message.message().to_owned()
        });
        report.add(&name, &summary, words);
        files.push(Reported {
            file: name,
            packets: summary.packets(),
            error: error.as_ref().map(FileError::from),
        });
        ended.add(is_opened, error);
    }
    if !ended.any_opened {
        return ended.result(global);
    }
    let page = report.to_html();
    if is_stdout {
        output::print(&page)?;
    } else {
        save(path, &page)?;
        tell(global, path, &page, report.total(), files)?;
    }
    let ended = if args.lenient {
        ended.told(global)
    } else {
        ended.result(global)
    };
    // The page is there, whatever comes of the browser.
    let opened = if args.open { open(path) } else { Ok(()) };
    match (opened, ended) {
        (Err(failure), Err(partial)) => {
            // Each says it, and that the result is partial gives the exit code.
            let _ = failure.report(global.format());
            Err(partial)
        }
        (opened, ended) => opened.and(ended),
    }
}

/// Refuses what cannot be done before anything is read.
fn check(global: &Global, args: &args::Report, is_stdout: bool) -> Result<(), Failure> {
    let stdin = args.files.iter().filter(|it| it.as_os_str() == "-");
    if stdin.count() > 1 {
        return Err(Failure::usage(
            "standard input can be read once: give `-` once",
        ));
    }
    let path = args.output_file.as_path();
    if is_stdout {
        if args.open {
            return Err(Failure::usage(
                "a browser cannot open standard output: give `-o FILE`, or leave out --open",
            ));
        }
        if !global.is_text() {
            return Err(Failure::usage(
                "standard output cannot take both the page and what is told of it: give `-o FILE`, or leave out --json, --output and --fields",
            ));
        }
        return Ok(());
    }
    if let Ok(target) = canonicalize(path)
        && args
            .files
            .iter()
            .any(|it| canonicalize(it).is_ok_and(|it| it == target))
    {
        return Err(Failure::usage(format!(
            "{} is one of the files to report on: give another output",
            path.display()
        )));
    }
    pcaps::check_output(path)?;
    Ok(())
}

/// Puts the page in its place, whole.
fn save(path: &Path, page: &str) -> Result<(), Failure> {
    let failed = |error: &pcaps_file::Error| Failure::because(Exit::Other, error);
    let new = NewFile::create(path).map_err(|error| failed(&error))?;
    let mut file = new.open().map_err(|error| failed(&error))?;
    let written = file.write_all(page.as_bytes());
    written.map_err(|error| Failure::write(path, &error))?;
    new.put_in_place().map_err(|error| failed(&error))
}

/// Shows the page in the browser, which may stay open as long as it likes.
fn open(path: &Path) -> Result<(), Failure> {
    let whole = canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    open::that_detached(whole).map_err(|error| {
        Failure::new(
            Exit::Other,
            format!(
                "no browser could be started ({error}): the page is in {}, open it yourself",
                path.display()
            ),
        )
    })
}

/// What programs are told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document {
    /// Where the page is.
    output: String,
    /// Its length in bytes.
    bytes: u64,
    /// How many packets it is about.
    packets: u64,
    /// How many things there look like an attack: `pcaps stats --json` has them.
    finding_count: u64,
    /// The files, in the order in which they were given.
    files: Vec<Reported>,
}

/// One file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReportedFile")]
struct Reported {
    /// Its path, as it was given.
    file: String,
    /// How many packets could be read.
    packets: u64,
    /// Why not all of it could be read, or none.
    error: Option<FileError>,
}

fn tell(
    global: &Global,
    path: &Path,
    page: &str,
    total: &Summary,
    files: Vec<Reported>,
) -> Result<(), Failure> {
    let findings = total.findings();
    let document = || Document {
        output: path.display().to_string(),
        bytes: page.len() as u64,
        packets: total.packets(),
        finding_count: findings.len() as u64,
        files,
    };
    let text = || {
        let mut pairs = Pairs::new();
        pairs.line("page", &path.display().to_string());
        pairs.line("packets", &output::count(total.packets()));
        pairs.line("findings", &output::count(findings.len() as u64));
        pairs.finish()
    };
    output::result(global, document, text)
}
