//! The one error of this crate.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a capture file could not be read or written.
///
/// It names the file, the byte and the packet where it happened. What to do next depends on the
/// [`kind`](Error::kind), for which there are also predicates; the cause below it, if there is one, is
/// its [`source`](std::error::Error::source) and not repeated in the message.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Repr>);

/// What sort of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system could not open, read or write.
    Io,
    /// The file is empty, is something other than a capture file, or is one of a version that is too old.
    NotACapture,
    /// The file ends in the middle of its header or of a record. The packets before it were delivered.
    Truncated,
    /// A record contradicts itself or claims an absurd size. The packets before it were delivered.
    Damaged,
    /// A packet does not fit the file it was to be written to. Nothing of it was written.
    Refused,
}

/// Where in a file: the beginning of the record that was being read.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) offset: u64,
    pub(crate) packet: u64,
    /// Whether what the file begins with is not whole yet.
    pub(crate) in_header: bool,
    /// Whether the file is packed, and the place one in what it unpacks to.
    pub(crate) unpacked: bool,
}

/// What is wrong with the bytes of a file.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    NotACapture(String),
    TooOld { major: u16, minor: u16 },
    Truncated,
    Damaged(String),
}

const EMPTY: &str = "it is empty";

impl Fault {
    pub(crate) fn empty() -> Self {
        Self::NotACapture(EMPTY.to_owned())
    }

    pub(crate) fn too_short() -> Self {
        Self::NotACapture("it is shorter than four bytes".to_owned())
    }
}

impl Place {
    fn part(&self) -> &'static str {
        if self.in_header { "header" } else { "record" }
    }

    /// The byte, in words.
    fn byte(&self) -> String {
        let of = if self.unpacked {
            " of what it unpacks to"
        } else {
            ""
        };
        format!("byte {}{of}", self.offset)
    }
}

#[derive(Debug, thiserror::Error)]
enum Repr {
    #[error("cannot open `{name}`: check the path and its permissions")]
    Open { name: String, source: io::Error },
    #[error("cannot read `{}` after {}, for packet {}", .place.name, .place.byte(), .place.packet)]
    Read { place: Place, source: io::Error },
    #[error("`{}` is not a capture file, {what}: give a pcap or pcapng file, as it is or packed with gzip or zstd", .place.name)]
    NotACapture { place: Place, what: String },
    #[error(
        "`{}` is a pcap file of version {major}.{minor}, and none before 2.4 is read: write it anew with \
         tcpdump or Wireshark",
        .place.name
    )]
    TooOld {
        place: Place,
        major: u16,
        minor: u16,
    },
    #[error(
        "`{}` ends in the middle of a {}, at {}, before packet {} was whole: fetch the \
         file again for the rest",
        .place.name, .place.part(), .place.byte(), .place.packet
    )]
    Truncated { place: Place },
    #[error(
        "`{}` is damaged at {}, before packet {} was whole: {what}; fetch the file again for \
         the rest",
        .place.name, .place.byte(), .place.packet
    )]
    Damaged { place: Place, what: String },
    #[error("none of the files says what packets it is for: give at least one that is not empty")]
    Nothing,
    #[error("cannot write {}: {why}", .path.display())]
    CannotWrite { path: PathBuf, why: String },
    #[error("cannot write packet {packet} at byte {offset}: check the space that is left")]
    Write {
        packet: u64,
        offset: u64,
        source: io::Error,
    },
    #[error("cannot write the last part of the file: check the space that is left")]
    Finish { source: io::Error },
    #[error("packet {packet} does not fit this file, {refusal}")]
    Refused {
        packet: u64,
        offset: u64,
        refusal: Refusal,
    },
}

/// Why a packet does not fit a file.
#[derive(Debug)]
pub(crate) enum Refusal {
    LinkType {
        file: u16,
        packet: u16,
    },
    Seconds(u64),
    Digits(u32),
    Len(usize),
    /// The packet is too long for a block.
    Block(usize),
    Interface(u32),
    Interfaces,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkType { file, packet } => write!(
                f,
                "its link type is {packet} and the file's is {file}: write a file for each link type"
            ),
            Self::Seconds(seconds) => write!(
                f,
                "its time is {seconds} s after 1970 and a pcap file ends at {}: correct the time",
                u32::MAX
            ),
            Self::Digits(nanos) => write!(
                f,
                "its time has {nanos} ns below the microsecond: write a file with nanoseconds"
            ),
            Self::Len(len) => write!(
                f,
                "it has {len} bytes and a record holds at most {}: give a snap length",
                u32::MAX
            ),
            Self::Block(len) => write!(
                f,
                "it has {len} bytes and a block holds at most {}: give a snap length",
                crate::MAX_RECORD_LEN
            ),
            Self::Interface(id) => {
                write!(f, "it has no interface {id}: give one that was added to it")
            }
            Self::Interfaces => {
                f.write_str("it has 65536 interfaces, and no room for another: write another file")
            }
        }
    }
}

