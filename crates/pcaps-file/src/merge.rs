//! One file of many, in the order of time.
//!
//! A full capture leaves many files, of several machines, that overlap in time. [`Merge`] makes one of them: packets
//! come in the order of their time, those of the same time in the order of the files, and those of one file and one time
//! as they stood. It reads each file once, and its memory does not grow with the files' length: 64 MiB do for
//! thousands of files (a packed file of zstd takes what its window asks for beside it).
//!
//! - The output is a classic file if all inputs are and agree in link type, snap length and resolution; else it is a
//!   pcapng file with an interface for each sort of packet. Times keep all their digits, packets all their bytes. Of
//!   pcapng files, what is not a packet (comments, names, secrets) is counted ([`MergedFile::annotations`]), and not
//!   carried over.
//! - A packet that stands behind a later one of its file is put in order if they are not too far apart: by 16 KiB in
//!   up to 16 files, by 4 KiB in up to 1,536, and by less in more, but 1 KiB at least. What is further apart comes as
//!   early as it can. Both are counted ([`MergedFile::reordered`], [`MergedFile::late`]).
//! - A file that is given twice is read once, and one that looks like a copy of another is told ([`Remark`]).
//! - A file that is torn or damaged gives what comes before ([`MergedFile::error`]).
//! - More than four packed files are unpacked to a temporary file first.
//!
//! # Examples
//!
//! ```no_run
//! use pcaps_file::{NewFile, merge::{Input, Merge}};
//!
//! # fn main() -> Result<(), pcaps_file::Error> {
//! let output = NewFile::create("all.pcap")?;
//! let inputs = ["edge-1.pcap", "edge-2.pcap.gz"].map(Input::path);
//! let merged = Merge::new().run(inputs, output.open()?)?;
//! output.put_in_place()?;
//! for file in &merged.files {
//!     if let Some(error) = &file.error {
//!         eprintln!("warning: {error}");
//!     }
//! }
//! println!("{} packets", merged.packets);
//! # Ok(())
//! # }
//! ```

mod bytes;
mod copies;
mod dedup;
mod inputs;
mod rounds;
mod stream;

use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::behind;
use crate::error::Error;
use crate::output::{self, Output};
use crate::packet::Timestamp;
use crate::reader::{Format, Header, Reader};
use dedup::Dedup;
use inputs::Inputs;
use rounds::Rounds;
use stream::Stream;

/// Merges capture files. The module's documentation says how.
#[derive(Clone, Debug, Default)]
pub struct Merge {
    dedup: Option<Duration>,
}

/// A file to be merged.
pub struct Input {
    name: String,
    origin: Origin,
}

enum Origin {
    Path(PathBuf),
    Reader(Box<dyn Read + Send>),
}

/// What a merge did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Merged {
    /// The format of what was written.
    pub format: Format,
    /// How many packets were written.
    pub packets: u64,
    /// How many packets were left out, because they had been seen in another file.
    pub duplicates: u64,
    /// Whether there were more packets within the window for duplicates than are remembered (262,144), so that
    /// duplicates may have been missed.
    pub dedup_is_short: bool,
    /// The earliest time that was written; `None` without packets.
    pub first_time: Option<Timestamp>,
    /// The latest time that was written; `None` without packets.
    pub last_time: Option<Timestamp>,
    /// The inputs, in the order in which they were given.
    pub files: Vec<MergedFile>,
}

/// What became of one input.
#[derive(Debug)]
#[non_exhaustive]
pub struct MergedFile {
    /// Its name: the path, or what it was called.
    pub name: String,
    /// How many of its packets were written.
    pub packets: u64,
    /// How many were left out, because they had been seen in another file.
    pub duplicates: u64,
    /// How many stood behind a later one, and were put in order.
    pub reordered: u64,
    /// How many stood too far behind a later one, or before earlier ones, to be put in order.
    pub late: u64,
    /// How many could not be written, because the output cannot express them: times after the year 2106 in a classic
    /// file, and packets of 16 MiB in pcapng.
    pub refused: u64,
    /// How many comments, and blocks of names, decryption secrets and other things that are neither packets nor
    /// statistics, a pcapng file has beside its packets. The output has none of them.
    pub annotations: u64,
    /// What there is to say, though nothing is wrong.
    pub remark: Option<Remark>,
    /// Why its packets end before its end; they were written up to there.
    pub error: Option<Error>,
}

/// What there is to say about an input with which nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// It has not one byte.
    Empty,
    /// It has a header, and no packets.
    NoPackets,
    /// It is the same file as the one of this name, which came before, and was not read again.
    SameAs(String),
    /// It is another file than the one of this name, which came before, of the same length and with the same bytes at its
    /// beginning, in its middle and at its end. The packets of both were written, unless [`dedup`](Merge::dedup) left
    /// them out. Files that are packed in different ways are not compared.
    CopyOf(String),
}

