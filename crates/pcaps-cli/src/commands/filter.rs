//! `pcaps filter`: the packets of capture files that an expression takes.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use pcaps_file::{
    ErrorKind, Format, LinkType, NewFile, Packet, Reader, Writer, WriterOptions,
    filter::{self, Expr, Program},
};
use serde::Serialize;

use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output,
    resume::Resume,
    runtime,
    target::Target,
};

/// tcpdump's snap length where none is given.
const WHOLE_PACKETS: u32 = 262_144;

pub(super) fn run(global: &Global, args: args::Filter) -> Result<(), Failure> {
    let (text, inputs) = sort_out(args.words, args.read)?;
    let expression = filter::parse(&text).map_err(|error| refuse(&text, &error))?;
    let filtering = Filtering {
        text,
        expression,
        program: None,
        counts: Counts::default(),
    };
    let target = Target::prepare(&args.output.output, global.json)?;
    let counts = match &target {
        Target::Stdout => filtering.run(&inputs, io::stdout().lock())?,
        Target::File(path) => runtime::interruptible(&Resume::default(), async {
            // Held here, so that an interruption takes it away.
            let new = NewFile::create(path).map_err(failed)?;
            let file = new.open().map_err(failed)?;
            let work = tokio::task::spawn_blocking(move || filtering.run(&inputs, file)).await;
            let counts = work.map_err(|error| Failure::because(Exit::Other, &error))??;
            new.put_in_place().map_err(failed)?;
            Ok(counts)
        })?,
    };
    report(global, &target, counts)
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

/// How many packets, and what could not be read.
#[derive(Default)]
struct Counts {
    read: u64,
    matched: u64,
    /// Packets of which less was written than was read.
    cut: u64,
    torn: Vec<pcaps_file::Error>,
}

/// A filter at work.
struct Filtering {
    text: String,
    expression: Expr,
    /// For the link type of the packet before: hardly any file has two.
    program: Option<(LinkType, Program)>,
    counts: Counts,
}

impl Filtering {
    /// Writes the packets of all inputs that the filter takes.
    fn run(mut self, inputs: &[PathBuf], write: impl Write) -> Result<Counts, Failure> {
        let mut write = Some(write);
        let mut writer = None;
        for input in inputs {
            let reader: Result<Reader<Box<dyn Read>>, _> = if is_stdin(input) {
                Reader::new(Box::new(io::stdin().lock()), "standard input")
            } else {
                match File::open(input) {
                    Ok(file) => Reader::new(Box::new(file), input.display().to_string()),
                    Err(error) => {
                        let what = format!("cannot open {}", input.display());
                        return Err(Failure::new(Exit::Other, format!("{what}: {error}")));
                    }
                }
            };
            let mut reader = reader.map_err(|error| Failure::because(Exit::Other, &error))?;
            if let Some(write) = write.take() {
                let mut options = WriterOptions::from(reader.header());
                // Other files may keep more of a packet, and so may other interfaces.
                let is_one = inputs.len() == 1 && reader.header().format == Format::Pcap;
                if !is_one || options.snap_len == 0 {
                    options.snap_len = WHOLE_PACKETS;
                }
                writer = Some((
                    Writer::new(write, options).map_err(|error| unwritten(&error))?,
                    options,
                ));
            }
            if let Some((writer, options)) = &mut writer {
                self.all(&mut reader, writer, options.snap_len)?;
            }
        }
        if let Some((writer, _)) = writer {
            writer.finish().map_err(|error| unwritten(&error))?;
        }
        Ok(self.counts)
    }

    /// Writes the packets of one input that the filter takes, as far as it can be read.
    fn all<R: Read, W: Write>(
        &mut self,
        reader: &mut Reader<R>,
        writer: &mut Writer<W>,
        snap_len: u32,
    ) -> Result<(), Failure> {
        loop {
            let packet = match reader.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.counts.torn.push(error);
                    return Ok(());
                }
            };
            self.counts.read += 1;
            if self.takes(&packet)? {
                self.counts.matched += 1;
                self.counts.cut += u64::from(is_longer(&packet, snap_len));
                writer.write(&packet).map_err(|error| unwritten(&error))?;
            }
        }
    }

    /// Whether the filter takes it.
    #[inline]
    fn takes(&mut self, packet: &Packet<'_>) -> Result<bool, Failure> {
        match &self.program {
            Some((link_type, program)) if *link_type == packet.link_type => {
                Ok(program.matches(packet.bytes, packet.original_len))
            }
            _ => {
                let program = Program::new(&self.expression, packet.link_type);
                let program = program.map_err(|error| refuse(&self.text, &error))?;
                let takes = program.matches(packet.bytes, packet.original_len);
                self.program = Some((packet.link_type, program));
                Ok(takes)
            }
        }
    }
}

fn is_longer(packet: &Packet<'_>, snap_len: u32) -> bool {
    u32::try_from(packet.bytes.len()).is_ok_and(|len| len > snap_len)
}

/// A packet that does not fit the output, or an output that cannot be written.
fn unwritten(error: &pcaps_file::Error) -> Failure {
    let cause = std::error::Error::source(error).and_then(|it| it.downcast_ref::<io::Error>());
    match cause {
        Some(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Failure::stdout(cause),
        _ => Failure::because(Exit::Other, error).noting((error.kind() == ErrorKind::Refused).then(|| {
            "a pcap file has one link type and one resolution of time: filter files of another on their own, and \
             name one with nanoseconds before those without"
                .to_owned()
        })),
    }
}

/// What a program is told.
#[derive(Serialize)]
struct Document {
    read: u64,
    matched: u64,
    output: String,
}

/// Says what was done: on standard error, because standard output may be the capture.
fn report(global: &Global, target: &Target, mut counts: Counts) -> Result<(), Failure> {
    let place = target
        .path()
        .map_or("-".to_owned(), |it| it.display().to_string());
    if global.json {
        let document = || Document {
            read: counts.read,
            matched: counts.matched,
            output: place,
        };
        output::result(true, document, String::new)?;
    } else {
        output::diagnostic(&format!(
            "{}: {} of {} packets",
            place,
            output::count(counts.matched),
            output::count(counts.read)
        ));
    }
    if counts.cut > 0 {
        output::diagnostic(&format!(
            "warning: {} packets were longer than the snap length that their file declares, and were cut to it, as \
             tcpdump does",
            output::count(counts.cut)
        ));
    }
    let Some(last) = counts.torn.pop() else {
        return Ok(());
    };
    for error in &counts.torn {
        output::diagnostic(&format!("error: {error}"));
    }
    Err(Failure::because(Exit::Partial, &last))
}
