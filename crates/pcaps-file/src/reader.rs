//! Packets out of a file of either format.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::iter;
use std::mem;
use std::ops::Range;
use std::path::Path;

use crate::error::{Error, Fault};
use crate::packet::{LinkType, Packet, Timestamp};
use crate::pcap::Pcap;
use crate::pcapng::PcapNg;
use crate::positional::Positional;
use crate::source::Source;
use crate::writer::WriterOptions;

/// The format of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Classic pcap, also with nanoseconds or Kuznetzov's longer record headers.
    Pcap,
    /// pcapng.
    PcapNg,
}

/// What the beginning of a file says about its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The file's format.
    pub format: Format,
    /// The link type: in pcapng that of the first interface (others may differ, so see
    /// [`Packet::link_type`]), or [`LinkType::NULL`] if the file has none and therefore no packets.
    pub link_type: LinkType,
    /// How many bytes of each packet were kept at most; 0 for no limit. In pcapng of the first interface.
    pub snap_len: u32,
    /// Whether times may have digits below the microsecond. In pcapng of the first interface.
    pub nanoseconds: bool,
}

impl Header {
    /// That of a file without any.
    pub(crate) const UNKNOWN: Self = Self {
        format: Format::PcapNg,
        link_type: LinkType::NULL,
        snap_len: 0,
        nanoseconds: false,
    };
}

/// Streams the packets of a pcap or pcapng file, whatever its byte order and resolution, with memory
/// for one record.
///
/// A file that is packed with gzip or zstd is told by its first bytes, whatever its name, and unpacked on the
/// way; memory does not grow with what comes out (zstd takes what its window asks for, 128 MiB at most).
///
/// It reads large pieces itself: a `BufReader` around the file gains nothing. Of pcapng it delivers
/// enhanced, simple and obsolete packet blocks of all sections and interfaces, and steps over other blocks.
///
/// For bytes that arrive by themselves, as from an asynchronous reader, there is [`PushReader`](crate::PushReader).
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), pcaps_file::Error> {
/// let mut reader = pcaps_file::Reader::open("capture.pcap.gz")?;
/// while let Some(packet) = reader.next_packet()? {
///     println!("{} {} bytes", packet.timestamp, packet.original_len);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Reader<R> {
    source: Source<R>,
    records: Records,
}

enum Records {
    /// What the file begins with is not whole yet.
    Unknown,
    Pcap(Pcap),
    PcapNg(Box<PcapNg>),
}

/// A piece of a file that goes its own way: whole records.
pub(crate) struct Piece {
    pcap: Pcap,
    buffer: Vec<u8>,
    /// Where in it the records are.
    records: Range<usize>,
}

impl Piece {
    pub(crate) fn packets(&self) -> impl Iterator<Item = Packet<'_>> {
        let mut rest = self.buffer.get(self.records.clone()).unwrap_or_default();
        iter::from_fn(move || {
            let (packet, after) = self.pcap.split(rest)?;
            rest = after;
            Some(packet)
        })
    }

    /// The one sort of its packets.
    pub(crate) fn sort(&self) -> WriterOptions {
        self.pcap.header().into()
    }

    /// The buffer, to be used again.
    pub(crate) fn into_room(self) -> Vec<u8> {
        self.buffer
    }
}

/// A packet whose bytes lie in the record that was just consumed: `len` of them, `back` before its end.
pub(crate) struct Record {
    pub(crate) timestamp: Timestamp,
    pub(crate) link_type: LinkType,
    /// What [`Reader::sort`] explains.
    pub(crate) sort: u32,
    pub(crate) original_len: u32,
    pub(crate) back: usize,
    pub(crate) len: usize,
}

impl Reader<File> {
    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) if it cannot be opened, and those of [`Reader::new`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let name = path.as_ref().display().to_string();
        match File::open(path) {
            Ok(file) => Self::of_file(file, name, |it| it),
            Err(error) => Err(Error::open(name, error)),
        }
    }
}

impl<R: Read> Reader<R> {
    /// Reads the beginning of a file: of pcapng up to its first interface. `name` is for errors.
    ///
    /// # Errors
    ///
    /// [`is_not_a_capture`](Error::is_not_a_capture) if it is empty, shorter than four bytes, something else,
    /// or pcap of a version before 2.4, [`is_truncated`](Error::is_truncated) if it ends too soon, and others
    /// if it is damaged or cannot be read.
    pub fn new(read: R, name: impl Into<String>) -> Result<Self, Error> {
        let mut reader = Self::unopened(Source::new(read, name.into()));
        reader.open_records()?;
        Ok(reader)
    }

    /// The same of a file, from which is read as `with` makes it.
    pub(crate) fn of_file(
        file: File,
        name: String,
        with: impl FnOnce(File) -> R,
    ) -> Result<Self, Error> {
        let positional = Positional::of(&file);
        let source = Source::new(with(file), name).beside(positional);
        let mut reader = Self::unopened(source);
        reader.open_records()?;
        Ok(reader)
    }

    /// One that has read nothing yet.
    pub(crate) fn unopened(source: Source<R>) -> Self {
        Self {
            source,
            records: Records::Unknown,
        }
    }

