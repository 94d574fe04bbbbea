//! What is printed, and how it looks.

mod auth;
mod bucket;
mod capture;
mod checks;
mod collected;
mod exported;
mod fields;
mod file_error;
mod format;
mod links;
mod merged;
mod paint;
mod past;
mod picked;
mod rows;
mod saved;
mod sums;
mod table;
mod text;

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::Value;

use crate::{args::Global, failure::Failure};

pub(crate) use auth::{LoggedIn, LoggedOut, Permissions, Standing};
pub(crate) use bucket::{bucket, buckets};
pub(crate) use capture::{capture, captures};
pub(crate) use checks::{Check, Checks, State, checks};
pub(crate) use collected::{CollectedView, collected, missing};
pub(crate) use exported::ExportView;
pub(crate) use fields::{Fields, has_any};
pub(crate) use file_error::FileError;
pub(crate) use format::{Format, ID_FIELDS};
pub(crate) use links::{LinkState, WiresharkLink, WiresharkLinks};
pub(crate) use merged::{MergedView, file_format, remarks};
pub(crate) use past::{PastView, missing_past, past};
pub(crate) use rows::{RowView, Rows};
pub(crate) use saved::{FileView, Saved};
pub(crate) use sums::{StatsView, Sums};
pub(crate) use text::{Pairs, Zone, count, duration, one_line, size};

/// Prints a command's result: text for people, or a document for programs.
pub(crate) fn result<T: Serialize>(
    global: &Global,
    value: impl FnOnce() -> T,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    let (format, fields) = (global.format(), Fields::new(&global.fields));
    if global.is_text() {
        print_painted(&text())
    } else if fields.is_all() || format == Format::Id {
        print(&format.document(&value())?)
    } else {
        print_picked(global, &fields.pick(&format::value(&value())?))
    }
}

/// Prints a schema.
pub(crate) fn schema(global: &Global, schema: &Value) -> Result<(), Failure> {
    print(&global.format().document(schema)?)
}

/// Prints the fields that were asked for.
fn print_picked(global: &Global, result: &Value) -> Result<(), Failure> {
    match global.format() {
        Format::Table => print(&picked::text(&Zone::of(global), &global.fields, result)),
        format => print(&format.document(result)?),
    }
}

/// Prints data, at once and whole.
pub(crate) fn print(data: &(impl AsRef<[u8]> + ?Sized)) -> Result<(), Failure> {
    write(&mut io::stdout().lock(), data.as_ref())
}

/// The same of what people read: colours in it are for terminals only.
fn print_painted(text: &str) -> Result<(), Failure> {
    write(&mut anstream::stdout().lock(), text.as_bytes())
}

fn write(stdout: &mut impl io::Write, data: &[u8]) -> Result<(), Failure> {
    stdout
        .write_all(data)
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::stdout(&error))
}

/// Has colours from now on as they were asked for.
pub(crate) fn choose_color(choice: clap::ColorChoice) {
    match choice {
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// Prints what clap says in place of a result.
pub(crate) fn refusal(error: &clap::Error) {
    let text = error.render().ansi().to_string();
    // Nobody may be listening any more.
    let _ = if error.use_stderr() {
        anstream::stderr().lock().write_all(text.as_bytes())
    } else {
        anstream::stdout().lock().write_all(text.as_bytes())
    };
}

/// Prints a line that is not data. That nobody can read it is no reason to fail.
pub(crate) fn diagnostic(text: &str) {
    // An argument that stands in the wrong place may hold keys: it is not shown with them.
    let text = pcaps::redacted(text);
    let _ = writeln!(anstream::stderr().lock(), "{}", paint::label(&text));
}

/// Prints a failure for programs, on one line.
pub(crate) fn error(error: &impl Serialize) {
    if let Ok(text) = format::compact(error) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Prints a question, to be answered on the same line.
pub(crate) fn ask(question: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}

/// Prints a line that is not data, unless only what went wrong is wanted.
pub(crate) fn note(global: &Global, text: &str) {
    if !global.quiet {
        diagnostic(text);
    }
}

/// The same for a line that a program has no use for.
pub(crate) fn hint(global: &Global, text: &str) {
    if global.is_text() {
        note(global, text);
    }
}
