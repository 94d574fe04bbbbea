//! What is printed, and how it looks.

mod auth;
mod bucket;
mod capture;
mod checks;
mod collected;
mod file_error;
mod merged;
mod saved;
mod sums;
mod table;
mod text;

use std::io::{self, Write as _};

use serde::Serialize;

use crate::failure::{Exit, Failure};

pub(crate) use auth::{LoggedIn, LoggedOut, Permissions, Standing};
pub(crate) use bucket::{bucket, buckets};
pub(crate) use capture::{capture, captures};
pub(crate) use checks::{Check, Checks, State, checks};
pub(crate) use collected::{CollectedView, collected, missing};
pub(crate) use file_error::FileError;
pub(crate) use merged::{MergedView, format, remarks};
pub(crate) use saved::{FileView, Saved};
pub(crate) use sums::Sums;
pub(crate) use text::{count, one_line};

/// Prints a command's result: text for a person, or one JSON document.
pub(crate) fn result<T: Serialize>(
    json: bool,
    value: impl FnOnce() -> T,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if json {
        document(&value())
    } else {
        print(&text())
    }
}

/// Prints one JSON document.
fn document(value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::because(Exit::Other, &error))?;
    text.push('\n');
    print(&text)
}

/// Prints data, at once and whole.
pub(crate) fn print(data: &(impl AsRef<[u8]> + ?Sized)) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(data.as_ref())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::stdout(&error))
}

/// Prints a line that is not data. That nobody can read it is no reason to fail.
pub(crate) fn diagnostic(text: &str) {
    // An argument that stands in the wrong place may hold keys: it is not shown with them.
    let _ = writeln!(io::stderr().lock(), "{}", pcaps::redacted(text));
}

/// Prints a question, to be answered on the same line.
pub(crate) fn ask(question: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}

/// Prints a line that is not data, and that a program has no use for.
pub(crate) fn hint(json: bool, text: &str) {
    if !json {
        diagnostic(text);
    }
}