impl Input {
    /// The file at `path`.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            name: path.display().to_string(),
            origin: Origin::Path(path),
        }
    }

    /// The same by another name in what is said of it: for a file that came from elsewhere.
    #[must_use]
    pub fn called(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    /// The same once more, if it can be opened twice.
    pub(crate) fn again(&self) -> Option<Self> {
        match &self.origin {
            Origin::Path(path) if lasting(path).is_some() => Some(Self {
                name: self.name.clone(),
                origin: Origin::Path(path.clone()),
            }),
            _ => None,
        }
    }

    /// Reads its beginning.
    pub(crate) fn open(self) -> Result<Reader<Box<dyn Read + Send>>, Error> {
        match self.origin {
            Origin::Path(path) => match File::open(path) {
                Ok(file) => Reader::of_file(file, self.name, |it| Box::new(it) as _),
                Err(error) => Err(Error::open(self.name, error)),
            },
            Origin::Reader(read) => Reader::new(read, self.name),
        }
    }

    /// Anything else that can be read, such as standard input. `name` is for errors.
    pub fn reader(read: impl Read + Send + 'static, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            origin: Origin::Reader(Box::new(read)),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What there is to know of a file that can be opened once more: of neither a pipe nor a descriptor by its name, which may be
/// the same opening then.
fn lasting(path: &Path) -> Option<fs::Metadata> {
    let is_descriptor = ["/dev/stdin", "/dev/fd"]
        .iter()
        .any(|it| path.starts_with(it));
    let metadata = fs::metadata(path).ok().filter(|_| !is_descriptor);
    metadata.filter(fs::Metadata::is_file)
}

impl MergedFile {
    fn new(name: String) -> Self {
        Self {
            name,
            packets: 0,
            duplicates: 0,
            reordered: 0,
            late: 0,
            refused: 0,
            annotations: 0,
            remark: None,
            error: None,
        }
    }

    /// Whether packets are missing in the output that are in the file, or may be.
    pub fn is_partial(&self) -> bool {
        self.error.is_some() || self.refused > 0
    }
}

impl Merge {
    /// A merge that keeps every packet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves out a packet that was seen in another file within `window`: one with the same bytes, lengths and link
    /// type. What one file holds twice is kept twice.
    #[must_use]
    pub fn dedup(self, window: Duration) -> Self {
        Self {
            dedup: Some(window),
        }
    }

    /// Merges the inputs into `output`, which a thread of its own writes, in large pieces. All inputs are opened, and packed
    /// ones beyond the fourth unpacked, before anything is written: an output that fails ends none of that.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) if an input cannot be opened, or the output cannot be written, and
    /// [`is_not_a_capture`](Error::is_not_a_capture) if all inputs are empty. An input that is no capture, or torn, or
    /// damaged, is no error here but in its [`MergedFile`], unless there is no other: then its error is this one.
    pub fn run<W: Write + Send>(
        &self,
        inputs: impl IntoIterator<Item = Input>,
        output: W,
    ) -> Result<Merged, Error> {
        let Inputs {
            mut files, streams, ..
        } = Inputs::open(inputs.into_iter().collect())?;
        if streams.is_empty()
            && let Some(error) = files.iter_mut().find_map(|it| it.error.take())
        {
            return Err(error);
        }
        behind::write(output, |output| self.streams(files, streams, output))
    }

    fn streams(
        &self,
        mut files: Vec<MergedFile>,
        streams: Vec<(usize, Stream)>,
        output: impl Write,
    ) -> Result<Merged, Error> {
        let headers: Vec<Header> = streams.iter().map(|(_, it)| it.header()).collect();
        let mut output = Output::begin(&headers, output)?;
        let mut dedup = self.dedup.map(Dedup::new);
        let mut rounds = Rounds::new(streams);
        let mut times: Option<(Timestamp, Timestamp)> = None;
        while rounds.advance() {
            for (number, stream, packet, sort) in rounds.packets() {
                let file = rounds.file(number);
                let origin = output::Origin {
                    input: number,
                    sort,
                };
                let is_known = |it: &mut Dedup| it.is_known(&packet, file);
                let left_out = if dedup.as_mut().is_some_and(is_known) {
                    files.get_mut(file).map(|it| &mut it.duplicates)
                } else if output.write(origin, || stream.sort(sort), &packet)? {
                    let time = packet.timestamp;
                    let (first, last) = times.unwrap_or((time, time));
                    times = Some((first.min(time), last.max(time)));
                    None
                } else {
                    files.get_mut(file).map(|it| &mut it.refused)
                };
                if let Some(count) = left_out {
                    *count += 1;
                }
            }
        }
        for (number, stream) in rounds.into_streams() {
            let Some(file) = files.get_mut(number) else {
                continue;
            };
            file.packets = stream.packets - file.duplicates - file.refused;
            (file.reordered, file.late) = (stream.reordered, stream.late);
            file.annotations = stream.annotations();
            file.error = stream.error;
            let none = file.packets + file.duplicates + file.refused == 0;
            if none && file.error.is_none() {
                file.remark = Some(Remark::NoPackets);
            }
        }
        Ok(Merged {
            format: output.finish()?,
            packets: files.iter().map(|it| it.packets).sum(),
            duplicates: files.iter().map(|it| it.duplicates).sum(),
            dedup_is_short: dedup.is_some_and(|it| it.is_short),
            first_time: times.map(|(first, _)| first),
            last_time: times.map(|(_, last)| last),
            files,
        })
    }
}