    /// Reads the beginning. When reading fails it can be called again, and goes on from there.
    pub(crate) fn open_records(&mut self) -> Result<(), Error> {
        if let Records::Unknown = self.records {
            let magic = self.source.magic()?;
            self.records = if magic == PcapNg::MAGIC {
                Records::PcapNg(Box::new(PcapNg::new()))
            } else {
                // Told as soon as it can be.
                match Pcap::parse(&magic) {
                    Ok(_) | Err(Fault::Truncated) => {}
                    Err(fault) => return Err(self.source.fault(fault)),
                }
                Records::Pcap(Pcap::open(&mut self.source)?)
            };
        }
        if let Records::PcapNg(pcapng) = &mut self.records {
            pcapng.open(&mut self.source)?;
        }
        Ok(())
    }

    /// The next packet, in the file's order, or `None` at the end. It borrows the reader's buffer.
    ///
    /// Packets come as the file has them: an original length above the snap length is usual, and bytes beyond the
    /// snap length are not cut off. An original length below the captured one is raised to it. A fraction of a
    /// second that is a second or more is carried over: to the same moment. A time outside the range of
    /// [`Timestamp`] becomes its nearest end, digits below the nanosecond fall away, and simple packet
    /// blocks, which have no time, are at 1970-01-01T00:00:00Z. Of the link type, the bits above the lower 16, which
    /// tell the length of the frame check sequence, are ignored.
    ///
    /// # Errors
    ///
    /// [`is_truncated`](Error::is_truncated) if the file ends in the middle of a record, others if a record
    /// is damaged (also one that claims more than [`MAX_RECORD_LEN`](crate::MAX_RECORD_LEN) bytes) or
    /// cannot be read or unpacked. All whole packets before it have been delivered by then, and the next call meets
    /// the same obstacle: it does not step over it.
    #[inline]
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        match self.next_record()? {
            Some(record) => Ok(Some(self.packet(&record))),
            None => Ok(None),
        }
    }

    /// The record of the next packet, or `None` at the end.
    #[inline]
    pub(crate) fn next_record(&mut self) -> Result<Option<Record>, Error> {
        let record = match &mut self.records {
            Records::Pcap(pcap) => pcap.next(&mut self.source)?,
            Records::PcapNg(pcapng) => pcapng.next(&mut self.source)?,
            Records::Unknown => None,
        };
        if record.is_some() {
            self.source.packets += 1;
        }
        Ok(record)
    }

    /// The packets that come next, as many as fit into `room`, whole. `None` if there are none, or not known before one is
    /// read after the other: [`next_packet`](Self::next_packet) goes on.
    pub(crate) fn piece(&mut self, room: &mut Vec<u8>) -> Option<Piece> {
        let Records::Pcap(pcap) = &self.records else {
            return None;
        };
        // Into the caller's buffer, which is in its cache.
        self.source.change(room);
        self.source.fill_up();
        let (packets, len) = pcap.whole(self.source.ahead());
        self.source.consume(len);
        self.source.packets += packets;
        self.source.change(room);
        (packets > 0).then(|| Piece {
            pcap: *pcap,
            buffer: mem::take(room),
            records: 0..len,
        })
    }

    /// The same of bytes that another thread has read, which stand in `room` and come behind all that was read before.
    pub(crate) fn piece_of(&mut self, room: &mut Vec<u8>, read: Range<usize>) -> Option<Piece> {
        let begin = self.source.put_before(room, read.start);
        let (Records::Pcap(pcap), Some(begin)) = (&self.records, begin) else {
            // What began before it is longer than there is room for.
            self.source.add(room.get(read).unwrap_or_default());
            return None;
        };
        let bytes = room.get(begin..read.end).unwrap_or_default();
        let (packets, len) = pcap.whole(bytes);
        self.source.pass(len, bytes.get(len..).unwrap_or_default());
        self.source.packets += packets;
        (packets > 0).then(|| Piece {
            pcap: *pcap,
            buffer: mem::take(room),
            records: begin..begin + len,
        })
    }

    /// The packet of the record that came last.
    #[inline]
    pub(crate) fn packet(&self, record: &Record) -> Packet<'_> {
        Packet {
            timestamp: record.timestamp,
            link_type: record.link_type,
            original_len: record.original_len,
            bytes: self.source.behind(record.back, record.len),
        }
    }

    /// The sort of packet that a [`Record::sort`] is.
    pub(crate) fn sort(&self, sort: u32) -> WriterOptions {
        let sorts = match &self.records {
            Records::Pcap(pcap) => pcap.sorts(),
            Records::PcapNg(pcapng) => pcapng.sorts(),
            Records::Unknown => &[],
        };
        // Every packet is of a sort that was described before it.
        let known = sorts.get(sort as usize).copied();
        known.unwrap_or_else(|| self.header().into())
    }

    /// How many comments, and blocks that are neither packets nor about them, were passed by.
    pub(crate) fn annotations(&self) -> u64 {
        match &self.records {
            Records::PcapNg(pcapng) => pcapng.annotations(),
            Records::Pcap(_) | Records::Unknown => 0,
        }
    }

    pub(crate) fn source(&self) -> &Source<R> {
        &self.source
    }

    pub(crate) fn source_mut(&mut self) -> &mut Source<R> {
        &mut self.source
    }

    /// What is read from.
    pub(crate) fn get_mut(&mut self) -> &mut R {
        self.source.get_mut()
    }
}

impl<R> Reader<R> {
    /// What the beginning of the file says.
    pub fn header(&self) -> Header {
        match &self.records {
            Records::Pcap(pcap) => pcap.header(),
            Records::PcapNg(pcapng) => pcapng.header(),
            Records::Unknown => Header::UNKNOWN,
        }
    }
}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