impl Error {
    pub(crate) fn open(name: String, source: io::Error) -> Self {
        Self(Box::new(Repr::Open { name, source }))
    }

    pub(crate) fn read(place: Place, source: io::Error) -> Self {
        Self(Box::new(Repr::Read { place, source }))
    }

    pub(crate) fn at(place: Place, fault: Fault) -> Self {
        Self(Box::new(match fault {
            Fault::NotACapture(what) => Repr::NotACapture { place, what },
            Fault::TooOld { major, minor } => Repr::TooOld {
                place,
                major,
                minor,
            },
            Fault::Truncated => Repr::Truncated { place },
            Fault::Damaged(what) => Repr::Damaged { place, what },
        }))
    }

    /// There is nothing to merge.
    pub(crate) fn nothing() -> Self {
        Self(Box::new(Repr::Nothing))
    }

    pub(crate) fn cannot_write(path: &Path, why: String) -> Self {
        let path = path.to_owned();
        Self(Box::new(Repr::CannotWrite { path, why }))
    }

    pub(crate) fn write(packet: u64, offset: u64, source: io::Error) -> Self {
        Self(Box::new(Repr::Write {
            packet,
            offset,
            source,
        }))
    }

    pub(crate) fn finish(source: io::Error) -> Self {
        Self(Box::new(Repr::Finish { source }))
    }

    pub(crate) fn refused(packet: u64, offset: u64, refusal: Refusal) -> Self {
        Self(Box::new(Repr::Refused {
            packet,
            offset,
            refusal,
        }))
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match *self.0 {
            Repr::Open { .. }
            | Repr::Read { .. }
            | Repr::CannotWrite { .. }
            | Repr::Write { .. }
            | Repr::Finish { .. } => ErrorKind::Io,
            Repr::NotACapture { .. } | Repr::TooOld { .. } | Repr::Nothing => {
                ErrorKind::NotACapture
            }
            Repr::Truncated { .. } => ErrorKind::Truncated,
            Repr::Damaged { .. } => ErrorKind::Damaged,
            Repr::Refused { .. } => ErrorKind::Refused,
        }
    }

    /// Whether the file ends in the middle of its header or of a record; every whole packet before it was delivered.
    pub fn is_truncated(&self) -> bool {
        self.kind() == ErrorKind::Truncated
    }

    /// Whether the file is empty, not a capture file at all, or of a version that is too old.
    pub fn is_not_a_capture(&self) -> bool {
        self.kind() == ErrorKind::NotACapture
    }

    /// Whether the file has not one byte.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&*self.0, Repr::NotACapture { what, .. } if what == EMPTY)
    }

    /// Whether the operating system failed; its own error is the
    /// [`source`](std::error::Error::source).
    pub fn is_io(&self) -> bool {
        self.kind() == ErrorKind::Io
    }

    /// The byte of the file (if it is packed, of what it unpacks to) at which the record begins that could not
    /// be read or written; `None` when the file could not be opened, or its last part not be written.
    pub fn offset(&self) -> Option<u64> {
        match &*self.0 {
            Repr::Open { .. } | Repr::Nothing | Repr::CannotWrite { .. } | Repr::Finish { .. } => {
                None
            }
            Repr::Read { place, .. }
            | Repr::NotACapture { place, .. }
            | Repr::TooOld { place, .. }
            | Repr::Truncated { place }
            | Repr::Damaged { place, .. } => Some(place.offset),
            Repr::Write { offset, .. } | Repr::Refused { offset, .. } => Some(*offset),
        }
    }

    /// The number, from 1, of the packet that could not be read or written: one more than the packets
    /// that were. `None` when the file could not be opened, is not a capture file that can be read, or its
    /// last part could not be written.
    pub fn packet_number(&self) -> Option<u64> {
        match &*self.0 {
            Repr::Open { .. }
            | Repr::NotACapture { .. }
            | Repr::TooOld { .. }
            | Repr::Nothing
            | Repr::CannotWrite { .. }
            | Repr::Finish { .. } => None,
            Repr::Read { place, .. } | Repr::Truncated { place } | Repr::Damaged { place, .. } => {
                Some(place.packet)
            }
            Repr::Write { packet, .. } | Repr::Refused { packet, .. } => Some(*packet),
        }
    }
}
