//! `pcaps filter`: the packets of capture files that an expression takes.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
};

use pcaps_file::{
    LinkType, NewFile, Packet, Selected,
    filter::{self, Expr, Program},
    merge::Input,
    select,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, FileError},
    programs::{self, Viewer},
    resume::Resume,
    runtime,
    target::Target,
};

pub(super) fn run(global: &Global, args: args::Filter) -> Result<(), Failure> {
    let (text, inputs) = sort_out(args.words, args.read)?;
    let expression = filter::parse(&text).map_err(|error| refuse(&text, &error))?;
    let filtering = Filtering {
        text,
        expression,
        program: None,
    };
    let target = Target::prepare(global, &args.output.output_file)?;
    let viewer = Viewer::find(&args.output.open, target.path())?;
    let selected = match &target {
        Target::Stdout => filtering.run(&inputs, io::stdout())?,
        Target::File(path) => runtime::interruptible(&Resume::default(), async {
            // Held here, so that an interruption takes it away.
            let new = NewFile::create(path).map_err(failed)?;
            let file = new.open().map_err(failed)?;
            let work = tokio::task::spawn_blocking(move || filtering.run(&inputs, file)).await;
            let selected = work.map_err(|error| Failure::because(Exit::Other, &error))??;
            new.put_in_place().map_err(failed)?;
            Ok(selected)
        })?,
    };
    let reported = report(global, &target, &selected);
    programs::show(viewer, target.path(), reported)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "this is how `map_err` calls it"
)]
fn failed(error: pcaps_file::Error) -> Failure {
    Failure::because(Exit::Other, &error)
}

/// The filter, and the files.
fn sort_out(words: Vec<OsString>, read: Vec<PathBuf>) -> Result<(String, Vec<PathBuf>), Failure> {
    let is_given = !read.is_empty();
    let text = |word: OsString| {
        word.into_string()
            .map_err(|_| Failure::usage("the filter is not Unicode: write it in ASCII"))
    };
    let mut words = words.into_iter();
    let (filter, inputs) = if is_given {
        let words = words.map(text).collect::<Result<Vec<_>, _>>()?;
        (words.join(" "), read)
    } else {
        let filter = words.next().map(text).transpose()?.unwrap_or_default();
        (filter, words.map(PathBuf::from).collect())
    };
    if inputs.is_empty() {
        return Err(Failure::usage(
            "there is no file to read: give one behind the filter, which is one word in quotes, or with -r FILE",
        ));
    }
    if inputs.iter().filter(|it| is_stdin(it)).count() > 1 {
        return Err(Failure::usage("standard input can be read once only"));
    }
    if let Some(path) = inputs.iter().find(|it| !is_stdin(it) && !it.exists()) {
        let hint = if is_given {
            ""
        } else {
            ": a filter of several words stands in quotes, or its files behind -r"
        };
        let message = format!("there is no file {}{hint}", path.display());
        return Err(Failure::new(Exit::Other, message));
    }
    Ok((filter, inputs))
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// An expression that cannot be used, with its place.
fn refuse(text: &str, error: &filter::Error) -> Failure {
    let caret = error.caret(text).replace('\n', "\n  ");
    Failure::usage(format!("the filter cannot be used: {error}\n  {caret}"))
}

/// A filter at work.
#[derive(Clone)]
struct Filtering {
    text: String,
    expression: Expr,
    /// For the link type of the packet before: hardly any file has two.
    program: Option<(LinkType, Program)>,
}

impl Filtering {
    /// Writes the packets of all inputs that the filter takes.
    fn run(self, inputs: &[PathBuf], write: impl Write + Send) -> Result<Selected, Failure> {
        let inputs = inputs.iter().map(|path| {
            if is_stdin(path) {
                Input::reader(io::stdin(), "standard input")
            } else {
                Input::path(path)
            }
        });
        let mut filtering = self.clone();
        let selected = select(inputs, write, move |packet| filtering.takes(packet));
        selected.map_err(|stopped| match stopped {
            Stopped::Filter(error) => refuse(&self.text, &error),
            Stopped::File(error) => unwritten(&error),
        })
    }

    /// Whether the filter takes it.
    #[inline]
    fn takes(&mut self, packet: &Packet<'_>) -> Result<bool, Stopped> {
        match &self.program {
            Some((link_type, program)) if *link_type == packet.link_type => {
                Ok(program.matches(packet.bytes, packet.original_len))
            }
            _ => {
                let program = Program::new(&self.expression, packet.link_type);
                let program = program.map_err(Stopped::Filter)?;
                let takes = program.matches(packet.bytes, packet.original_len);
                self.program = Some((packet.link_type, program));
                Ok(takes)
            }
        }
    }
}

/// What ends it.
enum Stopped {
    /// The filter does not go with the link type of a packet.
    Filter(filter::Error),
    File(pcaps_file::Error),
}

impl From<pcaps_file::Error> for Stopped {
    fn from(error: pcaps_file::Error) -> Self {
        Self::File(error)
    }
}

/// An input that cannot be opened, or an output that cannot be written.
fn unwritten(error: &pcaps_file::Error) -> Failure {
    let cause = std::error::Error::source(error).and_then(|it| it.downcast_ref::<io::Error>());
    match cause {
        Some(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Failure::stdout(cause),
        _ => Failure::because(Exit::Other, error),
    }
}

/// What programs are told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document {
    /// How many packets were read.
    read: u64,
    /// How many the filter took.
    matched: u64,
    /// Where they are.
    output: String,
    /// `pcap` or `pcapng`.
    format: &'static str,
    /// Why not all files could be read to their ends.
    errors: Vec<FileError>,
}

/// Says what was done: on standard error, because standard output may be the capture.
fn report(global: &Global, target: &Target, selected: &Selected) -> Result<(), Failure> {
    let place = target
        .path()
        .map_or("-".to_owned(), |it| it.display().to_string());
    if global.is_text() {
        let (written, read) = (
            output::count(selected.written),
            output::count(selected.read),
        );
        output::note(global, &format!("{place}: {written} of {read} packets"));
    } else {
        let document = || Document {
            read: selected.read,
            matched: selected.written,
            output: place,
            format: output::file_format(selected.format),
            errors: selected.errors.iter().map(FileError::from).collect(),
        };
        output::result(global, document, String::new)?;
    }
    let mut failures: Vec<Failure> = selected
        .errors
        .iter()
        .map(|error| Failure::because(Exit::Partial, error))
        .collect();
    if selected.refused > 0 {
        failures.push(Failure::new(
            Exit::Partial,
            format!(
                "{} packets cannot be written: their times are after the year 2106, or they have 16 MiB",
                output::count(selected.refused)
            ),
        ));
    }
    let Some(last) = failures.pop() else {
        return Ok(());
    };
    for failure in failures {
        // Each says it, and the last gives the exit code.
        let _ = failure.report(global.format());
    }
    Err(last)
}
